"""Deliveries: what each channel has received about problems, and what to deliver next."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

from sqlalchemy import (
    ColumnElement,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)

from reconcile.model.findings import Event
from worker.model.alerts import ChannelBacklog, Delivery
from worker.store.connection import AnyRow, Repository, chunks
from worker.store.repositories.codecs import Columns
from worker.store.repositories.delivery_columns import (
    CANCELLED,
    IS_CURRENT,
    NOTHING_DELIVERED,
    NOTHING_PENDING,
    UNCLAIMED,
    is_delivery,
    pending_columns,
    update_of_claim,
)
from worker.store.tables.alerts import channel_pause, delivery
from worker.store.tables.columns import AwareUtc

_IS_PENDING: Final = delivery.c.wanted_sequence.is_not(None)
_IS_GIVEN_UP: Final = and_(~_IS_PENDING, delivery.c.is_dead)
_HAS_FAILED: Final = and_(_IS_PENDING, delivery.c.attempts > 0)


class DeliveryRepository(Repository):
    """The deliveries, one for each problem and channel, and the pauses of channels."""

    def load(
        self, findings: Collection[int] | None = None, *, undone: bool = False
    ) -> tuple[Delivery, ...]:
        """Return the deliveries of these problems, or of all, by channel and problem.

        With ``undone`` only the pending and the given-up ones are returned.
        """
        query = select(delivery).order_by(delivery.c.channel, delivery.c.finding_id)
        if undone:
            query = query.where(or_(_IS_PENDING, delivery.c.is_dead))
        if findings is None:
            return tuple(delivery_of(row) for row in self._connection.rows(query))
        return tuple(
            delivery_of(row)
            for chunk in chunks(findings)
            for row in self._connection.rows(query.where(delivery.c.finding_id.in_(chunk)))
        )

    def backlogs(self) -> Mapping[str, ChannelBacklog]:
        """Return the backlog of every channel that ever had a delivery."""
        query = select(
            delivery.c.channel,
            func.count().filter(_IS_PENDING).label("waits"),
            func.count().filter(_HAS_FAILED).label("failed"),
            func.count().filter(_IS_GIVEN_UP).label("given_up"),
            func.max(delivery.c.told_at).label("told_at"),
        ).group_by(delivery.c.channel)
        return {
            row.channel: ChannelBacklog(row.waits, row.failed, row.given_up, row.told_at)
            for row in self._connection.rows(query)
        }

    def undone(
        self, most: int, *, channel: str | None = None, dead: bool = False
    ) -> tuple[Delivery, ...]:
        """Return at most ``most`` deliveries: pending ones by due time, then dead letters.

        With ``dead`` only the dead letters are returned.
        """
        query = select(delivery).where(_IS_GIVEN_UP if dead else or_(_IS_PENDING, _IS_GIVEN_UP))
        if channel is not None:
            query = query.where(delivery.c.channel == channel)
        order = (delivery.c.is_dead, delivery.c.due_at, delivery.c.finding_id, delivery.c.channel)
        return tuple(
            delivery_of(row) for row in self._connection.rows(query.order_by(*order).limit(most))
        )

    def is_due(self, channel: str) -> bool:
        """Return whether a delivery to the channel is due and the channel is not paused."""
        is_pending = and_(
            _IS_PENDING, delivery.c.channel == channel, delivery.c.due_at <= self._connection.now()
        )
        query = select(delivery.c.finding_id).where(is_pending, ~self._pause(channel))
        return bool(self._connection.rows(query.limit(1)))

    def is_paused(self, channel: str) -> bool:
        """Return whether the channel is paused at its own request."""
        return bool(
            self._connection.rows(select(channel_pause.c.channel).where(self._pause(channel)))
        )

    def pauses(self) -> Mapping[str, datetime]:
        """Return the end of each pause that lasts now, by channel."""
        query = select(channel_pause).where(channel_pause.c.until > self._connection.now())
        return {row.channel: row.until for row in self._connection.rows(query)}

    def _pause(self, channel: str) -> ColumnElement[bool]:
        current_time = self._connection.now()
        return exists().where(
            channel_pause.c.channel == channel, channel_pause.c.until > current_time
        )

    def enqueue(self, finding: int, channel: str, sequence: int, due_at: datetime) -> int | None:
        """Enqueue an event for a channel, and return the pending event that it replaces, if any."""
        delivered = {d.channel: d for d in self.load([finding])}.get(channel)
        if delivered is None:
            row: Columns = {**NOTHING_DELIVERED, "finding_id": finding, "channel": channel}
            self._connection.run(
                insert(delivery).values({**row, **pending_columns(sequence, due_at)})
            )
            return None
        this_delivery = is_delivery(finding, channel)
        self._connection.run(
            update(delivery).where(this_delivery).values(pending_columns(sequence, due_at))
        )
        return delivered.wanted

    def release(self, claim: str, findings: Collection[int]) -> None:
        """Release claimed deliveries that were not tried, so that any deliverer may claim them."""
        for chunk in chunks(findings):
            is_claimed = and_(delivery.c.claim == claim, delivery.c.finding_id.in_(chunk))
            self._connection.run(update(delivery).where(is_claimed).values(UNCLAIMED))

    def enqueue_again(self, channel: str, told_before: datetime) -> None:
        """Enqueue again what the channel received about open problems before ``told_before``."""
        is_informed = and_(delivery.c.told_sequence > 0, delivery.c.told_event != Event.RESOLVED)
        is_idle = and_(
            delivery.c.channel == channel, delivery.c.wanted_sequence.is_(None), is_informed
        )
        statement = update(delivery).where(
            is_idle, delivery.c.told_at <= told_before, ~delivery.c.is_dead
        )
        self._connection.run(
            statement.values(
                pending_columns(0, self._connection.now())
                | {"wanted_sequence": delivery.c.told_sequence}
            )
        )

    def pause(self, channel: str, until: datetime) -> None:
        """Record the pause that a channel asked for, in place of an earlier one."""
        statement = self._connection.upsert(channel_pause).values(channel=channel, until=until)
        self._connection.run(
            statement.on_conflict_do_update(index_elements=["channel"], set_={"until": until})
        )

    def end_pause(self, channel: str) -> None:
        """End the pause of a channel, as a person found that deliveries may go on."""
        self._connection.run(delete(channel_pause).where(channel_pause.c.channel == channel))

    def cancel(self, finding: int, channel: str) -> None:
        """Cancel the pending delivery of a problem to a channel."""
        self._connection.run(
            update(delivery).where(is_delivery(finding, channel)).values(CANCELLED)
        )

    def claim(self, channel: str, claim: str, until: datetime, most: int) -> tuple[Delivery, ...]:
        """Claim the due deliveries of a channel until then, oldest first, none during a pause.

        A batch that was tried before comes first, complete and alone. ``is_claimed`` of a delivery
        means that an earlier deliverer died with its claim.
        """
        current_time = self._connection.now()
        is_free = or_(delivery.c.claimed_until.is_(None), delivery.c.claimed_until <= current_time)
        is_due = and_(
            _IS_PENDING,
            delivery.c.channel == channel,
            delivery.c.due_at <= current_time,
            is_free,
            ~self._pause(channel),
        )
        order = delivery.c.batch.is_(None), delivery.c.due_at, delivery.c.finding_id
        query = select(delivery).where(is_due).order_by(*order)
        rows = list(self._connection.rows(query.limit(most)))
        tried_batch = next((row.batch for row in rows if row.batch is not None), None)
        if tried_batch is not None:
            rows = list(self._connection.rows(query.where(delivery.c.batch == tried_batch)))
        for chunk in chunks([row.finding_id for row in rows]):
            is_selected = and_(delivery.c.channel == channel, delivery.c.finding_id.in_(chunk))
            columns = {
                "claim": claim,
                "claimed_until": until,
                "batch": tried_batch or claim,
                "in_doubt": or_(delivery.c.in_doubt, delivery.c.claim.is_not(None)),
            }
            self._connection.run(update(delivery).where(is_selected).values(columns))
        return tuple(replace(delivery_of(row), batch=tried_batch or claim) for row in rows)

    def mark_delivered(self, claim: str, told: Mapping[int, tuple[int, Event]]) -> None:
        """Record the (sequence, event) that the channel received, by problem, and end the claim.

        A claim that another deliverer has taken over changes nothing.
        """
        columns = {
            "told_sequence": bindparam("number"),
            "told_event": bindparam("happened"),
            "told_at": self._connection.now(),
            "attempts": 0,
            "error": None,
            "is_dead": False,
            "in_doubt": False,
        }
        rows = [{"problem": k, "number": n, "happened": e} for k, (n, e) in told.items()]
        self._connection.run(
            update_of_claim(claim).values({**columns, **NOTHING_PENDING, **UNCLAIMED}), rows
        )

    def mark_failed(
        self,
        claim: str,
        tried: Mapping[int, int],
        error: str,
        due_at: datetime,
        *,
        is_dead: bool,
        in_doubt: bool = False,
    ) -> None:
        """Record that the events ``tried``, by problem, were not delivered, and end the claim.

        They are due again at ``due_at`` in the same batch. With ``is_dead`` they are given up.
        With ``in_doubt`` the channel may have received them.
        """
        values: Columns = {
            "attempts": case((IS_CURRENT, delivery.c.attempts + 1), else_=delivery.c.attempts),
            "error": error,
            "due_at": case((IS_CURRENT, literal(due_at, AwareUtc)), else_=delivery.c.due_at),
            "claim": None,
            "claimed_until": None,
        }
        if in_doubt:
            values["in_doubt"] = True
        if is_dead:
            values |= {
                **NOTHING_PENDING,
                "is_dead": case((IS_CURRENT, True), else_=False),
                "batch": None,
            }
        rows = [{"problem": k, "number": n} for k, n in tried.items()]
        self._connection.run(update_of_claim(claim).values(values), rows)


def delivery_of(row: AnyRow) -> Delivery:
    """Return the delivery of a row."""
    return Delivery(
        row.finding_id,
        row.channel,
        row.told_sequence,
        None if row.told_event is None else Event(row.told_event),
        row.told_at,
        row.wanted_sequence,
        row.due_at,
        row.attempts,
        row.error,
        row.is_dead,
        row.batch,
        row.claim is not None,
        row.in_doubt,
    )
