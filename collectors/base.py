"""What every collector promises, and the tree of errors that a reading can end with.

The tree is ordered by what a caller can *do*: ``code`` is stable and for programs, ``message``
and ``remedy`` are one sentence each for people, ``retry`` says whether the same question may get
an answer later without anybody lifting a finger.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import ClassVar, Protocol

from collectors.quote import escaped
from collectors.wire import ReportedFailure
from reconcile.model import ReadFailure, Server, Sighting

EXPORT_AGAIN = (
    "Export whole objects again: "
    "ConvertTo-Json -InputObject @(Get-DhcpServerv4Failover) -Depth 6 | Out-File -Encoding utf8"
)


class Collector(Protocol):
    """Something that can ask DHCP servers for their relationships."""

    @property
    def rereads(self) -> bool:
        """True if a second reading in the same run can tell something else than the first."""

    def offers(self, servers: Iterable[Server]) -> frozenset[int]:
        """The ids of those that can be asked at all; the others are 'not asked', not unseen."""

    def look(self, servers: Iterable[Server], clock: Callable[[], datetime]) -> Iterator[Sighting]:
        """A sighting of each server that ``offers`` names, in any order, the others left out.

        Each is dated by ``clock`` before it begins; ``clock`` may be called by several threads.
        Whatever goes wrong out there is an ``Unseen``, never an exception.
        """


class ReadError(Exception):
    """A server, or what it printed, could not be read."""

    code: ClassVar[str] = "read"
    retry: bool = False

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def to_failure(self) -> ReadFailure:
        """The same as a value, for the sighting."""
        return ReadFailure(self.code, self.message, self.remedy, self.retry)


class DecodeError(ReadError):
    """The bytes came, but they are not what we can read.

    ``source`` is the server (and relationship), ``path`` the field in it; ``problem`` shows the
    value, quoted.
    """

    code = "decode"

    def __init__(self, source: str, path: str, problem: str, remedy: str = EXPORT_AGAIN) -> None:
        super().__init__(f"{source}: {path} {problem}.", remedy)
        self.path = path


class EmptyOutput(ReadError):
    """Nothing was printed, which is a failed read and not a server without relationships."""

    code = "empty_output"

    def __init__(self, source: str, what: str) -> None:
        super().__init__(
            f"{source}: the output is {what}, which is a failed read;"
            " a server without relationships prints [].",
            EXPORT_AGAIN,
        )


_RIGHTS = (
    "A local administrator can read it. With less this should work, verify it with ipam-sync servers "
    "check: Remote Management Users and DHCP Users, and on the WMI namespace "
    "root\\Microsoft\\Windows\\DHCP the rights Enable Account, Execute Methods and Remote Enable; then "
    "log on anew."
)


def _remedy(fqid: str) -> str:
    if fqid.startswith("CommandNotFound"):
        return "Install the DHCP server tools there: Install-WindowsFeature RSAT-DHCP."
    return "Run Get-DhcpServerv4Failover on the server itself and mend what it reports."


class ReportedError(ReadError):
    """The server was reached, and its DHCP service or WMI refused to tell.

    ``fqid`` and ``category`` are PowerShell's; the message is in the server's language, so only
    these two may be compared.
    """

    code = "dhcp"

    def __init__(self, source: str, failure: ReportedFailure) -> None:
        self.fqid = failure["fqid"]
        self.category = failure["category"]
        #: A refusal that is not DHCP's own came from WMI, through which the cmdlets ask.
        own = (self.fqid or "").startswith(("DHCP ", "WIN32 ", "CommandNotFound"))
        self.layer = "dhcp" if own else "wmi"
        refused = self.category == "PermissionDenied"
        self.retry = not refused
        said = escaped(failure["message"] or "no reason given", 300).rstrip(".")
        ids = ", ".join(escaped(part) for part in (self.fqid, self.category) if part)
        super().__init__(
            f"{source}: the server could not read its relationships: {said}"
            + (f" ({ids})." if ids else "."),
            _RIGHTS if refused else _remedy(self.fqid or ""),
        )


class WrongHost(ReadError):
    """Another machine answered than the one that was asked."""

    code = "wrong_host"

    def __init__(self, server: str, names: Iterable[str]) -> None:
        calls = ", ".join(escaped(name) for name in names)
        super().__init__(
            f"{server}: the host that answered calls itself {calls}, so its answer does not count.",
            f"If it is the right machine, make that name an alias of {server}"
            " (ipam-sync names alias add); if not, correct where it is looked for.",
        )


class FileUnreadable(ReadError):
    """The export of a server is there but cannot be read, or cannot be told from another."""

    code = "local_config"

    def __init__(self, server: str, path: Path, problem: str, remedy: str) -> None:
        super().__init__(f"{server}: the export {escaped(str(path), 300)} {problem}.", remedy)
