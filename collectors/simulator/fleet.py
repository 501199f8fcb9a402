"""A fleet of simulated DHCP servers, and the relationships between them.

Used by tests, benchmarks, the demo and ``ipam-sync simulate``.  A relationship is made on both
partners at once; from then on each has a copy of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from collectors.simulator.dhcp import Copy, DhcpServer, SimulatedMode


@dataclass(frozen=True, slots=True)
class Relationship:
    """A relationship as an administrator creates it: equal on both partners but for the primary.

    A partner that is not in the fleet (an unmanaged server) has no copy.
    """

    name: str
    primary: str
    secondary: str
    scopes: tuple[str, ...] = ()
    mode: SimulatedMode = SimulatedMode.LOAD_BALANCE
    percent: int = 50
    mclt_seconds: int = 3600
    interval_seconds: int | None = None
    auth: bool = True
    state: str = "Normal"


class UnknownName(LookupError):
    """The fleet has nothing of this name. The message is one sentence."""


class Fleet:
    """The servers by name. Names are compared without case."""

    def __init__(self, servers: Iterable[DhcpServer] = ()) -> None:
        self._servers: dict[str, DhcpServer] = {}
        for server in servers:
            self.add(server)

    @property
    def servers(self) -> tuple[DhcpServer, ...]:
        """In the order in which they came."""
        return tuple(self._servers.values())

    def add(self, server: DhcpServer) -> None:
        """Add a server, in place of a server of that name."""
        self._servers[server.name.casefold()] = server

    def server(self, name: str) -> DhcpServer:
        """By its name, or its first label if no other has it. Raises UnknownName."""
        folded = name.casefold()
        if folded in self._servers:
            return self._servers[folded]
        short = [s for key, s in self._servers.items() if key.partition(".")[0] == folded]
        if len(short) == 1:
            return short[0]
        problem = "no server" if not short else "more than one server"
        raise UnknownName(f"The fleet has {problem} called {name!r}.")

    def relate(self, wanted: Relationship) -> None:
        """Create a relationship on its partners."""
        for name in (wanted.primary, wanted.secondary):
            server = self._servers.get(name.casefold())
            if server is not None:
                server.copies[wanted.name.casefold()] = self._copy(wanted, server)

    def sides(self, name: str) -> tuple[tuple[DhcpServer, Copy], ...]:
        """Return the servers that have a relationship of that name, with their copies.

        Raises UnknownName.
        """
        copies = tuple(
            (s, copy) for s in self._servers.values() if (copy := s.copy(name)) is not None
        )
        if not copies:
            raise UnknownName(f"No server of the fleet has a relationship called {name!r}.")
        return copies

    def _copy(self, wanted: Relationship, server: DhcpServer) -> Copy:
        is_primary = server.name.casefold() == wanted.primary.casefold()
        partner = wanted.secondary if is_primary else wanted.primary
        return Copy(
            name=wanted.name,
            partner=self._spelt(partner, server.partners_as),
            primary=is_primary,
            mode=wanted.mode,
            scopes=list(wanted.scopes),
            percent=wanted.percent,
            mclt_seconds=wanted.mclt_seconds,
            interval_seconds=wanted.interval_seconds,
            auth=wanted.auth,
            state=wanted.state,
            # As on real servers: where it was created the short name, the partner in full.
            primary_name=wanted.primary.partition(".")[0].upper(),
            secondary_name=wanted.secondary,
            primary_ip=self._address(wanted.primary),
            secondary_ip=self._address(wanted.secondary),
        )

    def _spelt(self, partner: str, how: str) -> str:
        match how:
            case "short":
                return partner.partition(".")[0]
            case "address":
                return self._address(partner)
            case _:
                return partner

    def _address(self, name: str) -> str:
        server = self._servers.get(name.casefold())
        return _ELSEWHERE if server is None else server.address


#: Where a server is that is not of the fleet (an address for documentation, RFC 5737).
_ELSEWHERE: Final = "192.0.2.53"
#: Leaves room for network and broadcast addresses in a /24.
_SERVERS_PER_SUBNET: Final = 250


def made(
    servers: int, *, partners: int = 4, scopes: int = 3, domain: str = "corp.example"
) -> Fleet:
    """A fleet in a ring, every server with so many ``partners`` (31 at most, as Windows allows).

    Each is in a relationship with the next ones, and with the one opposite if the number is odd;
    every relationship has ``scopes`` of its own.
    """
    names = [f"dhcp{number:04d}.{domain}" for number in range(1, servers + 1)]
    fleet = Fleet(DhcpServer(name, _address_of(number)) for number, name in enumerate(names))
    pairs = [
        (i, (i + step) % servers) for step in range(1, partners // 2 + 1) for i in range(servers)
    ]
    if partners % 2:
        pairs += [(i, i + servers // 2) for i in range(servers // 2)]
    first_scope = 0
    for first_name, second_name in pairs:
        if first_name != second_name:
            relationship = Relationship(
                f"{names[first_name].partition('.')[0]}-{names[second_name].partition('.')[0]}",
                names[first_name],
                names[second_name],
                tuple(_scope(first_scope + number) for number in range(scopes)),
            )
            fleet.relate(relationship)
            first_scope += scopes
    return fleet


def _address_of(number: int) -> str:
    return f"10.250.{number // _SERVERS_PER_SUBNET}.{number % _SERVERS_PER_SUBNET + 1}"


def _scope(number: int) -> str:
    """Return another network for each number, never a network of ``_address_of``."""
    return f"{11 + number // 65_536}.{number // 256 % 256}.{number % 256}.0"
