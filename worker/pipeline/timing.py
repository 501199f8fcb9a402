"""When a server is read next: the schedule lives in the store, a tick only looks (rule R10)."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from reconcile.model import Seen, Sighting, Skipped, Standing
from worker.pipeline.opening import open_scheduled, send_opened
from worker.pipeline.post import Post
from worker.ports import Reading, Store, UnitOfWork
from worker.request import Timing
from worker.run_ports import Poll, Stage

#: Failures in a row after which a server is not asked in every interval any more.
BREAKER_AFTER: Final = 3
_LONGEST_BREAK: Final = timedelta(hours=4)
_DOUBLINGS: Final = 10
#: Who is due within this part of an interval is read with those who are due now.
_TOGETHER: Final = 0.1
#: The same for all that fall due together, so that they stay together.
_JITTER: Final = 0.05
_LEASE: Final = "tick"


def next_poll(
    reading: Reading, server: int, sighting: Sighting, began: datetime, timing: Timing
) -> Poll:
    """A reading on any ground sets the time of the next one."""
    before = reading.polls([server]).get(server)
    failures = 0 if before is None else before.failures
    read_at = None if before is None else before.read_at
    if isinstance(sighting, Seen):
        return Poll(server, began + timing.interval, 0, began, began)
    if isinstance(sighting, Skipped):
        return Poll(server, began + timing.interval, failures, began, read_at)
    failures += 1
    return Poll(
        server, began + timing.interval + _break(failures, timing), failures, began, read_at
    )


def _break(failures: int, timing: Timing) -> timedelta:
    """The breaker: how much longer a server is left alone that failed so many times."""
    if failures < BREAKER_AFTER:
        return timedelta()
    doubled: int = 2 ** min(failures - BREAKER_AFTER, _DOUBLINGS)
    return min(timing.interval * doubled, _LONGEST_BREAK)


def tick(store: Store, post: Post, timing: Timing) -> int | None:
    """Start a run over who is due; None if nobody is, or if another tick just looked.

    That they are taken care of is written with the run that does: neither is there alone.
    """
    with store.write() as uow:
        if uow.take_lease(_LEASE, timing.tick / 2) is None:
            return None
        enabled = frozenset(s.id for s in uow.servers() if s.standing is Standing.ENABLED)
        due = _due(uow, timing, enabled)
        jitter = 1 + _JITTER * random.random()  # noqa: S311  # spreads load, no secret
        for server in sorted(due):
            uow.set_poll(_expected(uow, server, timing.interval * jitter))
        opened = open_scheduled(uow, due, enabled) if due else None
        uow.commit()
    if opened is None:
        return None
    send_opened(post, opened)
    return opened.run


def _due(uow: UnitOfWork, timing: Timing, enabled: frozenset[int]) -> frozenset[int]:
    """Nobody whose reading an open run waits for; if one is due, those who nearly are come along."""
    now = uow.now()
    busy = {
        m.server
        for run in uow.runs_in_progress()
        for m in uow.members(run.id)
        if m.stage is Stage.WAITING
    }
    polls = uow.polls()
    at = {s: polls[s].due_at if s in polls else now for s in enabled - busy}
    if not any(due_at <= now for due_at in at.values()):
        return frozenset()
    soon = now + timing.interval * _TOGETHER
    return frozenset(s for s, due_at in at.items() if due_at <= soon)


def _expected(uow: UnitOfWork, server: int, interval: timedelta) -> Poll:
    """Not due again while the run that was started for it goes on."""
    before = uow.polls([server]).get(server)
    due_at = uow.now() + interval
    return Poll(server, due_at) if before is None else replace(before, due_at=due_at)


def leaves_alone(reading: Reading, server: int) -> bool:
    """True if it failed so often that only its own turn, or a person, has it asked again."""
    poll = reading.polls([server]).get(server)
    return poll is not None and poll.failures >= BREAKER_AFTER and poll.due_at > reading.now()


def has_failed(reading: Reading, server: int) -> bool:
    """True if its last reading did."""
    poll = reading.polls([server]).get(server)
    return poll is not None and poll.failures > 0
