"""Telling people what the machine applied by itself: a change is no problem, and no silence either.

The span of a message is fixed before it is sent, so one that dies in between has another one send
the same again, with the same key.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from uuid import uuid4

from reconcile.model.names import fold_relationship
from worker.alerts.alerting import AppliedChangeRule
from worker.alerts.channels.port import Channel, Undelivered
from worker.alerts.delivery.attempt import CLAIM, Verdict, hand_over, refused
from worker.alerts.delivery.dead_letters import works_again
from worker.alerts.message import Changes
from worker.model.change_feed import (
    AppliedBacklog,
    AppliedCursor,
    AppliedLine,
    AppliedOperation,
    ChangeSpan,
)
from worker.store.repositories.change_feed import ChangeFeedRepository
from worker.store.unit_of_work import Store, Transaction
from worker.telemetry import events
from worker.telemetry.events import EventRecorder

#: Operations in one message; the rest is counted.
_MOST: Final = 200


def tell_changes(
    store: Store, channel: Channel, applied: AppliedChangeRule, recorder: EventRecorder
) -> None:
    """Tell a channel what was applied since it was told last, if it wants that and it is time."""
    if channel.name not in applied.channels:
        return
    claim = uuid4().hex
    span = _claimed(store, channel.name, claim, applied)
    if span is None:
        return
    message = _composed(store, span, applied)
    if message is None:
        _done(store, claim)
        return
    try:
        hand_over(channel, message)
    except Undelivered as error:
        verdict = _failed(store, channel.name, claim, span.attempts + 1, error)
        recorder.alerts_failed(channel.name, error.sentence, is_dead=verdict.is_dead)
    else:
        _done(store, claim, channel.name)
        events.changes_told(channel.name, message.count)


def _claimed(
    store: Store, channel: str, claim: str, applied: AppliedChangeRule
) -> ChangeSpan | None:
    with store.read() as reading:
        # A look without the writer's turn, because most sweeps find nothing.
        if reading.deliveries.is_paused(channel) or not reading.change_feed.is_due(
            channel, applied.every
        ):
            return None
    with store.write() as uow:
        # Committed before anything is sent, so that a retry has the same span and key.
        span = uow.change_feed.claim(channel, claim, uow.now() + CLAIM, applied.every)
        uow.commit()
    return span


def _composed(store: Store, span: ChangeSpan, applied: AppliedChangeRule) -> Changes | None:
    """None if nothing was applied that is told."""
    with store.read() as reading:
        lines = _lines(reading.change_feed, span.since, span.until, applied)
        operations = reading.change_feed.operations([line.number for line in lines[:_MOST]])
    if not lines:
        return None
    sorted_operations = tuple(sorted(operations, key=_by_relationship))
    remaining = len(lines) - len(sorted_operations)
    return Changes(f"applied-{span.batch}", sorted_operations, remaining, span.since, span.until)


def _lines(
    change_feed: ChangeFeedRepository, since: datetime, until: datetime, applied: AppliedChangeRule
) -> tuple[AppliedLine, ...]:
    """Return the lines of a span that match the rule."""
    lines = change_feed.lines(since, until)
    return tuple(line for line in lines if applied.match.fits(line))


def backlogs(reading: Transaction, applied: AppliedChangeRule) -> Mapping[str, AppliedBacklog]:
    """Return the changes that each channel still has to get, or never got."""
    cursors, current_time = reading.change_feed.cursors(), reading.now()
    return {
        name: _backlog(reading.change_feed, cursor, applied, current_time)
        for name, cursor in cursors.items()
    }


def _backlog(
    change_feed: ChangeFeedRepository,
    cursor: AppliedCursor,
    applied: AppliedChangeRule,
    now: datetime,
) -> AppliedBacklog:
    waiting_lines = _lines(change_feed, cursor.told_until, now, applied)
    given_up = () if cursor.given_up is None else _lines(change_feed, *cursor.given_up, applied)
    next_try = cursor.next_try or (waiting_lines[0].at + applied.every if waiting_lines else None)
    return AppliedBacklog(
        len(waiting_lines), next_try, cursor.attempts, len(given_up), cursor.error
    )


def _by_relationship(operation: AppliedOperation) -> tuple[str, str, str, str, int]:
    planned = operation.planned
    name = planned.relationship
    servers = planned.server1.name, planned.server2.name
    return fold_relationship(name), name, *servers, operation.number


def _done(store: Store, claim: str, channel: str | None = None) -> None:
    """Mark a claim as delivered by ``channel``. None means that there was nothing to send."""
    with store.write() as uow:
        uow.change_feed.mark_delivered(claim)
        if channel is not None:
            works_again(uow, channel)
        uow.commit()


def _failed(store: Store, channel: str, claim: str, attempts: int, error: Undelivered) -> Verdict:
    with store.write() as uow:
        verdict = refused(uow, channel, attempts, error)
        uow.change_feed.mark_failed(claim, verdict.again, error.sentence, is_dead=verdict.is_dead)
        uow.commit()
    return verdict
