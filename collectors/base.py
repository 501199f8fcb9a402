"""What every collector promises, and the tree of errors that a reading can end with.

The tree is ordered by what a caller can *do*: ``code`` is stable and for programs, ``message``
and ``remedy`` are one sentence each for people, ``retry`` says whether the same question may get
an answer later without anybody lifting a finger.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import ClassVar, Final, Protocol

from collectors.quote import escaped
from collectors.wire import ReportedFailure
from reconcile.model.nouns import ReadFailure, Server, Sighting
from reconcile.remedies.own import ipam_sync
from reconcile.remedies.text import is_copyable

#: Saves all that a server reports of its relationships under the server's name.
EXPORT_COMMAND: Final = (
    "ConvertTo-Json -InputObject @(Get-DhcpServerv4Failover) -Depth 6 | "
    "Out-File -Encoding utf8 \"$([Net.Dns]::GetHostEntry('').HostName).json\""
)
EXPORT_AGAIN: Final = f"Export whole objects again, in PowerShell on the server: {EXPORT_COMMAND}"
INSTALL_TOOLS: Final = "Install-WindowsFeature -Name RSAT-DHCP"
LIST_RELATIONSHIPS: Final = "Get-DhcpServerv4Failover"


class Collector(Protocol):
    """Something that can ask DHCP servers for their relationships."""

    @property
    def rereads(self) -> bool:
        """True if a second reading in the same run can tell something else than the first."""

    def offers(self, servers: Iterable[Server]) -> frozenset[int]:
        """Return the ids of the servers that can be read.

        The others count as skipped, not as unseen.
        """

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
        """Return the error as a value for the sighting."""
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


_RIGHTS: Final = (
    "A local administrator can read it. With less this should work: Remote Management Users and "
    "DHCP Users, and on the WMI namespace root\\Microsoft\\Windows\\DHCP the rights Enable Account, "
    "Execute Methods and Remote Enable. Log on anew, then verify it: "
)


def _remedy(server: str, fqid: str, *, is_refused: bool) -> str:
    if is_refused:
        return f"{_RIGHTS}{ipam_sync('servers check', server).text}"
    if fqid.startswith("CommandNotFound"):
        return f"Install the DHCP tools in PowerShell on the server: {INSTALL_TOOLS}"
    return f"Correct what this reports in PowerShell on the server itself: {LIST_RELATIONSHIPS}"


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
        is_dhcp_error = (self.fqid or "").startswith(("DHCP ", "WIN32 ", "CommandNotFound"))
        self.layer = "dhcp" if is_dhcp_error else "wmi"
        refused = self.category == "PermissionDenied"
        self.retry = not refused
        reason = escaped(failure["message"] or "no reason given", 300).rstrip(".")
        ids = ", ".join(escaped(part) for part in (self.fqid, self.category) if part)
        super().__init__(
            f"{source}: the server could not read its relationships: {reason}"
            + (f" ({ids})." if ids else "."),
            _remedy(source, self.fqid or "", is_refused=refused),
        )


class WrongHost(ReadError):
    """Another machine answered than the one that was asked."""

    code = "wrong_host"

    def __init__(self, server: str, names: Iterable[str]) -> None:
        reported = tuple(names)
        calls = ", ".join(escaped(name) for name in reported)
        alias = next(filter(is_copyable, reported), None)
        command = "" if alias is None else ipam_sync("names alias add", server, alias).text
        super().__init__(
            f"{server}: the host that answered calls itself {calls}, so its answer does not count.",
            f"If it is the wrong machine, correct the address or URL of {server}. If it is the right "
            f"one, give {server} that name as an alias{': ' if command else '.'}{command}",
        )


class FileUnreadable(ReadError):
    """The export of a server is there but cannot be read, or cannot be told from another."""

    code = "local_config"

    def __init__(self, server: str, path: Path, problem: str, remedy: str) -> None:
        super().__init__(f"{server}: the export {escaped(str(path), 300)} {problem}.", remedy)
