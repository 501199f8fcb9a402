"""When a server is read next: the schedule lives in the store, a tick only looks (rule R10)."""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from reconcile.model.nouns import Seen, Sighting, Skipped, SkipReason, Standing
from worker.config.run_policy import Timing
from worker.messaging.dispatcher import Dispatcher
from worker.model.runs import Poll
from worker.runs.request import OpenedRun, open_scheduled, send_opened
from worker.store.unit_of_work import Store, UnitOfWork

#: Failures in a row after which a server is not asked in every interval any more.
BREAKER_AFTER: Final = 3
#: A server that is back is read within four hours without a person.
_LONGEST_BREAK: Final = timedelta(hours=4)
#: Limits the exponent, so that no huge number is computed.
_DOUBLINGS: Final = 10
#: What is due within this part of an interval is read with what is due now.
_TOGETHER: Final = 0.1
#: At most so much of an interval is added to it; the same for all that are read together, so
#: that they stay together.
_JITTER: Final = 0.05
_LEASE: Final = "tick"


def next_poll(before: Poll, sighting: Sighting, began: datetime, timing: Timing) -> Poll:
    """Return when a server is due after a reading, whatever the reading was for.

    What its group was given in addition when its run was opened it keeps.
    """
    soonest = began + timing.interval
    due_at = min(max(before.due_at, soonest), soonest + timing.interval * _JITTER)
    if isinstance(sighting, Seen):
        return Poll(before.server, due_at, 0, began, began)
    if sighting == Skipped(before.server, SkipReason.BREAKER):
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


def open_due_run(store: Store, dispatcher: Dispatcher, timing: Timing) -> int | None:
    """Open a run over the due servers.

    Return None if there are none, or another tick was just done.

    The due times and the run are written together, so that neither is there alone.
    """
    with store.write() as uow:
        # Half a tick: every beat process may tick, and one tick is enough.
        if uow.leases.acquire(_LEASE, timing.tick / 2) is None:
            return None
        opened_run = _opened(uow, timing)
        uow.commit()
    if opened_run is None:
        return None
    send_opened(dispatcher, opened_run)
    return opened_run.run


def _opened(uow: UnitOfWork, timing: Timing) -> OpenedRun | None:
    current_time = uow.now()
    soon = current_time + timing.interval * _TOGETHER
    due = uow.schedule.due(soon)
    if not any(at is None or at <= current_time for at in due.values()):
        return None
    enabled = frozenset(s.id for s in uow.inventory.servers() if s.standing is Standing.ENABLED)
    turn = _due_servers(
        uow, [group & enabled for group in uow.records.connected(due)], current_time, soon
    )
    if not turn.polls:
        return None
    jitter = 1 + _JITTER * random.random()  # noqa: S311  # spreads load, no secret
    due_at = current_time + timing.interval * jitter  # not due again while the run goes on
    uow.schedule.save([replace(poll, due_at=due_at) for poll in turn.polls])
    targets = frozenset(poll.server for poll in turn.polls)
    return open_scheduled(uow, targets, turn.members, everybody=targets == enabled)


@dataclass(frozen=True, slots=True)
class _DueServers:
    """The due servers, and the members of the run that come from their groups."""

    polls: tuple[Poll, ...] = ()
    members: frozenset[int] = frozenset()


def _due_servers(
    uow: UnitOfWork, groups: Collection[frozenset[int]], now: datetime, soon: datetime
) -> _DueServers:
    """Return the groups that are due, and with them those that are due ``soon``.

    A hub would be read once for each spoke, if each went by a time of its own.
    """
    all_servers = frozenset(server for group in groups for server in group)
    polls = {server: Poll(server, now) for server in all_servers} | dict(
        uow.schedule.polls(all_servers)
    )
    busy_servers = uow.members.busy(all_servers)
    at = {group: _due_at(group, busy_servers, polls) for group in groups}
    if not any(time is not None and time <= now for time in at.values()):
        return _DueServers()
    its_turn = [group for group, time in at.items() if time is not None and time <= soon]
    members = frozenset(server for group in its_turn for server in group)
    polled = [polls[server] for server in sorted(members - busy_servers)]
    return _DueServers(tuple(p for p in polled if not _on_break(p) or p.due_at <= soon), members)


def _due_at(
    group: frozenset[int], busy: frozenset[int], polls: Mapping[int, Poll]
) -> datetime | None:
    """Return when the first server of a group is due. Failing servers wait for the others.

    The result is None while a server of it is read that is likely to answer. Otherwise it would be
    read twice.
    """
    if any(polls[server].failures == 0 for server in group & busy):
        return None
    free_polls = [polls[server] for server in group - busy]
    sound = [poll for poll in free_polls if not _on_break(poll)]
    return min((poll.due_at for poll in sound or free_polls), default=None)


def _on_break(poll: Poll) -> bool:
    return poll.failures >= BREAKER_AFTER


def leaves_alone(poll: Poll | None, now: datetime) -> bool:
    """Return whether a server failed so often that only its due time or a person has it read."""
    return poll is not None and _on_break(poll) and poll.due_at > now


def has_failed(poll: Poll | None) -> bool:
    """Return whether the last reading of a server failed."""
    return poll is not None and poll.failures > 0
