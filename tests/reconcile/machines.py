"""An IPAM whose servers say which machine they are, what they serve and what time it is.

Used by ``test_machines``, ``test_duplicates`` and ``test_replaced``; others say nothing of this.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from typing_extensions import override

from reconcile.evidence.inputs import JudgementInput
from reconcile.evidence.machines import by_machine, duplicates
from reconcile.model.findings import Finding, Kind
from reconcile.model.nouns import Identity, Scope, Seen, ServedScope, Server, Sighting, Story
from reconcile.planning.plan import Plan
from tests.reconcile.fleet import Ipam, net

Told = Mapping[Server, Iterable[Story] | None]


@dataclass
class Estate(Ipam):
    """``machines`` are ids by server, ``called`` what a machine calls itself if it is not the
    server's name; ``serves`` and ``clocks`` are scopes and offsets by server.

    A server that is not in one of them does not say it.
    """

    machines: dict[int, str] = field(default_factory=dict)
    called: dict[str, str] = field(default_factory=dict)
    serves: dict[int, tuple[ServedScope, ...]] = field(default_factory=dict)
    clocks: dict[int, float] = field(default_factory=dict)
    suspended: tuple[str, ...] = ()

    @override
    def read(self, told: Told) -> dict[int, Sighting]:
        servers = {server.id: server for server in told}
        return {
            key: replace(
                sighting,
                identity=self._identity(servers[key]),
                scopes=self.serves.get(key),
                clock_offset_seconds=self.clocks.get(key),
            )
            if isinstance(sighting, Seen)
            else sighting
            for key, sighting in super().read(told).items()
        }

    @override
    def inputs(
        self, told: Told, targets: frozenset[int] | None = None, only: str | None = None
    ) -> JudgementInput:
        return replace(super().inputs(told, targets, only), suspended=self.suspended)

    def confirm(self, server: Server) -> None:
        """A person says that the machine of now is the right one."""
        self.change(server, machine_id=self.machines[server.id])

    def change(self, server: Server, **values: object) -> None:
        """A person changes a server."""
        self.servers = tuple(
            replace(s, **values) if s.id == server.id else s  # type: ignore[arg-type]  # per test
            for s in self.servers
        )

    @override
    def _learn(self, sightings: Mapping[int, Sighting]) -> None:
        super()._learn(sightings)
        doubles = duplicates({s.id: s for s in self.servers}, by_machine(self.servers), sightings)
        told = {s: self.machines.get(s) for s, v in sightings.items() if isinstance(v, Seen)}
        self.servers = tuple(
            replace(s, machine_id=s.machine_id or told.get(s.id)) if s.id not in doubles else s
            for s in self.servers
        )

    def _identity(self, server: Server) -> Identity | None:
        machine = self.machines.get(server.id)
        if machine is None:
            return None
        return Identity(dns_name=self.called.get(machine, server.name), machine_id=machine)


def served(text: str, *, active: bool = True) -> ServedScope:
    """A scope by its address."""
    scope: Scope = net(text)
    return ServedScope(scope, active)


def of_kind(plan: Plan, kind: Kind) -> list[Finding]:
    """The findings of a plan that are of that kind."""
    return [f for f in plan.findings if f.kind is kind]


def is_open(ipam: Ipam, kind: Kind) -> bool:
    """True if a finding of that kind is open after the last run."""
    return any(f.kind is kind for f in ipam.findings.values())
