"""README speaks of every command, setting and exit code that exists, and of no other."""

from __future__ import annotations

import re
from pathlib import Path

import click

from collectors.base import EXPORT_COMMAND
from worker.cli import main
from worker.config.settings import Settings
from worker.inventory.file import read_inventory

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")


def _commands(group: click.Group, path: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
    context = click.Context(group)
    found: set[tuple[str, ...]] = set()
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        below = (*path, name)
        if isinstance(command, click.Group):
            found |= _commands(command, below)
        if not isinstance(command, click.Group) or command.invoke_without_command:
            found.add(below)
    return found


def _documented_commands() -> set[tuple[str, ...]]:
    """Rows of the table of commands: ``ipam-sync a b`` ``c`` means ``a b`` and ``a c``."""
    found: set[tuple[str, ...]] = set()
    for row in re.findall(r"^\| (`ipam-sync [^|]*)\|", README, flags=re.MULTILINE):
        first, *siblings = re.findall(r"`([^`]*)`", row)
        words = tuple(first.split()[1:])
        found |= {words, *((*words[:-1], s) for s in siblings)}
    return found


def test_every_command_is_in_the_table_of_commands() -> None:
    assert _documented_commands() == _commands(main)


def test_every_setting_is_in_the_table_of_settings() -> None:
    documented = set(re.findall(r"^\| `IPAM_SYNC_(\w+)` \|", README, flags=re.MULTILINE))
    assert documented == {name.upper() for name in Settings.__dataclass_fields__}


def test_the_inventory_of_the_readme_can_be_imported(tmp_path: Path) -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", README, flags=re.DOTALL)
    file = tmp_path / "servers.yaml"
    file.write_text(example, encoding="utf-8")
    names = [s.name for s in read_inventory(file).servers]
    assert names == ["dhcp01.corp.example", "dhcp02.corp.example"]


def test_the_readme_gives_the_line_that_exports_best() -> None:
    assert f"```powershell\n{EXPORT_COMMAND}\n```" in README
