"""Closing a run: the guard counts, removals are applied or held, what they freed goes on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from reconcile.evidence.world import World
from reconcile.findings.drift import drift, whole
from reconcile.findings.waiting import waiting
from reconcile.kinds.table import AT_CLOSE
from reconcile.model.findings import Finding, Kind
from reconcile.model.record import EntryStatus, Hold
from reconcile.planning.guard import Refusal, guard, refused_finding, still_held
from reconcile.planning.moves import blocked
from reconcile.planning.plan import Plan
from reconcile.planning.tracker import Need
from worker.config.run_policy import Conduct, Policy
from worker.model.run_report import Line, Summary, counts, fate
from worker.operations.apply import apply_entries
from worker.operations.freshness import ages, fresh
from worker.runs.findings import Fact, keep_findings
from worker.runs.outages import settle_outages
from worker.runs.record import MACHINE, Recorded, Written, concerned
from worker.store.repositories.operations import OperationRepository
from worker.store.unit_of_work import Store, UnitOfWork


@dataclass(frozen=True, slots=True)
class Course:
    """A run up to its close: what it saw, planned and wrote, and the entries applied so far."""

    world: World
    plan: Plan
    written: Written
    applied: frozenset[int]


def close(store: Store, run: int, course: Course, conduct: Conduct) -> Summary:
    """Settle what is destructive, then close the run; all in one transaction."""
    with store.write() as uow:
        refusal = guard(uow.operations.ledger(), conduct.limits)
        if refusal is not None:
            hold_all(uow.operations)
        done = course.applied
        if conduct.policy is Policy.AUTO:
            removals = [e for e in _left(course, done) if e.planned.destructive]
            done |= _apply(uow, [] if refusal is not None else removals, course, conduct)
            contested = [e for e in _left(course, done) if e.planned.contested]
            done |= _apply(uow, contested, course, conduct)
        done |= _done_by_others(uow.operations, course, done)
        shown = refusal or earlier_refusal(uow.operations, conduct)
        life = _operational_findings(uow, run, course, done, shown, conduct)
        lines = tuple(_line(e, done, refusal) for e in course.written.entries)
        summary = _summary(run, course, lines, life, shown)
        summary = replace(summary, ages=ages(uow, summary.findings))
        uow.runs.close(run, "done", _numbers(summary))
        uow.commit()
    return summary


def earlier_refusal(operations: OperationRepository, conduct: Conduct) -> Refusal | None:
    """Return the refusal of an earlier run that still holds removals until a person decides."""
    held = [e.planned for e in operations.pending_destructive() if e.planned.hold is Hold.GUARD]
    return still_held(operations.ledger(), held, conduct.limits) if held else None


def hold_all(operations: OperationRepository) -> None:
    """Everything destructive that is pending waits for a person."""
    free = [e.number for e in operations.pending_destructive() if e.planned.hold is Hold.NONE]
    if free:
        operations.hold(free, Hold.GUARD)


def _left(course: Course, done: frozenset[int]) -> list[Recorded]:
    return [e for e in course.written.entries if e.confirmed and e.number not in done]


def _apply(
    uow: UnitOfWork, entries: Iterable[Recorded], course: Course, conduct: Conduct
) -> frozenset[int]:
    now = {e.number: e.planned for e in entries if e.planned.hold is Hold.NONE}
    if not now:
        return frozenset()
    readings, limit = course.world.sightings.values(), conduct.rules.evidence_age
    young = fresh(now, readings, uow.now(), limit)
    return frozenset(apply_entries(uow, young, MACHINE, by_machine=True).done)


def _done_by_others(
    operations: OperationRepository, course: Course, done: frozenset[int]
) -> frozenset[int]:
    """Entries of this run that another run or a person applied meanwhile."""
    left = {e.number for e in course.written.entries} - done
    now = operations.by_number(left)
    return frozenset(e.number for e in now if e.status is EntryStatus.APPLIED)


def _operational_findings(
    uow: UnitOfWork,
    run: int,
    course: Course,
    done: frozenset[int],
    refusal: Refusal | None,
    conduct: Conduct,
) -> tuple[Finding, ...]:
    """What still waits and what was refused, now that everything possible was applied."""
    records = {r.key: r for r in course.world.records}
    now = [
        blocked(Need(e.planned, e.number), course.world.name, records)
        for e in course.written.entries
        if e.planned.contested and e.number not in done
    ]
    about = concerned(course.world)
    downs = settle_outages(uow, run, about, conduct)
    settled = AT_CLOSE - {Kind.SERVER_DOWN, Kind.CHANGE_WAITS}
    known = [f for f in uow.findings.unresolved(about) if f.finding.kind in settled]
    about_pairs = [f for f in known if f.finding.servers]
    life = drift(now, (f.finding for f in about_pairs), course.plan.judged)
    keep_findings(uow, Fact(run, now, conduct), life, about_pairs)
    about_all = [f for f in known if not f.finding.servers]
    refused = [] if refusal is None else [refused_finding(refusal)]
    store_wide = drift(refused, (f.finding for f in about_all), course.plan.judged)
    if refusal is None:
        store_wide = replace(
            store_wide, persisting=(), resolved=tuple(f.finding for f in about_all)
        )
    keep_findings(uow, Fact(run, refused, conduct), store_wide, about_all)
    downs_now = tuple(d.finding for d in downs)
    return life.now + store_wide.now + downs_now + _what_waits(uow, run, conduct)


def _what_waits(uow: UnitOfWork, run: int, conduct: Conduct) -> tuple[Finding, ...]:
    """What people have to decide, over the whole store."""
    now = waiting(*uow.operations.waiting_for_people(every=conduct.policy is Policy.REVIEW))
    known = uow.findings.unresolved(kinds=[Kind.CHANGE_WAITS])
    life = whole(now, (problem.finding for problem in known))
    keep_findings(uow, Fact(run, now, conduct), life, known)
    return life.now


def _line(entry: Recorded, done: frozenset[int], refusal: Refusal | None) -> Line:
    planned = entry.planned
    if refusal is not None and planned.destructive and planned.hold is Hold.NONE:
        planned = replace(planned, hold=Hold.GUARD)
    return Line(planned, fate(planned, applied=entry.number in done), entry.number, entry.new)


def _summary(
    run: int,
    course: Course,
    lines: tuple[Line, ...],
    operational: tuple[Finding, ...],
    refusal: Refusal | None,
) -> Summary:
    life = course.written.life
    findings = sorted((*life.now, *operational), key=lambda f: f.fingerprint)
    return Summary(
        run=run,
        sightings=course.world.sightings,
        pairs=sum(map(len, course.plan.judged.pairs.values())),
        lines=lines,
        superseded=len(course.plan.superseded),
        findings=tuple(findings),
        opened=len(life.opened),
        resolved=len(life.resolved),
        refusal=refusal,
        overtaken=len(course.plan.overtaken),
        names={s.id: s.name for s in course.world.servers.values()},
        paused=course.plan.paused,
    )


def _numbers(summary: Summary) -> dict[str, object]:
    return {
        **counts(summary.lines, summary.sightings),
        "pairs": summary.pairs,
        "superseded": summary.superseded,
        "overtaken": summary.overtaken,
        "paused": summary.paused,
        "findings": len(summary.findings),
        "findings_opened": summary.opened,
        "findings_resolved": summary.resolved,
        "refused": None if summary.refusal is None else summary.refusal.why,
    }
