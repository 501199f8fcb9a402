"""What the machine applied, for channels that want to be told, and how far each of them was."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, and_, case, delete, func, insert, select, update

from reconcile.model.nouns import Operation
from reconcile.model.record import STATE_PROPERTIES, EntryStatus
from worker.model.change_feed import AppliedCursor, AppliedLine, AppliedOperation, Span
from worker.store.connection import AnyRow, Session, chunks
from worker.store.repositories.codecs import Columns, operation_of
from worker.store.tables.alerts import applied_digest
from worker.store.tables.failover import tracker

#: Only of an update: what else is applied is never about states alone.
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
_TOLD: Final[Columns] = {
    "told_until": applied_digest.c.until,
    "until": None,
    "batch": None,
    "attempts": 0,
    "error": None,
    **_FREE,
}
_GIVEN_UP: Final[Columns] = {
    **_TOLD,
    "given_up_since": func.coalesce(applied_digest.c.given_up_since, applied_digest.c.told_until),
    "given_up_until": applied_digest.c.until,
}
#: As if the channel had been told last before what was given up.
_ALL_AGAIN: Final[Columns] = {
    **_TOLD,
    "told_until": applied_digest.c.given_up_since,
    "given_up_since": None,
    "given_up_until": None,
}


class AppliedReading(Session):
    """Looks at it."""

    def applied_is_due(self, channel: str, collect: timedelta) -> bool:
        row = self._cursor(channel)
        return row is None or self._is_due(row, collect)

    def applied_lines(self, since: datetime, until: datetime) -> tuple[AppliedLine, ...]:
        line = tracker.c
        machine = and_(_applied_from(since), line.decided_at < until, line.by_machine)
        asked = select(*_LINE, _UPDATED.label("updated")).where(machine)
        return tuple(
            AppliedLine(
                row.number,
                row.decided_at,
                Operation(row.operation),
                row.relationship,
                (row.server1_name, row.server2_name),
            )
            for row in self._rows(asked.order_by(line.decided_at, line.number))
            if not _of_states_alone(row.updated)
        )

    def applied_operations(self, numbers: Collection[int]) -> tuple[AppliedOperation, ...]:
        return tuple(
            AppliedOperation(row.number, row.run_id, row.decided_at, operation_of(row))
            for chunk in chunks(numbers)
            for row in self._rows(select(tracker).where(tracker.c.number.in_(chunk)))
        )

    def applied_cursors(self) -> Mapping[str, AppliedCursor]:
        return {row.channel: _cursor_of(row) for row in self._rows(select(applied_digest))}

    def _cursor(self, channel: str) -> AnyRow | None:
        this = applied_digest.c.channel == channel
        return next(iter(self._rows(select(applied_digest).where(this))), None)

    def _is_due(self, row: AnyRow, collect: timedelta) -> bool:
        """Anything that was applied makes it so: what is not told is passed over at times, too."""
        now = self.now()
        if row.until is not None:
            is_free = row.claimed_until is None or row.claimed_until <= now
            return is_free and bool(row.due_at <= now)
        old = and_(_applied_from(row.told_until), tracker.c.decided_at <= now - collect)
        return bool(self._rows(select(tracker.c.number).where(old).limit(1)))


class AppliedWriting(AppliedReading):
    """Keeps how far each channel was told."""

    def claim_applied(
        self, channel: str, claim: str, claimed_until: datetime, collect: timedelta
    ) -> Span | None:
        now, row = self.now(), self._cursor(channel)
        if row is None:
            new = {"channel": channel, "told_until": now, "due_at": now, "attempts": 0}
            self._run(insert(applied_digest).values(new))
            return None
        if not self._is_due(row, collect):
            return None
        # Nobody else applies anything now, and what is applied from now on is not before it.
        until, batch = (now, claim) if row.until is None else (row.until, row.batch)
        claimed = {"until": until, "batch": batch, "claim": claim, "claimed_until": claimed_until}
        this = applied_digest.c.channel == channel
        self._run(update(applied_digest).where(this).values(claimed))
        return Span(row.told_until, until, batch, row.attempts)

    def applied_told(self, claim: str) -> None:
        self._end(claim, _TOLD)

    def applied_untold(self, claim: str, due_at: datetime, error: str, *, is_dead: bool) -> None:
        again = {"attempts": applied_digest.c.attempts + 1, "due_at": due_at, **_FREE}
        self._end(claim, {**(_GIVEN_UP if is_dead else again), "error": error})

    def retry_applied(self, channel: str) -> None:
        this = applied_digest.c.channel == channel
        failed = and_(this, applied_digest.c.attempts > 0)
        due = {"due_at": self.now(), "attempts": 0}
        self._run(update(applied_digest).where(failed).values(due))
        given_up = and_(this, applied_digest.c.given_up_since.is_not(None))
        self._run(update(applied_digest).where(given_up).values(_ALL_AGAIN))

    def forget_applied(self, besides: Collection[str]) -> None:
        kept = applied_digest.c.channel.in_(besides)
        self._run(delete(applied_digest).where(~kept))

    def _end(self, claim: str, values: Columns) -> None:
        mine = applied_digest.c.claim == claim
        self._run(update(applied_digest).where(mine).values(values))


def _applied_from(since: datetime) -> ColumnElement[bool]:
    return and_(tracker.c.status == EntryStatus.APPLIED, tracker.c.decided_at >= since)


def _of_states_alone(updated: list[list[object]] | None) -> bool:
    return updated is not None and all(change[0] in STATE_PROPERTIES for change in updated)


def _cursor_of(row: AnyRow) -> AppliedCursor:
    given_up = None
    if row.given_up_since is not None:
        given_up = row.given_up_since, row.given_up_until
    next_try = None if row.until is None else row.due_at
    return AppliedCursor(row.told_until, next_try, row.attempts, row.error, given_up)
