"""What compose.yaml and the systemd units say, for the tests that hold them to the program."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import click
import yaml

from worker.cli import main

ROOT: Final = Path(__file__).parents[1]


def compose() -> dict[str, Any]:
    """compose.yaml, with its anchors resolved."""
    document: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
    return document


def our_services() -> dict[str, dict[str, Any]]:
    """The services that run ipam-sync, by name."""
    return {n: s for n, s in compose()["services"].items() if s["image"] == "ipam-sync"}


def units() -> dict[str, dict[str, list[str]]]:
    """The systemd units: by file, each key with all its values."""
    found = {}
    for path in sorted((ROOT / "docs" / "systemd").iterdir()):
        keys: dict[str, list[str]] = {}
        for line in path.read_text(encoding="utf-8").splitlines():
            key, equals, value = line.partition("=")
            if equals and not line.startswith("#"):
                keys.setdefault(key, []).append(value)
        found[path.name] = keys
    return found


def parse(words: Sequence[str]) -> click.Context:
    """The command line as the program understands it, without running it. Raises UsageError."""
    command: click.Command = main
    context = click.Context(main, info_name="ipam-sync")
    rest = list(words)
    while isinstance(command, click.Group) and rest:
        _, found, rest = command.resolve_command(context, rest)
        assert found is not None
        context, command = click.Context(found, parent=context), found
    return command.make_context(command.name, rest)
