"""The examples of README are what the program reads."""

from __future__ import annotations

import re
from pathlib import Path

from collectors.base import EXPORT_COMMAND
from worker.inventory.file import read_inventory

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")


def test_the_inventory_of_the_readme_can_be_imported(tmp_path: Path) -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", README, flags=re.DOTALL)
    file = tmp_path / "servers.yaml"
    file.write_text(example, encoding="utf-8")
    names = [s.name for s in read_inventory(file).servers]
    assert names == ["dhcp01.corp.example", "dhcp02.corp.example"]


def test_the_readme_gives_the_line_that_exports_best() -> None:
    assert f"```powershell\n{EXPORT_COMMAND}\n```" in README
