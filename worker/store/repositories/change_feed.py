"""The change feed: operations that policy applied, and each channel's position in the feed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, and_, case, delete, func, insert, select, update

from reconcile.model.nouns import Operation
from reconcile.model.record import STATE_PROPERTIES, EntryStatus
from worker.model.change_feed import AppliedCursor, AppliedLine, AppliedOperation, ChangeSpan
from worker.store.connection import AnyRow, Repository, chunks
from worker.store.repositories.codecs import Columns, operation_of
from worker.store.tables.alerts import applied_digest
from worker.store.tables.failover import tracker

#: The changes of an update. Other operations are never about states alone.
_UPDATED: Final = case((tracker.c.operation == Operation.UPDATE, tracker.c.changes), else_=None)
_LINE: Final = tuple(
    tracker.c[name]
    for name in (
        "number",
        "decided_at",
        "operation",
        "relationship",
        "server1_name",
        "server2_name",
    )
)
_FREE: Final[Columns] = {"claim": None, "claimed_until": None}
_DELIVERED: Final[Columns] = {
    "told_until": applied_digest.c.until,
    "until": None,
    "batch": None,
    "attempts": 0,
    "error": None,
    **_FREE,
}
_GIVEN_UP: Final[Columns] = {
    **_DELIVERED,
    "given_up_since": func.coalesce(applied_digest.c.given_up_since, applied_digest.c.told_until),
    "given_up_until": applied_digest.c.until,
}
#: Moves the position back to the beginning of the part that was given up.
_RESTARTED: Final[Columns] = {
    **_DELIVERED,
    "told_until": applied_digest.c.given_up_since,
    "given_up_since": None,
    "given_up_until": None,
}


class ChangeFeedRepository(Repository):
    """The feed of applied operations and the channels' positions in it."""

    def is_due(self, channel: str, collect: timedelta) -> bool:
        """Return whether a delivery to the channel may be due, or the channel is new.

        A delivery is due when the oldest operation that is new to the channel was applied at least
        ``collect`` ago.
        """
        row = self._cursor(channel)
        return row is None or self._is_due(row, collect)

    def lines(self, since: datetime, until: datetime) -> tuple[AppliedLine, ...]:
        """Return the operations that policy applied in a span, oldest first.

        Updates that change only states are left out.
        """
        line = tracker.c
        by_policy = and_(_applied_from(since), line.decided_at < until, line.by_machine)
        query = select(*_LINE, _UPDATED.label("updated")).where(by_policy)
        return tuple(
            AppliedLine(
                row.number,
                row.decided_at,
                Operation(row.operation),
                row.relationship,
                (row.server1_name, row.server2_name),
            )
            for row in self._connection.rows(query.order_by(line.decided_at, line.number))
            if not _is_state_only(row.updated)
        )

    def operations(self, numbers: Collection[int]) -> tuple[AppliedOperation, ...]:
        """Return the operations with these numbers in full, in no order."""
        return tuple(
            AppliedOperation(row.number, row.run_id, row.decided_at, operation_of(row))
            for chunk in chunks(numbers)
            for row in self._connection.rows(select(tracker).where(tracker.c.number.in_(chunk)))
        )

    def cursors(self) -> Mapping[str, AppliedCursor]:
        """Return the position of every channel in the feed, by channel."""
        return {
            row.channel: _cursor_of(row) for row in self._connection.rows(select(applied_digest))
        }

    def _cursor(self, channel: str) -> AnyRow | None:
        is_channel = applied_digest.c.channel == channel
        return next(iter(self._connection.rows(select(applied_digest).where(is_channel))), None)

    def _is_due(self, row: AnyRow, collect: timedelta) -> bool:
        """Return whether any operation was applied long enough ago.

        Operations that are never delivered count as well, so that the position moves past them.
        """
        current_time = self._connection.now()
        if row.until is not None:
            is_free = row.claimed_until is None or row.claimed_until <= current_time
            return is_free and bool(row.due_at <= current_time)
        is_collected = and_(
            _applied_from(row.told_until), tracker.c.decided_at <= current_time - collect
        )
        return bool(self._connection.rows(select(tracker.c.number).where(is_collected).limit(1)))

    def claim(
        self, channel: str, claim: str, claimed_until: datetime, collect: timedelta
    ) -> ChangeSpan | None:
        """Claim the next span of the feed for a deliverer, or return None if nothing is due.

        The claim ends at ``claimed_until``. A new channel starts at the current time and receives
        nothing that was applied before.
        """
        current_time, row = self._connection.now(), self._cursor(channel)
        if row is None:
            position = {
                "channel": channel,
                "told_until": current_time,
                "due_at": current_time,
                "attempts": 0,
            }
            self._connection.run(insert(applied_digest).values(position))
            return None
        if not self._is_due(row, collect):
            return None
        # Nothing is applied beside this writer, and no later operation has an earlier time.
        claim_end, batch = (current_time, claim) if row.until is None else (row.until, row.batch)
        columns = {
            "until": claim_end,
            "batch": batch,
            "claim": claim,
            "claimed_until": claimed_until,
        }
        is_channel = applied_digest.c.channel == channel
        self._connection.run(update(applied_digest).where(is_channel).values(columns))
        return ChangeSpan(row.told_until, claim_end, batch, row.attempts)

    def mark_delivered(self, claim: str) -> None:
        """Record that the span was delivered, and end the claim.

        A claim that another deliverer has taken over changes nothing.
        """
        self._end(claim, _DELIVERED)

    def mark_failed(self, claim: str, due_at: datetime, error: str, *, is_dead: bool) -> None:
        """Record that the delivery failed, and end the claim.

        The delivery is due again at ``due_at``. With ``is_dead`` it is given up, and only ``retry``
        brings it back.
        """
        retry_columns = {"attempts": applied_digest.c.attempts + 1, "due_at": due_at, **_FREE}
        self._end(claim, {**(_GIVEN_UP if is_dead else retry_columns), "error": error})

    def retry(self, channel: str) -> None:
        """Make a failed delivery due now.

        A span that was given up is delivered again, with all that was applied since.
        """
        is_channel = applied_digest.c.channel == channel
        has_failed = and_(is_channel, applied_digest.c.attempts > 0)
        due = {"due_at": self._connection.now(), "attempts": 0}
        self._connection.run(update(applied_digest).where(has_failed).values(due))
        is_given_up = and_(is_channel, applied_digest.c.given_up_since.is_not(None))
        self._connection.run(update(applied_digest).where(is_given_up).values(_RESTARTED))

    def keep_only(self, besides: Collection[str]) -> None:
        """Remove the positions of all other channels. A channel that comes back is new."""
        is_kept = applied_digest.c.channel.in_(besides)
        self._connection.run(delete(applied_digest).where(~is_kept))

    def _end(self, claim: str, values: Columns) -> None:
        is_claimed = applied_digest.c.claim == claim
        self._connection.run(update(applied_digest).where(is_claimed).values(values))


def _applied_from(since: datetime) -> ColumnElement[bool]:
    return and_(tracker.c.status == EntryStatus.APPLIED, tracker.c.decided_at >= since)


def _is_state_only(updated: list[list[object]] | None) -> bool:
    return updated is not None and all(change[0] in STATE_PROPERTIES for change in updated)


def _cursor_of(row: AnyRow) -> AppliedCursor:
    given_up_span = None
    if row.given_up_since is not None:
        given_up_span = row.given_up_since, row.given_up_until
    next_try = None if row.until is None else row.due_at
    return AppliedCursor(row.told_until, next_try, row.attempts, row.error, given_up_span)
