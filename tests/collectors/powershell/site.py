"""A WinRM service for each way to log on, before a machine that says what a test wants it to say."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from collectors.powershell.client import PowerShell
from collectors.powershell.host import Host, Login, PollLimits, Transport
from collectors.powershell.logons import Logons
from collectors.powershell.tls import trust
from collectors.simulator.authority import Authority
from collectors.simulator.machine import DomainAccount, Execution
from collectors.simulator.server import Simulator
from collectors.simulator.station import BASIC, CERTIFICATE, Station
from tests.collectors.powershell.peers import Book

ACCOUNT = DomainAccount("CORP\\svc-ipam", "pässword")
#: Whom the client certificates of the site are made out to.
BY_CERTIFICATE = DomainAccount("svc-certificate", "unused")
LIMITS = PollLimits(deadline_seconds=20, connect_seconds=5, operation_seconds=5)
HELLO = '{"hello": "Zürich"}'.encode()


@dataclass
class Windows:
    """Answers every command line with ``execution``."""

    name: str = "dc1.corp.example"
    execution: Execution = field(default_factory=lambda: Execution(HELLO))
    lines: list[str] = field(default_factory=list)

    def execute(self, command_line: str, stdin: bytes) -> Execution:
        del stdin
        self.lines.append(command_line)
        return self.execution

    def admits(self, account: DomainAccount) -> bool:
        del account
        return True


@dataclass
class Site:
    """The services by the transport that they are for; ``plain`` is NTLM without TLS."""

    simulator: Simulator
    stations: dict[str, Station]
    windows: Windows
    directory: Path
    certificate: Login

    def __getitem__(self, name: str) -> Station:
        return self.stations[name]

    def host(self, name: str, login: Login | None = None) -> Host:
        """How the service is polled, by default with the right credential."""
        transports = {"plain": Transport.NTLM, "tls": Transport.NTLM}
        transport = transports.get(name) or Transport(name)
        if login is None:
            by_password = Login("main", ACCOUNT.username, ACCOUNT.password)
            login = self.certificate if transport is Transport.CERTIFICATE else by_password
        return Host(1, "dc1", self.stations[name].url, transport, login)

    def powershell(self, limits: PollLimits = LIMITS, book: Book | None = None) -> PowerShell:
        return PowerShell(trust(self.directory / "ca.pem"), limits, Logons(book or Book()))

    def mend(self) -> None:
        """As in the beginning."""
        self.windows.execution = Execution(HELLO)
        self.windows.lines.clear()
        for station in self.stations.values():
            self.simulator.set_faults(station)
        assert self.open_shells() == 0

    def open_shells(self) -> int:
        """Those that are still open when all requests have been worked off."""
        until = time.monotonic() + 5
        while self.simulator.open_shells() and time.monotonic() < until:
            threading.Event().wait(0.01)
        return self.simulator.open_shells()


@contextmanager
def opened() -> Iterator[Site]:
    """A site for as long as this lasts."""
    windows, authority = Windows(), Authority()
    stations = {
        "plain": Station(windows),
        "tls": Station(windows, tls=True),
        "basic": Station(windows, tls=True, schemes=(BASIC,)),
        "certificate": Station(windows, tls=True, schemes=(CERTIFICATE,)),
    }
    with (
        TemporaryDirectory() as name,
        Simulator(stations.values(), [ACCOUNT, BY_CERTIFICATE], authority) as simulator,
    ):
        directory = Path(name)
        authority.write(directory)
        yield Site(simulator, stations, windows, directory, issued(authority, directory))


def issued(
    authority: Authority,
    directory: Path,
    stem: str = "client",
    username: str = BY_CERTIFICATE.username,
) -> Login:
    """A credential with a certificate of this authority."""
    files = directory / f"{stem}.pem", directory / f"{stem}.key"
    for file, content in zip(files, authority.client(username), strict=True):
        file.write_bytes(content)
    return Login("by-certificate", "", certificate=files[0], key=files[1])
