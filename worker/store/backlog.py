"""What of the outbox is not done, counted and listed; for the doors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sqlalchemy import and_, func, or_, select

from worker.alert_ports import ChannelBacklog, Delivery
from worker.store.alert_tables import delivery, finding_event
from worker.store.deliveries import delivery_of
from worker.store.session import Session

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
