"""Writing down what a run concluded: evidence, findings and OperationTracker in one transaction."""

from __future__ import annotations

from dataclasses import dataclass, replace

from reconcile.evidence.inputs import JudgementInput
from reconcile.evidence.machines import duplicates
from reconcile.findings.drift import drift
from reconcile.findings.life import Drift
from reconcile.judging.health import said_now
from reconcile.kinds.table import AT_CLOSE
from reconcile.model.names import fold_relationship
from reconcile.model.nouns import Evidence, Operation, Provenance, Seen
from reconcile.model.record import Contest, EntryStatus, Membership, Planned
from reconcile.planning.apply import created
from reconcile.planning.plan import Plan
from reconcile.planning.tracker import NeededOperation
from worker.config.run_policy import RunPolicy
from worker.operations.apply import MACHINE
from worker.runs.findings import Fact, keep_findings
from worker.runs.load import new_names
from worker.store.repositories.inventory import InventoryRepository
from worker.store.repositories.operations import OperationRepository
from worker.store.repositories.records import RecordRepository
from worker.store.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class RecordedBatch:
    """The record of a batch.

    ``needs`` all have the number of their line in OperationTracker, in the order of the plan. The
    lines ``new`` were recorded now. ``life`` is that of the findings.
    """

    needs: tuple[NeededOperation, ...]
    new: frozenset[int]
    life: Drift

    @property
    def confirmed(self) -> dict[int, Planned]:
        """Return the lines that the run had its own evidence for, by number."""
        return {n.entry: n.planned for n in self.needs if n.confirmed and n.entry is not None}


def write_down(
    uow: UnitOfWork, run: int, inputs: JudgementInput, plan: Plan, run_policy: RunPolicy
) -> RecordedBatch:
    """Record what sightings taught, findings, and every new need as a pending entry."""
    _learn(uow.inventory, inputs)
    uow.watches.end(plan.watches.end)
    uow.watches.start(plan.watches.begin)
    # Before new needs are recorded, because a withdrawn Create frees its name and scopes for them.
    _withdraw(uow, inputs, plan)
    _raise_evidence(uow.records, inputs, plan)
    findings = [f for f in plan.findings if f.kind not in AT_CLOSE]
    problems = [
        f for f in uow.findings.unresolved(concerned(inputs)) if f.finding.kind not in AT_CLOSE
    ]
    life = drift(findings, (f.finding for f in problems), plan.judged)
    present = [f for f in findings if said_now(f, inputs)]
    fact = Fact(run, present, run_policy, inputs.sightings, inputs.records)
    keep_findings(uow, fact, life, problems)
    _wait_anew(uow.operations, inputs, plan)
    needs = _fill_tracker(uow, run, plan)
    known_before = {need.entry for need in plan.needs}
    new = frozenset(n.entry for n in needs if n.entry is not None) - known_before
    return RecordedBatch(needs, new, life)


def concerned(inputs: JudgementInput) -> set[int] | None:
    """Return the servers that a judgement touched, or None for one about everything."""
    if inputs.targets is None and inputs.focus is None:
        return None
    servers = set(inputs.sightings) | set(inputs.previous)
    return servers.union(*(r.partners for r in inputs.records))


def _learn(inventory: InventoryRepository, inputs: JudgementInput) -> None:
    """Store new names and machine ids. Of a duplicate machine only the speaker's are stored."""
    doubles = duplicates(inputs.servers, inputs.machines, inputs.sightings)
    own_sightings = {
        k: s for k, s in inputs.sightings.items() if isinstance(s, Seen) and k not in doubles
    }
    taught = [
        (server, name)
        for server, reading in sorted(own_sightings.items())
        for name in new_names(inputs.servers[server], reading)
    ]
    if taught:
        inventory.add_aliases(taught, Provenance.SELF)
    machines = {
        server: reading.identity.machine_id
        for server, reading in own_sightings.items()
        if reading.identity is not None
        and reading.identity.machine_id is not None
        and inputs.servers[server].machine_id is None
    }
    inventory.remember_machines(machines)


def _withdraw(uow: UnitOfWork, inputs: JudgementInput, plan: Plan) -> None:
    """Withdraw needs that went away. A pending Create takes its record with it."""
    withdrawn = set(plan.superseded)
    records = [
        e.planned.record
        for e in inputs.entries
        if e.number in withdrawn
        and e.planned.operation is Operation.CREATE
        and e.planned.record is not None
    ]
    uow.operations.decide(plan.superseded, EntryStatus.SUPERSEDED, MACHINE, by_machine=True)
    # A pending Create's record was never applied, so nothing else refers to it.
    uow.records.remove(records)
    uow.operations.end_acceptance(plan.ended)


def _raise_evidence(records: RecordRepository, inputs: JudgementInput, plan: Plan) -> None:
    weaker = {r.key for r in inputs.records if r.evidence is not Evidence.BOTH}
    records.set_evidence([key for key in plan.agreed if key in weaker], Evidence.BOTH)


def _wait_anew(operations: OperationRepository, inputs: JudgementInput, plan: Plan) -> None:
    """Update what recorded operations wait for, if it has changed or is free (R4)."""
    contests_before = {e.number: e.planned.contested for e in inputs.entries}
    contests_now = {n.entry: n.planned.contested for n in plan.needs if n.entry is not None}
    operations.set_contests(
        {
            n: c
            for n, c in contests_now.items()
            if n in contests_before and _is_news(contests_before[n], c)
        }
    )


def _is_news(before: tuple[Contest, ...], now: tuple[Contest, ...]) -> bool:
    """Return whether a contest changed. A holder that had no record before is no change."""
    held = {(c.server, c.scope): c.holder for c in before}
    holds = {(c.server, c.scope): c.holder for c in now}
    return held.keys() != holds.keys() or any(
        holder is not None and holder != holds[subject] for subject, holder in held.items()
    )


def _fill_tracker(uow: UnitOfWork, run: int, plan: Plan) -> tuple[NeededOperation, ...]:
    new = list(plan.new)
    creates = [p for p in new if p.operation is Operation.CREATE]
    keys = iter(uow.records.insert([(created(p), contested(p)) for p in creates]))
    placed = [replace(p, record=next(keys)) if p.operation is Operation.CREATE else p for p in new]
    recorded = iter(zip(placed, uow.operations.add(run, placed), strict=True))
    return tuple(
        NeededOperation(*next(recorded), confirmed=need.confirmed) if need.entry is None else need
        for need in plan.needs
    )


def contested(planned: Planned) -> frozenset[Membership]:
    """Return the names and scopes that an operation cannot have yet."""
    return frozenset(contested_membership(planned, contest) for contest in planned.contested)


def contested_membership(planned: Planned, contest: Contest) -> Membership:
    """Return the name (folded) or scope that an operation waits for."""
    if contest.scope is None:
        return contest.server, fold_relationship(planned.relationship)
    return contest.server, contest.scope
