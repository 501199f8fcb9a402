"""The recipe: open a run, look, judge, record, apply, close.  Knows no Celery, SQL or WinRM.

Each step is a transaction of its own and re-reads the store, so a crash between two of them
loses nothing: what was recorded is pending, and the next run goes on from there.
"""

from __future__ import annotations

from contextlib import suppress

from collectors.base import Collector
from reconcile.evidence.world import World
from reconcile.planning.plan import Plan, complete, draft
from worker.config.run_policy import Conduct
from worker.model.errors import StoreError
from worker.model.run_report import Preview, Summary
from worker.operations.apply import apply_entries
from worker.operations.freshness import fresh
from worker.runs.close import Course, close
from worker.runs.load import load_world, look
from worker.runs.plan import preview
from worker.runs.recheck import Looked, look_twice, with_distance
from worker.runs.record import MACHINE, Written, at_once, record
from worker.runs.targets import Request, Target, find_target
from worker.store.unit_of_work import Store, Transaction


def sync(store: Store, collector: Collector, request: Request, conduct: Conduct) -> Summary:
    """Make IPAM's database true to what the servers say now, as far as the rules allow."""
    run, target = _open(store, request)
    try:
        sightings = look(store, collector, target)
        looked = look_twice(store, collector, sightings, target, conduct)
        world, planned, written = _record(store, run, looked, target, conduct)
        applied = _apply(store, world, written, conduct)
        return close(store, run, Course(world, planned, written, applied), conduct)
    except BaseException as error:
        _abandon(store, run, error)
        raise


def plan(store: Store, collector: Collector, request: Request, conduct: Conduct) -> Preview:
    """The very plan that ``sync`` would record now; writes nothing."""
    with store.read() as reading:
        target = find_target(reading, request)
    sightings = look(store, collector, target)
    looked = look_twice(store, collector, sightings, target, conduct)
    with store.read() as reading:
        world, planned = judge(reading, looked, target, conduct)
        return preview(reading, world, planned, conduct)


def judge(
    reading: Transaction, looked: Looked, target: Target, conduct: Conduct
) -> tuple[World, Plan]:
    """Judge what was seen against what is stored."""
    world = load_world(reading, looked.sightings, target, conduct)
    drafted = draft(world)
    return world, with_distance(complete(drafted, reading.records.holders(drafted.takes)), looked)


def _open(store: Store, request: Request) -> tuple[int, Target]:
    with store.write() as uow:
        target = find_target(uow, request)
        run = uow.runs.open(request.trigger, request.who, request.target)
        uow.commit()
    return run, target


def _record(
    store: Store,
    run: int,
    looked: Looked,
    target: Target,
    conduct: Conduct,
) -> tuple[World, Plan, Written]:
    with store.write() as uow:
        world, planned = judge(uow, looked, target, conduct)
        written = record(uow, run, world, planned, conduct)
        uow.commit()
    return world, planned, written


def _apply(store: Store, world: World, written: Written, conduct: Conduct) -> frozenset[int]:
    now = at_once(written.entries, conduct.policy)
    if not now:
        return frozenset()
    with store.write() as uow:
        young = fresh(now, world.sightings.values(), uow.now(), conduct.rules.evidence_age)
        applied = apply_entries(uow, young, MACHINE, by_machine=True)
        uow.commit()
    return frozenset(applied.done)


def _abandon(store: Store, run: int, error: BaseException) -> None:
    """Say in the run's row how it ended; what was committed before stands."""
    outcome = "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
    with suppress(StoreError), store.write() as uow:  # the first error is the one to be told
        uow.runs.close(run, outcome, {"error": type(error).__name__})
        uow.commit()
