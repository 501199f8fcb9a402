"""The hooks of pre-commit run what `make lint` runs, and fetch nothing."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
#: Checks compose.yaml alone, which seldom changes.
LEFT_OUT = {"check-jsonschema"}


def test_every_hook_is_local() -> None:
    assert [repo["repo"] for repo in yaml.safe_load(TEXT)["repos"]] == ["local"]
    assert "://" not in TEXT


def test_the_hooks_are_the_checks_of_make_lint() -> None:
    (local,) = yaml.safe_load(TEXT)["repos"]
    hooks = [hook["entry"].removeprefix(".venv/bin/").split() for hook in local["hooks"]]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    recipe = re.findall(
        r"^\t\$\(BIN\)/(.*)$", makefile.partition("\nlint:")[2].split("\n\n")[0], re.MULTILINE
    )
    checks = [line.split() for line in recipe if line.split()[0] not in LEFT_OUT]
    assert [words[0] for words in hooks] == [words[0] for words in checks]
    assert hooks[-1] == checks[-1] == ["python", "-m", "tests.language"]
