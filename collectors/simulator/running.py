"""A fleet that listens: where each server is found, as whom it is asked, and changes while it runs.

Used by ``ipam-sync simulate``, the demo, tests and benchmarks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final, Self

from collectors.simulator.authority import Authority
from collectors.simulator.changes import BadChange, change
from collectors.simulator.dhcp import DhcpServer
from collectors.simulator.faults import BadFault, injection
from collectors.simulator.fleet import Fleet
from collectors.simulator.machine import DomainAccount
from collectors.simulator.server import Simulator
from collectors.simulator.shells import Quotas
from collectors.simulator.station import BASIC, CERTIFICATE, NEGOTIATE, Station

#: The only word about a server that is not about its machine but about its WinRM service.
_FAULTS: Final = "faults"


class SimulatedLogon(StrEnum):
    """Ways to log on to a server, in the words of the inventory."""

    NTLM = "ntlm"
    BASIC = "basic"
    CERTIFICATE = "certificate"


_SCHEMES: Final = {
    SimulatedLogon.NTLM: NEGOTIATE,
    SimulatedLogon.BASIC: BASIC,
    SimulatedLogon.CERTIFICATE: CERTIFICATE,
}

#: Whom client certificates are made out to.
BY_CERTIFICATE: Final = DomainAccount("svc-certificate", "unused")
SERVICE: Final = DomainAccount("CORP\\svc-ipam", "only for the simulated fleet")


@dataclass(frozen=True, slots=True)
class Listener:
    """The settings of a server's WinRM listener. Basic and certificates are for TLS only."""

    tls: bool = True
    logon: SimulatedLogon = SimulatedLogon.NTLM
    address: str = "127.0.0.1"
    port: int = 0
    faults: tuple[str, ...] = ()
    quotas: Quotas | None = None


class RunningFleet:
    """A context manager: within it the servers listen.

    ``listeners`` by server name; who is not in it has the default one.  ``directory`` is for files
    that are needed meanwhile, see ``Accounts``.
    """

    def __init__(
        self,
        fleet: Fleet,
        listeners: Mapping[str, Listener] | None = None,
        *,
        account: DomainAccount = SERVICE,
        directory: Path | None = None,
    ) -> None:
        self.fleet = fleet
        self.account = account
        self.authority = Authority()
        self._listeners = dict(listeners or {})
        self._stations = {
            server.name: _station(server, self.listener(server.name)) for server in fleet.servers
        }
        accounts = (account, BY_CERTIFICATE)
        self.simulator = Simulator(self._stations.values(), accounts, self.authority, directory)

    def __enter__(self) -> Self:
        self.simulator.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.simulator.__exit__(None, None, None)

    def listener(self, name: str) -> Listener:
        """How the server of this name listens."""
        return self._listeners.get(name, Listener())

    def station(self, name: str) -> Station:
        """Its WinRM service. Raises UnknownName."""
        return self._stations[self.fleet.server(name).name]

    def change(self, subject: str, changes: Mapping[str, str]) -> None:
        """Change a server, a relationship or a side of one, see ``changes``, or ``faults``.

        Raises BadChange and UnknownName, and then changes nothing.
        """
        self.simulator.call(self._change(subject, dict(changes)))

    async def _change(self, subject: str, changes: dict[str, str]) -> None:
        broken = changes.pop(_FAULTS, None)
        faults = () if broken is None else tuple(broken.replace(",", " ").split())
        try:
            for text in faults:
                injection(text)
        except BadFault as error:
            raise BadChange(str(error)) from error
        station = None if broken is None else self.station(subject)
        change(self.fleet, subject, changes)
        if station is not None:
            await self.simulator.break_station(station, *faults)

    def write_authority(self, directory: Path) -> Path:
        """The file of the authority that signed the servers' certificates."""
        return self.authority.write(directory)


def _station(server: DhcpServer, listener: Listener) -> Station:
    return Station(
        server,
        tls=listener.tls,
        address=listener.address,
        port=listener.port,
        schemes=(_SCHEMES[listener.logon],),
        faults=listener.faults,
        quotas=listener.quotas,
    )
