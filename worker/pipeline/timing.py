"""When a server is read next: the schedule lives in the store, a tick only looks (rule R10)."""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from reconcile.model import Seen, Sighting, Skipped, SkipReason, Standing
from worker.pipeline.opening import Opened, open_scheduled, send_opened
from worker.pipeline.post import Post
from worker.ports import Reading, Store, UnitOfWork
from worker.request import Timing
from worker.run_ports import Lane, Poll, Stage

#: Failures in a row after which a server is not asked in every interval any more.
BREAKER_AFTER: Final = 3
_LONGEST_BREAK: Final = timedelta(hours=4)
_DOUBLINGS: Final = 10
#: What is due within this part of an interval is read with what is due now.
_TOGETHER: Final = 0.1
#: At most so much of an interval is added to it; the same for all that are read together, so
#: that they stay together.
_JITTER: Final = 0.05
_LEASE: Final = "tick"


def next_poll(
    reading: Reading, server: int, sighting: Sighting, began: datetime, timing: Timing
) -> Poll:
    """A reading on any ground sets the time of the next one.

    What its group was given in addition when its run was opened it keeps.
    """
    before = reading.polls([server]).get(server) or Poll(server, began)
    soonest = began + timing.interval
    due_at = min(max(before.due_at, soonest), soonest + timing.interval * _JITTER)
    if isinstance(sighting, Seen):
        return Poll(server, due_at, 0, began, began)
    if sighting == Skipped(server, SkipReason.BREAKER):
        return before
    if isinstance(sighting, Skipped):
        return replace(before, due_at=due_at, tried_at=began)
    failures = before.failures + 1
    due_at += _break(failures, timing)
    return replace(before, due_at=due_at, failures=failures, tried_at=began)


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
        turn = _turn(uow, timing, enabled)
        jitter = 1 + _JITTER * random.random()  # noqa: S311  # spreads load, no secret
        for server in sorted(turn.targets):
            uow.set_poll(_expected(uow, server, timing.interval * jitter))
        opened = _opened(uow, turn, enabled)
        uow.commit()
    if opened is None:
        return None
    send_opened(post, opened)
    return opened.run


def _opened(uow: UnitOfWork, turn: _Turn, enabled: frozenset[int]) -> Opened | None:
    if not turn.targets:
        return None
    return open_scheduled(uow, turn.targets, turn.members, everybody=turn.targets == enabled)


@dataclass(frozen=True, slots=True)
class _Turn:
    """Whom a run is about, and who else of their groups is a member of it."""

    targets: frozenset[int] = frozenset()
    members: frozenset[int] = frozenset()


def _turn(uow: UnitOfWork, timing: Timing, enabled: frozenset[int]) -> _Turn:
    """Groups that are due; if one is, those that nearly are come along.

    A hub would be read once for each spoke, if each went by a time of its own.
    """
    now = uow.now()
    soon = now + timing.interval * _TOGETHER
    polls = {server: Poll(server, now) for server in enabled} | dict(uow.polls())
    busy = _busy(uow)
    due = {s for s in enabled - busy if polls[s].due_at <= soon}
    if all(polls[s].due_at > now for s in due):
        return _Turn()
    groups = [group & enabled for group in uow.connected(due)]
    groups = [g for g in groups if not any(polls[s].failures == 0 for s in g & busy)]
    at = {group: _turn_at(group, polls) for group in groups}
    if all(time > now for time in at.values()):
        return _Turn()
    members = frozenset().union(*(group for group, time in at.items() if time <= soon))
    asked = (s for s in members - busy if not (_on_break(polls[s]) and polls[s].due_at > soon))
    return _Turn(frozenset(asked), members)


def _turn_at(group: Collection[int], polls: Mapping[int, Poll]) -> datetime:
    """When the first is due; those that fail again and again wait for the others."""
    return min(
        [polls[s].due_at for s in group if not _on_break(polls[s])]
        or [polls[s].due_at for s in group]
    )


def _busy(uow: UnitOfWork) -> frozenset[int]:
    """Whom somebody reads, and who waits for it in a run of the schedule."""
    return frozenset(
        m.server
        for run in uow.runs_in_progress()
        for m in uow.members(run.id)
        if m.stage is Stage.WAITING and (run.lane is Lane.READ or m.claimed_by is not None)
    )


def _on_break(poll: Poll) -> bool:
    return poll.failures >= BREAKER_AFTER


def _expected(uow: UnitOfWork, server: int, interval: timedelta) -> Poll:
    """Not due again while the run that was started for it goes on."""
    before = uow.polls([server]).get(server)
    due_at = uow.now() + interval
    return Poll(server, due_at) if before is None else replace(before, due_at=due_at)


def leaves_alone(reading: Reading, server: int) -> bool:
    """True if it failed so often that only its own turn, or a person, has it asked again."""
    poll = reading.polls([server]).get(server)
    return poll is not None and _on_break(poll) and poll.due_at > reading.now()


def has_failed(reading: Reading, server: int) -> bool:
    """True if its last reading did."""
    poll = reading.polls([server]).get(server)
    return poll is not None and poll.failures > 0
