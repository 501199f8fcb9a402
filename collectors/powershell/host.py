"""Whom to ask, as whom, and within what bounds: the values that a poll is made of.

Nothing here is imported from a library: the inventory and the settings use it, too.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path


class Transport(StrEnum):
    """How a WinRM client proves who it is."""

    NTLM = "ntlm"
    BASIC = "basic"
    CERTIFICATE = "certificate"
    KERBEROS = "kerberos"  # inventories may name it; a poll is refused until it works


@dataclass(frozen=True, slots=True)
class Login:
    """The identity for a logon.

    ``name`` is the credential's name in IPAM. Refusals are counted for it, and sentences name it.
    The password is never shown. A certificate (PEM) and its key may stand instead of a password.
    """

    name: str
    username: str
    password: str | None = field(default=None, repr=False)
    certificate: Path | None = None
    key: Path | None = None


@dataclass(frozen=True, slots=True)
class Host:
    """A server as it is contacted. ``server`` is its id and ``name`` its name in IPAM."""

    server: int
    name: str
    url: str
    transport: Transport
    login: Login


@dataclass(frozen=True, slots=True)
class PollLimits:
    """Bounds of one poll.

    ``deadline_seconds`` ends it whatever happens, but for a short time to delete the shell;
    ``operation_seconds`` is how long a server may hold one Receive without output;
    ``idle_seconds`` is when the server itself gives up a shell that nobody deleted.
    """

    deadline_seconds: float = 60.0
    connect_seconds: float = 10.0
    operation_seconds: float = 20.0
    idle_seconds: int = 180
    output_bytes: int = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Output:
    """The result of a script: standard output whole, the beginning of standard error, exit code."""

    stdout: bytes
    stderr: bytes
    exit_code: int
