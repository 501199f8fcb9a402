"""A small fleet and an IPAM in memory for tests of the core: what servers tell, run after run.

``Ipam.run`` judges like ``worker.runs.engine`` does and keeps what it records; it is pure Python over
the core's own functions and decides nothing itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from reconcile.evidence.inputs import JudgementInput, Rules
from reconcile.evidence.machines import by_machine
from reconcile.findings.drift import drift
from reconcile.findings.servers import self_names
from reconcile.model.findings import Finding, Kind
from reconcile.model.names import NameMap, fold_relationship
from reconcile.model.nouns import (
    Alias,
    Evidence,
    Mode,
    Operation,
    Provenance,
    ReadFailure,
    Scope,
    Seen,
    Server,
    ServerType,
    Sighting,
    Skipped,
    SkipReason,
    State,
    Story,
    Unseen,
)
from reconcile.model.record import Entry, EntryStatus, Membership, Record
from reconcile.planning.apply import Becomes, apply, created
from reconcile.planning.plan import Plan, complete, draft

START = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
HUB = Server(1, "dhcp01.corp.example", ("10.0.0.11",))
SPOKE = Server(2, "dhcp02.corp.example", ("10.0.0.12",))
OTHER = Server(3, "dhcp03.corp.example", ("10.0.0.13",))
FAILURE = ReadFailure("unreachable", "No answer.", "Check the network.", retry=True)


def net(text: str) -> Scope:
    """``"10.1.2.0"`` as a scope."""
    a, b, c, d = (int(x) for x in text.split("."))
    return a << 24 | b << 16 | c << 8 | d


def nets(*texts: str) -> frozenset[Scope]:
    """Several scopes."""
    return frozenset(net(t) for t in texts)


def told_by(
    asked: Server, partner: Server, name: str = "HQ", primary: bool = True, **values: object
) -> Story:
    """A story as Windows Server 2016 tells it, with anything overridden."""
    first, second = (asked, partner) if primary else (partner, asked)
    defaults: dict[str, object] = {
        "asked": asked.id,
        "name": name,
        "partner": partner.name,
        "mode": Mode.LOAD_BALANCE,
        "state": State.NORMAL,
        "scopes": nets("10.1.0.0", "10.1.1.0"),
        "mclt_seconds": 3600,
        "auto_state_transition": False,
        "enable_auth": True,
        "load_balance_percent": 50,
        "server_type": ServerType.PRIMARY if primary else ServerType.SECONDARY,
        "primary_name": first.name,
        "secondary_name": second.name,
        "primary_ip": first.addresses[0] if first.addresses else None,
        "secondary_ip": second.addresses[0] if second.addresses else None,
    }
    return Story(**{**defaults, **values})  # type: ignore[arg-type]  # overrides are per test


def both(one: Server = HUB, two: Server = SPOKE, **values: object) -> tuple[Story, Story]:
    """The two stories of one relationship, agreeing; ``one`` is the primary."""
    return told_by(one, two, **values), told_by(two, one, primary=False, **values)  # type: ignore[arg-type]  # overrides are per test


@dataclass
class Ipam:
    """What IPAM has after each run; ``resting`` and ``paused`` are in maintenance, ``rested`` were."""

    servers: tuple[Server, ...] = (HUB, SPOKE, OTHER)
    rules: Rules = Rules()
    now: datetime = START
    records: dict[int, Record] = field(default_factory=dict)
    entries: dict[int, Entry] = field(default_factory=dict)
    findings: dict[str, Finding] = field(default_factory=dict)
    previous: dict[int, Seen] = field(default_factory=dict)
    watches: dict[tuple[int, str], datetime] = field(default_factory=dict)
    last_key: int = 0
    resting: frozenset[int] = frozenset()
    paused: frozenset[tuple[str, int]] = frozenset()
    rested: dict[int, datetime] = field(default_factory=dict)

    def later(self, **time: float) -> Ipam:
        """Let time pass."""
        self.now += timedelta(**time)
        return self

    def read(self, told: Mapping[Server, Iterable[Story] | None]) -> dict[int, Sighting]:
        """Sightings of now; None is a server that could not be read."""
        return {
            server.id: Skipped(server.id, SkipReason.MAINTENANCE)
            if server.id in self.resting
            else Unseen(server.id, self.now, FAILURE)
            if stories is None
            else Seen(server.id, self.now, tuple(stories))
            for server, stories in told.items()
        }

    def inputs(
        self,
        told: Mapping[Server, Iterable[Story] | None],
        targets: frozenset[int] | None = None,
        only: str | None = None,
    ) -> JudgementInput:
        """Everything that a judgement of now rests on."""
        sightings = self.read(told)
        return JudgementInput(
            servers={s.id: s for s in self.servers},
            names=NameMap(self._learnt(sightings)),
            names_before=NameMap(self.servers),
            machines=by_machine(self.servers),
            sightings=sightings,
            previous=self.previous,
            records=tuple(self.records.values()),
            now=self.now,
            entries=self._open_entries(),
            open_findings=tuple(self.findings.values()),
            watches=self.watches,
            rules=self.rules,
            targets=targets,
            only=only,
            paused=self.paused,
            rested=self.rested,
        )

    def plan(
        self,
        told: Mapping[Server, Iterable[Story] | None],
        targets: frozenset[int] | None = None,
        only: str | None = None,
    ) -> Plan:
        """Judge without recording anything."""
        judged = draft(self.inputs(told, targets, only))
        return complete(judged, self.holders(judged.takes))

    def run(
        self,
        told: Mapping[Server, Iterable[Story] | None],
        apply_all: bool = True,
        minutes: float = 15,
    ) -> Plan:
        """Judge and record; apply what nothing holds unless told not to; time passes after."""
        plan = self.plan(told)
        numbers = self.record(plan)
        self._learn(self.read(told))
        if apply_all:
            for number in numbers:
                entry = self.entries[number]
                if entry.status is EntryStatus.PENDING and not entry.planned.hold:
                    self.apply(number)
        self.later(minutes=minutes)
        return plan

    def record(self, plan: Plan) -> tuple[int, ...]:
        """Fill OperationTracker, keep the findings; gives the entries this run confirmed, in order."""
        numbers = []
        for number in plan.superseded:
            self._decide(number, EntryStatus.SUPERSEDED)
        for number in plan.ended:
            self.entries[number] = replace(self.entries[number], stands=False)
        for need in plan.needs:
            if need.entry is not None:
                numbers += [need.entry] if need.confirmed else []
                continue
            planned = need.planned
            if planned.operation is Operation.CREATE:
                self.last_key += 1
                self.records[self.last_key] = replace(created(planned), key=self.last_key)
                planned = replace(planned, record=self.last_key)
            number = len(self.entries) + 1
            self.entries[number] = Entry(number, planned, EntryStatus.PENDING)
            if need.confirmed:
                numbers.append(number)
        for agreed in plan.agreed:
            self.records[agreed] = replace(self.records[agreed], evidence=Evidence.BOTH)
        now = drift(plan.findings, self.findings.values(), plan.judged).now
        self.findings = {f.fingerprint: f for f in now}
        for key in plan.watches.end:
            del self.watches[key]
        self.watches |= plan.watches.begin
        return tuple(numbers)

    def apply(self, number: int) -> bool:
        """Apply one entry if its record still looks like ``before`` and nothing holds its keys."""
        planned = self.entries[number].planned
        if planned.contested and self._still_contested(number):
            return False
        key = planned.record
        assert key is not None
        outcome = apply(self.records.get(key), planned)
        if not isinstance(outcome, Becomes):
            return False
        if outcome.record is None:
            del self.records[key]
        else:
            self.records[key] = outcome.record
        self._decide(number, EntryStatus.APPLIED)
        return True

    def reject(self, number: int) -> None:
        """A person accepts the difference."""
        entry = self.entries[number]
        self.entries[number] = replace(entry, status=EntryStatus.REJECTED, stands=True)
        if entry.planned.operation is Operation.CREATE and entry.planned.record is not None:
            del self.records[entry.planned.record]

    def pending(self) -> list[Entry]:
        """What OperationTracker holds."""
        return [e for e in self.entries.values() if e.status is EntryStatus.PENDING]

    def holders(self, wanted: Iterable[Membership]) -> dict[Membership, int]:
        """Who has these names and scopes."""
        held: dict[Membership, int] = {}
        for record in self.records.values():
            waits = self._contested_by(record.key)
            for server in record.partners:
                name = fold_relationship(record.relationship_name)
                whats: list[str | Scope] = [name, *record.scopes]
                for what in whats:
                    if (server, what) not in waits:
                        held[server, what] = record.key
        return {m: held[m] for m in wanted if m in held}

    def _contested_by(self, key: int) -> set[Membership]:
        return {
            (c.server, _what(e, c.scope))
            for e in self.pending()
            if e.planned.record == key and e.planned.operation is Operation.CREATE
            for c in e.planned.contested
        }

    def _still_contested(self, number: int) -> bool:
        entry = self.entries[number]
        wanted = [(c.server, _what(entry, c.scope)) for c in entry.planned.contested]
        return any(h != entry.planned.record for h in self.holders(wanted).values())

    def _open_entries(self) -> tuple[Entry, ...]:
        return tuple(
            e
            for e in self.entries.values()
            if e.status is EntryStatus.PENDING or (e.status is EntryStatus.REJECTED and e.stands)
        )

    def _decide(self, number: int, status: EntryStatus) -> None:
        entry = self.entries[number]
        self.entries[number] = replace(entry, status=status)
        planned = entry.planned
        if status is EntryStatus.SUPERSEDED and planned.operation is Operation.CREATE:
            del self.records[planned.record or 0]

    def _learnt(self, sightings: Mapping[int, Sighting]) -> tuple[Server, ...]:
        return tuple(
            _with_own(s, sighting) if isinstance(sighting := sightings.get(s.id), Seen) else s
            for s in self.servers
        )

    def _learn(self, sightings: Mapping[int, Sighting]) -> None:
        self.servers = self._learnt(sightings)
        self.previous |= {k: s for k, s in sightings.items() if isinstance(s, Seen)}


def _what(entry: Entry, scope: Scope | None) -> str | Scope:
    return fold_relationship(entry.planned.relationship) if scope is None else scope


def _with_own(server: Server, seen: Seen) -> Server:
    have = {a.text for a in server.aliases}
    own = tuple(Alias(t, Provenance.SELF) for t in sorted(self_names(seen)) if t not in have)
    return replace(server, aliases=server.aliases + own)


def kinds(plan: Plan) -> list[Kind]:
    """The kinds of findings, sorted."""
    return sorted(f.kind for f in plan.findings)


def operations(plan: Plan) -> list[Operation]:
    """The operations that are not recorded yet, in order."""
    return [p.operation for p in plan.new]
