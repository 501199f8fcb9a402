"""A command as printed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class CommandShell(StrEnum):
    """Where a command is typed."""

    POWERSHELL = "powershell"
    POSIX = "sh"


@dataclass(frozen=True, slots=True)
class Command:
    """A complete command, on one line and without a placeholder."""

    shell: CommandShell
    text: str
