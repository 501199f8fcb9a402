"""The whole judgement of a run: every pair, every server, one ordered plan.

Two steps, because the store must be asked in between who holds what the plan takes:
``draft(world)`` judges, ``complete(draft, holders)`` marks what has to wait.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from reconcile.evidence.inputs import JudgementInput
from reconcile.evidence.judgement import Judgement
from reconcile.evidence.machines import duplicates
from reconcile.evidence.pairing import Pair, overtaken_pairs, pairs
from reconcile.evidence.witness import Witnesses
from reconcile.findings.drift import Judged
from reconcile.findings.machines import machine_findings, unsaid
from reconcile.findings.servers import server_findings, watched
from reconcile.judging.judge import judge
from reconcile.model.findings import Finding
from reconcile.model.names import fold_relationship
from reconcile.model.nouns import Operation, Seen, Standing
from reconcile.model.record import Entry, Membership, Planned
from reconcile.planning.moves import blocked, contest, takes
from reconcile.planning.tracker import NeededOperation, settle


@dataclass(frozen=True, slots=True)
class Watches:
    """Emptiness that begins to be watched (with its time) and that is over."""

    begin: Mapping[tuple[int, str], datetime]
    end: frozenset[tuple[int, str]]


@dataclass(frozen=True, slots=True)
class Plan:
    """Changes that the store should make.

    ``needs`` are in the order in which they are applied. Needs with an entry are recorded already.
    ``superseded`` and ``ended`` are entry numbers. ``agreed`` are records that both partners
    reported exactly as stored. ``overtaken`` are records that were changed after this reading
    began. ``paused`` is the number of pairs left alone for maintenance.
    """

    needs: tuple[NeededOperation, ...]
    superseded: tuple[int, ...]
    ended: tuple[int, ...]
    findings: tuple[Finding, ...]
    agreed: tuple[int, ...]
    judged: Judged
    watches: Watches
    overtaken: tuple[int, ...]
    paused: int

    @property
    def new(self) -> tuple[Planned, ...]:
        """Operations that OperationTracker does not have yet."""
        return tuple(n.planned for n in self.needs if n.entry is None)


@dataclass(frozen=True, slots=True)
class Draft:
    """A plan that does not know yet what it has to wait for."""

    plan: Plan
    inputs: JudgementInput
    takes: frozenset[Membership]


#: What frees names and scopes comes before what takes them.
_RANK: Final = {
    Operation.REMOVE_SCOPES: 0,
    Operation.DELETE: 1,
    Operation.UPDATE: 2,
    Operation.CREATE: 3,
    Operation.ADD_SCOPES: 4,
}


def _place(need: NeededOperation) -> tuple[int, str, str, str, int, bool]:
    """Return the sort key of a need: what frees before what takes, then names, states last."""
    p = need.planned
    name = fold_relationship(p.relationship)
    return (
        _RANK[p.operation],
        name,
        p.server1.name,
        p.server2.name,
        p.record or 0,
        p.state_only,
    )


def draft(inputs: JudgementInput) -> Draft:
    """Judge everything that the sightings speak of."""
    inputs = _without_overtaken(inputs)
    doubles = duplicates(inputs.servers, inputs.machines, inputs.sightings)
    inputs = replace(
        inputs, sightings={k: s for k, s in inputs.sightings.items() if k not in doubles}
    )
    witnesses = Witnesses(inputs)
    entries, findings = _by_pair(inputs)
    observed = (*server_findings(inputs, witnesses), *machine_findings(inputs, witnesses, doubles))
    harvest = _Harvest(overtaken=frozenset(overtaken_pairs(inputs, witnesses)))
    for pair in pairs(inputs, witnesses):
        partners = frozenset(pair.servers)
        if inputs.left_alone(pair.key, partners):
            harvest.paused.add((pair.key, partners))
            continue
        if not inputs.turn_of(partners):
            harvest.waiting.add((pair.key, partners))
            continue
        own_entries = _entries_of(pair, entries)
        open_ones = tuple(f for f in findings.get(pair.key, ()) if partners.issuperset(f.servers))
        harvest.add(judge(pair, inputs, witnesses, own_entries, open_ones), own_entries, partners)
    judged = _judged(inputs, harvest, frozenset(doubles))
    harvest.found.extend(f for f in observed if _has_its_turn(inputs, f, judged))
    harvest.ended.extend(_told_no_more(inputs, judged))
    harvest.needs.sort(key=_place)
    plan = Plan(
        needs=tuple(harvest.needs),
        superseded=tuple(sorted(harvest.superseded)),
        ended=tuple(sorted(harvest.ended)),
        findings=tuple(harvest.found),
        agreed=tuple(harvest.agreed),
        judged=judged,
        watches=_watches(inputs, witnesses),
        overtaken=tuple(sorted(inputs.overtaken)),
        paused=sum(inputs.turn_of(partners) for _, partners in harvest.paused),
    )
    records = {r.key: r for r in inputs.records}
    memberships = frozenset(
        m for n in plan.needs for m in takes(n.planned, records.get(n.planned.record or 0))
    )
    return Draft(plan, inputs, memberships)


@dataclass(slots=True)
class _Harvest:
    """The collected results of all judgements of a run."""

    found: list[Finding] = field(default_factory=list)
    needs: list[NeededOperation] = field(default_factory=list)
    superseded: list[int] = field(default_factory=list)
    ended: list[int] = field(default_factory=list)
    agreed: list[int] = field(default_factory=list)
    covered: dict[str, list[frozenset[int]]] = field(default_factory=dict)
    paused: set[tuple[str, frozenset[int]]] = field(default_factory=set)
    waiting: set[tuple[str, frozenset[int]]] = field(default_factory=set)
    overtaken: frozenset[tuple[str, frozenset[int]]] = frozenset()

    def add(self, judged: Judgement, entries: tuple[Entry, ...], about: frozenset[int]) -> None:
        self.covered.setdefault(judged.pair.key, []).append(about)
        self.found.extend(judged.findings)
        if judged.agreed and judged.pair.record is not None:
            self.agreed.append(judged.pair.record.key)
        if judged.needs or entries:
            settled = settle(judged, entries)
            self.needs.extend(settled.needs)
            self.superseded.extend(settled.superseded)
            self.ended.extend(settled.ended)


def _told_no_more(inputs: JudgementInput, judged: Judged) -> tuple[int, ...]:
    """Return the rejected Creates of pairs that both partners were read without.

    The difference that was rejected is gone. Another pair may have the name now.
    """
    living = {r.key for r in inputs.records}
    return tuple(
        e.number
        for e in inputs.entries
        if e.stands
        and e.planned.record not in living
        and (partners := frozenset(e.planned.partners))
        not in judged.pairs.get(name := fold_relationship(e.planned.relationship), ())
        and judged.read_about(name, partners)
    )


def _judged(inputs: JudgementInput, harvest: _Harvest, doubles: frozenset[int]) -> Judged:
    return Judged(
        pairs={name: tuple(pairs) for name, pairs in harvest.covered.items()},
        read=frozenset(s for s, v in inputs.sightings.items() if isinstance(v, Seen)),
        left=harvest.overtaken | harvest.paused,
        paused=inputs.paused,
        waiting=frozenset(harvest.waiting),
        targets=inputs.targets,
        only=inputs.only,
        focus=inputs.focus,
        unasked=frozenset(
            s.id for s in inputs.servers.values() if s.standing is not Standing.ENABLED
        ),
        retired=frozenset(s for s in inputs.servers if inputs.retired(s)),
        doubles=doubles,
        replaced=frozenset(s for s in inputs.sightings if inputs.replaced(s)),
        unsaid=unsaid(inputs),
    )


def complete(draft: Draft, holders: Mapping[Membership, int]) -> Plan:
    """Mark what waits for a name or a scope that another record of the same server holds."""
    plan, inputs = draft.plan, draft.inputs
    records = {r.key: r for r in inputs.records}
    withdrawn = set(plan.superseded)
    leaving = frozenset(
        e.planned.record
        for e in inputs.entries
        if e.number in withdrawn
        and e.planned.operation is Operation.CREATE
        and e.planned.record is not None
    )
    needs = contest(plan.needs, records, holders, leaving)
    blocked_findings = tuple(blocked(n, inputs.name, records) for n in needs if n.planned.contested)
    return replace(plan, needs=needs, findings=_ordered((*plan.findings, *blocked_findings)))


def _ordered(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Return one finding per fingerprint, in its order, so that equal input gives equal bytes."""
    place = sorted(findings, key=lambda f: (f.fingerprint, f.detail))
    return tuple({f.fingerprint: f for f in place}.values())


def _by_pair(
    inputs: JudgementInput,
) -> tuple[dict[object, list[Entry]], defaultdict[str, list[Finding]]]:
    """Return entries and findings by pair.

    Entries are by record key, or by folded name without a living record. Findings are by name.
    """
    living = {r.key for r in inputs.records}
    entries: dict[object, list[Entry]] = {}
    for entry in inputs.entries:
        planned = entry.planned
        at: object = planned.record
        if planned.record not in living:
            at = fold_relationship(planned.relationship)
        entries.setdefault(at, []).append(entry)
    findings: defaultdict[str, list[Finding]] = defaultdict(list)
    for finding in inputs.open_findings:
        if finding.relationship is not None:
            findings[fold_relationship(finding.relationship)].append(finding)
    return entries, findings


def _entries_of(pair: Pair, entries: dict[object, list[Entry]]) -> tuple[Entry, ...]:
    if pair.record is not None:
        return tuple(entries.get(pair.record.key, ()))
    entries_of_name = entries.get(pair.key, ())
    return tuple(e for e in entries_of_name if set(e.planned.partners) == set(pair.servers))


def _watches(inputs: JudgementInput, witnesses: Witnesses) -> Watches:
    watches = watched(inputs, witnesses)
    begin = {
        key: at
        for key, at in watches.items()
        if key not in inputs.watches and key[0] in _judged_now(inputs)
    }
    read = {s for s in _judged_now(inputs) if isinstance(inputs.sightings[s], Seen)}
    end = frozenset(k for k in inputs.watches if k[0] in read and k not in watches)
    return Watches(begin, end)


def _has_its_turn(inputs: JudgementInput, finding: Finding, judged: Judged) -> bool:
    """Return whether a finding about servers belongs to this piece of the run.

    Findings about the whole store belong to every piece.
    """
    name, servers = finding.relationship, frozenset(finding.servers)
    if name is not None and judged.left_alone(fold_relationship(name), servers):
        return False
    if inputs.focus is None or not finding.servers:
        return True
    return not inputs.focus.isdisjoint(finding.servers)


def _judged_now(inputs: JudgementInput) -> Collection[int]:
    """Return the servers of this piece. The other sightings are witnesses only."""
    return inputs.sightings if inputs.focus is None else inputs.focus & inputs.sightings.keys()


def _without_overtaken(inputs: JudgementInput) -> JudgementInput:
    """Leave out what a newer reading or a person changed after this reading began (R1)."""
    sightings = {
        server: sighting
        for server, sighting in inputs.sightings.items()
        if not (isinstance(sighting, Seen) and _outdated(inputs, sighting))
    }
    overtaken = frozenset(
        record.key
        for record in inputs.records
        if record.changed_at is not None
        and inputs.turn_of(record.partners)
        and any(
            isinstance(reading := sightings.get(p), Seen) and reading.read_at < record.changed_at
            for p in record.partners
        )
    )
    return replace(inputs, sightings=sightings, overtaken=overtaken)


def _outdated(inputs: JudgementInput, seen: Seen) -> bool:
    server, newest = inputs.servers.get(seen.server), inputs.previous.get(seen.server)
    return (newest is not None and newest.read_at > seen.read_at) or (
        server is not None and server.changed_at is not None and server.changed_at > seen.read_at
    )
