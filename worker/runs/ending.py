"""The end of a run: what waited for it is applied or held, and what it came to is written down.

Everything is taken from the store, so it does not matter which process did what.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from reconcile.findings.drift import Judged, drift, whole
from reconcile.findings.waiting import waiting
from reconcile.kinds.table import AT_CLOSE
from reconcile.model.findings import Kind
from reconcile.model.nouns import Standing
from reconcile.model.record import Entry, EntryStatus, Hold, Planned
from reconcile.planning.guard import RemovalRefusal, guard, refused_finding, still_held
from reconcile.planning.moves import blocked
from reconcile.planning.tracker import NeededOperation
from worker.config.run_policy import Policy, RunPolicy
from worker.model.run_report import (
    OperationLine,
    OperationOutcome,
    RunSummary,
    fate,
    operation_counts,
    server_counts,
)
from worker.model.runs import EVERYTHING, OpenRun
from worker.operations.apply import MACHINE, apply_entries, at_once
from worker.operations.freshness import ages, fresh
from worker.runs.findings import Fact, keep_findings
from worker.runs.outages import settle_outages
from worker.runs.record import contested, contested_membership
from worker.runs.relationship_counts import count_relationships
from worker.runs.request import JOINED_WITHIN
from worker.store.repositories.operations import OperationRepository
from worker.store.unit_of_work import Transaction, UnitOfWork


def close(uow: UnitOfWork, run: OpenRun, run_policy: RunPolicy) -> dict[str, object]:
    """Settle what is destructive and what waited for it, then say what the run came to."""
    # First, because the removal limit counts what is applied.
    _catch_up(uow, run, run_policy)
    # Once for the whole run, so that no order of batches can slip under the limit.
    refusal = guard(uow.operations.ledger(), run_policy.limits)
    if refusal is not None:
        hold_all(uow.operations)
    elif run_policy.policy is Policy.AUTO:
        _apply(
            uow,
            run,
            [e for e in _confirmed(uow.operations, run) if e.planned.destructive],
            run_policy,
        )
    if run_policy.policy is Policy.AUTO:
        _apply(
            uow,
            run,
            [e for e in _confirmed(uow.operations, run) if e.planned.contested],
            run_policy,
        )
    # After the removals, because these free names and scopes.
    _release_contests(uow)
    if run.scope.targets is None:
        _resolve_taken_out(uow, run, run_policy)
    _operational_findings(
        uow, run, refusal or earlier_refusal(uow.operations, run_policy), run_policy
    )
    settle_outages(uow, run.id, _about(uow, run), run_policy)
    numbers = _numbers(uow, run, refusal)
    uow.runs.close(run.id, "done", numbers)
    uow.members.remove(run.id)
    return numbers


def _about(uow: UnitOfWork, run: OpenRun) -> set[int] | None:
    """Return the servers with a sighting in the run, and their partners. None: all servers."""
    if run.scope.targets is None:
        return None
    servers = {s.server for s in uow.readings.sightings(run.id)}
    return servers | uow.records.partners(servers)


def _confirmed(operations: OperationRepository, run: OpenRun) -> list[Entry]:
    """Lines that wait, and that this run itself had evidence for."""
    entries = operations.pending_of_run(run.id, confirmed=True)
    return [e for e in entries if e.planned.hold is Hold.NONE]


def _catch_up(uow: UnitOfWork, run: OpenRun, run_policy: RunPolicy) -> None:
    """Apply operations that a process recorded before it died."""
    entries = {e.number: e.planned for e in _confirmed(uow.operations, run)}
    if ready := young_enough(uow, run, at_once(entries, run_policy.policy), run_policy):
        apply_entries(uow, ready, MACHINE, by_machine=True)


def _apply(uow: UnitOfWork, run: OpenRun, entries: list[Entry], run_policy: RunPolicy) -> None:
    if ready := young_enough(uow, run, {e.number: e.planned for e in entries}, run_policy):
        apply_entries(uow, ready, MACHINE, by_machine=True)


def young_enough(
    reading: Transaction, run: OpenRun, entries: dict[int, Planned], run_policy: RunPolicy
) -> dict[int, Planned]:
    """Without what rests on readings that grew old, perhaps while nobody worked at the run."""
    current_time, limit = reading.now(), run_policy.rules.evidence_age
    if not entries or current_time - run.started_at + JOINED_WITHIN <= limit:
        return entries
    return fresh(entries, reading.readings.sightings(run.id), current_time, limit)


def _release_contests(uow: UnitOfWork) -> None:
    """End the wait of operations for names and scopes that no record holds any more.

    A later piece of the run may have withdrawn the operation that held them.
    """
    entries = uow.operations.pending_contested()
    held = uow.records.holders(frozenset().union(*(contested(e.planned) for e in entries)))
    remaining = {
        e.number: tuple(
            c
            for c in e.planned.contested
            if c.holder is None or contested_membership(e.planned, c) in held
        )
        for e in entries
    }
    uow.operations.set_contests(
        {
            e.number: remaining[e.number]
            for e in entries
            if remaining[e.number] != e.planned.contested
        }
    )


def _resolve_taken_out(uow: UnitOfWork, run: OpenRun, run_policy: RunPolicy) -> None:
    """Resolve the problems that ended when a person disabled or retired a server.

    Nobody reads such a server, so no piece of the run looks at them.
    """
    out = [s for s in uow.inventory.servers() if s.standing is not Standing.ENABLED]
    if not out:
        return
    judged = Judged(
        {},
        frozenset(),
        unasked=frozenset(s.id for s in out),
        retired=frozenset(s.id for s in out if s.standing is Standing.RETIRED),
    )
    open_now = uow.findings.unresolved(judged.unasked)
    problems = [p for p in open_now if p.finding.kind not in AT_CLOSE]
    life = replace(drift((), (p.finding for p in problems), judged), persisting=())
    keep_findings(uow, Fact(run.id, (), run_policy), life, problems)


def _operational_findings(
    uow: UnitOfWork, run: OpenRun, refusal: RemovalRefusal | None, run_policy: RunPolicy
) -> None:
    """Record the findings about waiting and held operations, which the store alone shows."""
    names = {s.id: s.name for s in uow.inventory.servers()}
    contested = uow.operations.pending_contested()
    holders = {c.holder for e in contested for c in e.planned.contested if c.holder is not None}
    records = {r.key: r for r in uow.records.by_key(holders)}
    present = [
        blocked(NeededOperation(e.planned, e.number), names.__getitem__, records) for e in contested
    ]
    present += waiting(*uow.operations.waiting_for_people(every=run_policy.policy is Policy.REVIEW))
    if refusal is not None:
        present.append(refused_finding(refusal))
    problems = uow.findings.unresolved(kinds=AT_CLOSE - {Kind.SERVER_DOWN})
    life = whole(present, (problem.finding for problem in problems))
    keep_findings(uow, Fact(run.id, present, run_policy), life, problems)


def earlier_refusal(
    operations: OperationRepository, run_policy: RunPolicy
) -> RemovalRefusal | None:
    """Return the refusal of an earlier run that still holds removals until a person decides."""
    held = [e.planned for e in operations.pending_destructive() if e.planned.hold is Hold.GUARD]
    return still_held(operations.ledger(), held, run_policy.limits) if held else None


def hold_all(operations: OperationRepository) -> None:
    """Everything destructive that is pending waits for a person."""
    free_numbers = [
        e.number for e in operations.pending_destructive() if e.planned.hold is Hold.NONE
    ]
    if free_numbers:
        operations.hold(free_numbers, Hold.GUARD)


def summary_of(reading: Transaction, number: int, run_policy: RunPolicy) -> RunSummary:
    """Return the summary of a run that is over, as ``sync`` shows it."""
    run = reading.runs.find(number)
    assert run is not None  # noqa: S101 - whoever waited for it knows that it is there
    sightings = {s.server: s for s in reading.readings.sightings(number)}
    servers = None if run.target == EVERYTHING else sightings.keys()
    findings = [f.finding for f in reading.findings.unresolved(servers)]

    def count(name: str) -> int:
        number_ = run.summary.get(name, 0)
        return number_ if isinstance(number_, int) else 0

    return RunSummary(
        run=number,
        sightings=sightings,
        pairs=count("pairs"),
        lines=_lines(reading.operations, number),
        superseded=count("superseded"),
        findings=tuple(sorted(findings, key=lambda f: f.fingerprint)),
        opened=count("findings_opened"),
        resolved=count("findings_resolved"),
        refusal=_refusal(reading.operations, run.summary.get("refused"), run_policy),
        overtaken=count("overtaken"),
        names={s.id: s.name for s in reading.inventory.servers()},
        paused=count("paused"),
        ages=ages(reading, findings),
    )


def _refusal(
    operations: OperationRepository, why: object, run_policy: RunPolicy
) -> RemovalRefusal | None:
    """Return the refusal that holds removals now. If this run held them, it has the run's words."""
    held = earlier_refusal(operations, run_policy)
    return replace(held, why=why) if held is not None and isinstance(why, str) else held


def _lines(operations: OperationRepository, run: int) -> tuple[OperationLine, ...]:
    """Return the lines that the run recorded or confirmed, without those superseded since."""
    touched = operations.lines_of_run(run)
    entries = (
        e
        for e in operations.by_number(touched)
        if e.status in (EntryStatus.PENDING, EntryStatus.APPLIED)
    )
    return tuple(
        OperationLine(
            e.planned,
            fate(e.planned, applied=e.status is EntryStatus.APPLIED),
            e.number,
            touched[e.number],
        )
        for e in entries
    )


def _operation_counts(operations: OperationRepository, run: int) -> dict[str, int]:
    """Count the lines of a run by outcome, without loading the applied ones."""
    by_status = operations.counts_of_run(run)
    fates = Counter(fate(e.planned, applied=False) for e in operations.pending_of_run(run))
    fates[OperationOutcome.APPLIED] = sum(
        by_status.get((EntryStatus.APPLIED, new), 0) for new in (True, False)
    )
    statuses = (EntryStatus.PENDING, EntryStatus.APPLIED)
    return operation_counts(fates, sum(by_status.get((status, True), 0) for status in statuses))


def _numbers(uow: UnitOfWork, run: OpenRun, refusal: RemovalRefusal | None) -> dict[str, object]:
    view = uow.runs.find(run.id)
    so_far = {} if view is None else dict(view.summary)
    sightings = {s.server: s for s in uow.readings.sightings(run.id)}
    servers = None if run.scope.targets is None else sightings.keys()
    return {
        "superseded": 0,
        "findings_opened": 0,
        "findings_resolved": 0,
        **so_far,
        **server_counts(sightings),
        **count_relationships(uow, run, sightings),
        **_operation_counts(uow.operations, run.id),
        "findings": len(uow.findings.unresolved(servers)),
        "refused": None if refusal is None else refusal.why,
    }
