"""What stands behind a simulated WinRM service: a Windows machine that runs command lines.

``server`` speaks WinRM with whoever calls and knows no DHCP; ``fleet`` has machines that are DHCP
servers and know no WinRM.  This is all they have in common.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Execution:
    """The result of a process, ``seconds`` after its start. It printed ``early`` at once.

    ``writes`` are the lengths of its writes to standard output, where they are known. Each becomes
    an element of its own in the answer.
    """

    stdout: bytes
    stderr: bytes = b""
    exit_code: int = 0
    seconds: float = 0.0
    early: bytes = b""
    writes: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class DomainAccount:
    """A user of the fleet, alone or with its domain before a backslash.

    Each machine may refuse it.
    """

    username: str
    password: str


class Machine(Protocol):
    """A Windows machine. Its methods are called from one thread only and never wait."""

    @property
    def name(self) -> str:
        """Its fully qualified name."""

    def execute(self, command_line: str, stdin: bytes) -> Execution:
        """Run what ``cmd.exe`` was given (program and arguments as they arrived)."""

    def admits(self, account: DomainAccount) -> bool:
        """False if this machine, and maybe it alone, refuses the logon of this account."""
