"""What each channel knows of problems, and what it is to be told: the other half of the outbox."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

from sqlalchemy import (
    ColumnElement,
    Update,
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

from reconcile.findings.life import Event
from worker.model.alerts import ChannelBacklog, Delivery
from worker.store.connection import AnyRow, Session, chunks
from worker.store.repositories.codecs import Columns
from worker.store.tables.alerts import channel_pause, delivery, finding_event
from worker.store.tables.columns import AwareUtc

_WANTED: Final = delivery.c.wanted_sequence.is_not(None)


class DeliveryReading(Session):
    """Looks at it."""

    def deliveries(
        self, findings: Collection[int] | None = None, *, undone: bool = False
    ) -> tuple[Delivery, ...]:
        asked = select(delivery).order_by(delivery.c.channel, delivery.c.finding_id)
        if undone:
            asked = asked.where(or_(_WANTED, delivery.c.is_dead))
        if findings is None:
            return tuple(delivery_of(row) for row in self._rows(asked))
        return tuple(
            delivery_of(row)
            for chunk in chunks(findings)
            for row in self._rows(asked.where(delivery.c.finding_id.in_(chunk)))
        )

    def is_due(self, channel: str) -> bool:
        due = and_(_WANTED, delivery.c.channel == channel, delivery.c.due_at <= self.now())
        asked = select(delivery.c.finding_id).where(due, ~self._pause(channel))
        return bool(self._rows(asked.limit(1)))

    def is_paused(self, channel: str) -> bool:
        return bool(self._rows(select(channel_pause.c.channel).where(self._pause(channel))))

    def pauses(self) -> Mapping[str, datetime]:
        asked = select(channel_pause).where(channel_pause.c.until > self.now())
        return {row.channel: row.until for row in self._rows(asked)}

    def _pause(self, channel: str) -> ColumnElement[bool]:
        now = self.now()
        return exists().where(channel_pause.c.channel == channel, channel_pause.c.until > now)


class DeliveryWriting(DeliveryReading):
    """Says what is to be told, who is at it, and what was told."""

    def want(self, finding: int, channel: str, sequence: int, due_at: datetime) -> int | None:
        known = {d.channel: d for d in self.deliveries([finding])}.get(channel)
        if known is None:
            row: Columns = {**_NEVER_TOLD, "finding_id": finding, "channel": channel}
            self._run(insert(delivery).values({**row, **_wanted(sequence, due_at)}))
            return None
        this = _this(finding, channel)
        self._run(update(delivery).where(this).values(_wanted(sequence, due_at)))
        return known.wanted

    def let_go(self, claim: str, findings: Collection[int]) -> None:
        for chunk in chunks(findings):
            mine = and_(delivery.c.claim == claim, delivery.c.finding_id.in_(chunk))
            self._run(update(delivery).where(mine).values(_FREE))

    def want_again(self, channel: str, told_before: datetime) -> None:
        known = and_(delivery.c.told_sequence > 0, delivery.c.told_event != Event.RESOLVED)
        idle = and_(delivery.c.channel == channel, delivery.c.wanted_sequence.is_(None), known)
        old = update(delivery).where(idle, delivery.c.told_at <= told_before, ~delivery.c.is_dead)
        self._run(
            old.values(_wanted(0, self.now()) | {"wanted_sequence": delivery.c.told_sequence})
        )

    def pause(self, channel: str, until: datetime) -> None:
        asked = self._upsert(channel_pause).values(channel=channel, until=until)
        self._run(asked.on_conflict_do_update(index_elements=["channel"], set_={"until": until}))

    def end_pause(self, channel: str) -> None:
        self._run(delete(channel_pause).where(channel_pause.c.channel == channel))

    def drop(self, finding: int, channel: str) -> None:
        self._run(update(delivery).where(_this(finding, channel)).values(_NOT_WANTED))

    def claim_deliveries(
        self, channel: str, claim: str, until: datetime, most: int
    ) -> tuple[Delivery, ...]:
        now = self.now()
        free = or_(delivery.c.claimed_until.is_(None), delivery.c.claimed_until <= now)
        due = and_(
            _WANTED,
            delivery.c.channel == channel,
            delivery.c.due_at <= now,
            free,
            ~self._pause(channel),
        )
        order = delivery.c.batch.is_(None), delivery.c.due_at, delivery.c.finding_id
        asked = select(delivery).where(due).order_by(*order)
        rows = list(self._rows(asked.limit(most)))
        died = next((row.batch for row in rows if row.batch is not None), None)
        if died is not None:
            rows = list(self._rows(asked.where(delivery.c.batch == died)))
        for chunk in chunks([row.finding_id for row in rows]):
            mine = and_(delivery.c.channel == channel, delivery.c.finding_id.in_(chunk))
            claimed = {
                "claim": claim,
                "claimed_until": until,
                "batch": died or claim,
                "in_doubt": or_(delivery.c.in_doubt, delivery.c.claim.is_not(None)),
            }
            self._run(update(delivery).where(mine).values(claimed))
        return tuple(replace(delivery_of(row), batch=died or claim) for row in rows)

    def delivered(self, claim: str, told: Mapping[int, tuple[int, Event]]) -> None:
        known = {
            "told_sequence": bindparam("number"),
            "told_event": bindparam("happened"),
            "told_at": self.now(),
            "attempts": 0,
            "error": None,
            "is_dead": False,
            "in_doubt": False,
        }
        rows = [{"problem": k, "number": n, "happened": e} for k, (n, e) in told.items()]
        self._run(_of_claim(claim).values({**known, **_DONE, **_FREE}), rows)

    def undelivered(
        self,
        claim: str,
        tried: Mapping[int, int],
        error: str,
        due_at: datetime,
        *,
        is_dead: bool,
        in_doubt: bool = False,
    ) -> None:
        values: Columns = {
            "attempts": case((_IS_THIS, delivery.c.attempts + 1), else_=delivery.c.attempts),
            "error": error,
            "due_at": case((_IS_THIS, literal(due_at, AwareUtc)), else_=delivery.c.due_at),
            "claim": None,
            "claimed_until": None,
        }
        if in_doubt:
            values["in_doubt"] = True
        if is_dead:
            values |= {**_DONE, "is_dead": case((_IS_THIS, True), else_=False), "batch": None}
        rows = [{"problem": k, "number": n} for k, n in tried.items()]
        self._run(_of_claim(claim).values(values), rows)


#: What was tried is still what is wanted: nothing new happened meanwhile.
_IS_THIS: Final = delivery.c.wanted_sequence == bindparam("number")
_DONE: Final[Columns] = {
    "wanted_sequence": case((_IS_THIS, None), else_=delivery.c.wanted_sequence)
}
_FREE: Final[Columns] = {"claim": None, "claimed_until": None, "batch": None}
_NOT_WANTED: Final[Columns] = {"wanted_sequence": None, "is_dead": False, **_FREE}
_NEVER_TOLD: Final[Columns] = {
    "told_sequence": 0,
    "told_event": None,
    "told_at": None,
    "in_doubt": False,
}


def _wanted(sequence: int, due_at: datetime) -> Columns:
    """What waited before is not wanted any more; the new one has every attempt, and is no part of
    a message that may have arrived already.
    """
    return {
        "wanted_sequence": sequence,
        "due_at": due_at,
        "attempts": 0,
        "error": None,
        "is_dead": False,
        "batch": None,
    }


def _this(finding: int, channel: str) -> ColumnElement[bool]:
    return and_(delivery.c.finding_id == finding, delivery.c.channel == channel)


def _of_claim(claim: str) -> Update:
    mine = and_(delivery.c.claim == claim, delivery.c.finding_id == bindparam("problem"))
    return update(delivery).where(mine)


def delivery_of(row: AnyRow) -> Delivery:
    """As it is in its row."""
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


_WAITS: Final = delivery.c.wanted_sequence.is_not(None)
_GIVEN_UP: Final = and_(~_WAITS, delivery.c.is_dead)
_FAILED: Final = and_(_WAITS, delivery.c.attempts > 0)


class BacklogReading(Session):
    """Looks at it; a statement each, and no more rows than are asked for."""

    def backlogs(self) -> Mapping[str, ChannelBacklog]:
        asked = select(
            delivery.c.channel,
            func.count().filter(_WAITS).label("waits"),
            func.count().filter(_FAILED).label("failed"),
            func.count().filter(_GIVEN_UP).label("given_up"),
            func.max(delivery.c.told_at).label("told_at"),
        ).group_by(delivery.c.channel)
        return {
            row.channel: ChannelBacklog(row.waits, row.failed, row.given_up, row.told_at)
            for row in self._rows(asked)
        }

    def undone(
        self, most: int, *, channel: str | None = None, dead: bool = False
    ) -> tuple[Delivery, ...]:
        asked = select(delivery).where(_GIVEN_UP if dead else or_(_WAITS, _GIVEN_UP))
        if channel is not None:
            asked = asked.where(delivery.c.channel == channel)
        order = (delivery.c.is_dead, delivery.c.due_at, delivery.c.finding_id, delivery.c.channel)
        return tuple(delivery_of(row) for row in self._rows(asked.order_by(*order).limit(most)))

    def undecided(self) -> int:
        waiting = finding_event.c.outcome.is_(None)
        (row,) = self._rows(select(func.count().label("events")).where(waiting))
        count: int = row.events
        return count
