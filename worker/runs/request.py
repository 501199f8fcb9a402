"""The one door: timer, command line and HTTP start a run here, or join the one that waits."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from worker.messaging.dispatcher import Post, publish
from worker.model.maintenance import resting
from worker.model.runs import EVERYTHING, Lane, OpenRun, Scope, Stage, Trigger
from worker.runs.targets import Request, find_target
from worker.store.repositories.claims import Conclusion
from worker.store.unit_of_work import Store, UnitOfWork
from worker.telemetry import events

#: A partner's reading that was begun so shortly before is as good as one of the run itself.
JOINED_WITHIN: Final = timedelta(seconds=60)


def request_run(store: Store, post: Post, request: Request) -> int:
    """The number of a run that will do what is asked, and that was not begun before.

    Raises UnknownTarget.
    """
    with store.write() as uow:
        target = find_target(uow, request)
        scope = Scope(target.servers, target.only)
        lane = Lane.READ if request.trigger is Trigger.SCHEDULE else Lane.ON_DEMAND
        waiting = _not_begun(uow, scope, lane)
        if waiting is not None:
            return waiting.id
        run = uow.runs.start(request.trigger, request.who, request.target, scope, lane)
        uow.credentials.mark_unproven()
        targets = target.members if target.servers is None else target.servers
        asked = enlist(uow, run, target.members, targets)
        uow.commit()
    events.run_opened(run, request.trigger, request.target, len(target.members))
    send_opened(post, Opened(run, lane, asked))
    return run


@dataclass(frozen=True, slots=True)
class Opened:
    """A run that was opened, to be told to the workers when that is committed."""

    run: int
    lane: Lane
    to_read: frozenset[int]


def open_scheduled(
    uow: UnitOfWork, targets: frozenset[int], members: frozenset[int], *, everybody: bool
) -> Opened:
    """A run of the schedule over these servers; other ``members`` are there as their partners."""
    about = EVERYTHING if everybody else f"{len(targets)} servers that were due"
    scope = Scope(None if everybody else targets)
    run = uow.runs.start(Trigger.SCHEDULE, "schedule", about, scope, Lane.READ)
    uow.credentials.mark_unproven()
    asked = enlist(uow, run, members, targets)
    events.run_opened(run, Trigger.SCHEDULE, about, len(targets))
    return Opened(run, Lane.READ, asked)


def send_opened(post: Post, opened: Opened) -> None:
    """Tell the workers: whom to read, or that there is nobody left to be read."""
    if opened.to_read:
        publish(post, opened.run, opened.to_read, opened.lane)
    else:
        post.settle(opened.run)


def enlist(
    uow: UnitOfWork, run: int, members: Collection[int], targets: Collection[int]
) -> frozenset[int]:
    """Make them members; those that still have to be read.

    A partner that was read just now is not read again for it, unless it is in maintenance by now.
    """
    uow.members.add(run, members, targets=targets)
    partners = frozenset(members) - frozenset(targets) - resting(uow.maintenance.open_windows())
    since = uow.now() - JOINED_WITHIN
    latest = uow.readings.latest(partners, {}, besides=run) if partners else {}
    joined = [seen for seen in latest.values() if seen.read_at >= since]
    if joined:
        uow.claims.conclude([Conclusion(run, seen.server, seen) for seen in joined])
    return frozenset(members) - {seen.server for seen in joined}


def _not_begun(uow: UnitOfWork, scope: Scope, lane: Lane) -> OpenRun | None:
    """A run about the same that nobody has begun to work at.

    A person never waits for the readers of the schedule, and insists on servers, which they do not.
    """
    for run in uow.runs.in_progress():
        if lane.insists and not run.lane.insists:
            continue
        if run.scope == scope and all(
            m.stage is Stage.WAITING and m.claimed_by is None and not m.readings
            for m in uow.members.of_run(run.id)
            if m.is_target
        ):
            return run
    return None
