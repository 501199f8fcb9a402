"""The one door: timer, command line and HTTP start a run here, or join the one that waits."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from worker.messaging.dispatcher import Dispatcher, publish
from worker.model.maintenance import resting
from worker.model.runs import EVERYTHING, Lane, MemberStage, OpenRun, RunScope, Trigger
from worker.runs.targets import RunRequest, Target, find_target
from worker.store.repositories.claims import Conclusion
from worker.store.unit_of_work import Store, UnitOfWork
from worker.telemetry import events

#: A partner's reading that was begun so shortly before is as good as one of the run itself.
JOINED_WITHIN: Final = timedelta(seconds=60)


def request_run(
    store: Store,
    dispatcher: Dispatcher,
    request: RunRequest,
    lane: Lane = Lane.ON_DEMAND,
    process: int | None = None,
) -> int:
    """Return the number of a run that does what is asked and has not begun yet.

    A ``process`` that works at its run by itself gets a run of its own. Raises UnknownTarget.
    """
    # Run and members are one fact. The messages follow after the commit.
    with store.write() as uow:
        target = find_target(uow, request)
        joinable = _not_begun(uow, RunScope(target.servers, target.only), lane)
        if joinable is not None and process is None:
            return joinable.id
        opened_run = _open(uow, request, target, lane, process)
        uow.commit()
    send_opened(dispatcher, opened_run)
    return opened_run.run


@dataclass(frozen=True, slots=True)
class OpenedRun:
    """A run that was opened, with the servers to read after the commit."""

    run: int
    lane: Lane
    to_read: frozenset[int]


def _open(
    uow: UnitOfWork, request: RunRequest, target: Target, lane: Lane, process: int | None
) -> OpenedRun:
    scope = RunScope(target.servers, target.only)
    run = uow.runs.open(request.trigger, request.who, request.target, scope, lane, process)
    if lane is not Lane.FILES:
        uow.credentials.mark_unproven()
    targets = target.members if target.servers is None else target.servers
    members = add_members(uow, run, lane, target.members, targets)
    events.run_opened(run, request.trigger, request.target, len(target.members))
    return OpenedRun(run, lane, members)


def open_scheduled(
    uow: UnitOfWork, targets: frozenset[int], members: frozenset[int], *, everybody: bool
) -> OpenedRun:
    """Open a run of the schedule over these servers. Other ``members`` are their partners."""
    subject = EVERYTHING if everybody else f"{len(targets)} servers that were due"
    scope = RunScope(None if everybody else targets)
    run = uow.runs.open(Trigger.SCHEDULE, "schedule", subject, scope, Lane.READ)
    uow.credentials.mark_unproven()
    members_to_read = add_members(uow, run, Lane.READ, members, targets)
    events.run_opened(run, Trigger.SCHEDULE, subject, len(targets))
    return OpenedRun(run, Lane.READ, members_to_read)


def send_opened(dispatcher: Dispatcher, opened: OpenedRun) -> None:
    """Tell the workers: whom to read, or that there is nobody left to be read."""
    if opened.to_read:
        publish(dispatcher, opened.run, opened.to_read, opened.lane)
    else:
        dispatcher.settle(opened.run)


def add_members(
    uow: UnitOfWork, run: int, lane: Lane, members: Collection[int], targets: Collection[int]
) -> frozenset[int]:
    """Add members to a run, and return those that still have to be read.

    A partner that was read just now is not read again for it, unless it is in maintenance by now.
    A run of files rests on its files alone.
    """
    uow.members.add(run, members, targets=targets)
    if lane is Lane.FILES:
        return frozenset(members)
    partners = frozenset(members) - frozenset(targets) - resting(uow.maintenance.open_windows())
    joined_after = uow.now() - JOINED_WITHIN
    latest = uow.readings.latest(partners, {}, besides=run) if partners else {}
    joined = [reading for reading in latest.values() if reading.read_at >= joined_after]
    if joined:
        uow.claims.conclude([Conclusion(run, reading.server, reading) for reading in joined])
    return frozenset(members) - {reading.server for reading in joined}


def _not_begun(uow: UnitOfWork, scope: RunScope, lane: Lane) -> OpenRun | None:
    """Return a run about the same that nobody has begun to work at, or None.

    A person never waits for the readers of the schedule, and insists on servers, which they do not.
    The run of a command is its own: it ends when the command is interrupted.
    """
    for run in uow.runs.in_progress():
        if run.process is not None or (lane.insists and not run.lane.insists):
            continue
        if run.scope == scope and all(
            m.stage is MemberStage.WAITING and m.claimed_by is None and not m.readings
            for m in uow.members.of_run(run.id)
            if m.is_target
        ):
            return run
    return None
