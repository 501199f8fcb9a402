"""Columns and conditions of deliveries, shared by the statements that change their state."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Update, and_, bindparam, case, update

from worker.store.repositories.codecs import Columns
from worker.store.tables.alerts import delivery

#: The event that was tried is still the pending one: no newer event has replaced it.
IS_CURRENT: Final = delivery.c.wanted_sequence == bindparam("number")
NOTHING_PENDING: Final[Columns] = {
    "wanted_sequence": case((IS_CURRENT, None), else_=delivery.c.wanted_sequence)
}
UNCLAIMED: Final[Columns] = {"claim": None, "claimed_until": None, "batch": None}
CANCELLED: Final[Columns] = {"wanted_sequence": None, "is_dead": False, **UNCLAIMED}
NOTHING_DELIVERED: Final[Columns] = {
    "told_sequence": 0,
    "told_event": None,
    "told_at": None,
    "in_doubt": False,
}


def pending_columns(sequence: int, due_at: datetime) -> Columns:
    """Return the columns of a newly pending event.

    The event replaces an earlier pending one and starts with no attempts. It leaves the batch,
    because the message of that batch may have arrived already.
    """
    return {
        "wanted_sequence": sequence,
        "due_at": due_at,
        "attempts": 0,
        "error": None,
        "is_dead": False,
        "batch": None,
    }


def is_delivery(finding: int, channel: str) -> ColumnElement[bool]:
    """Return the condition for the delivery of a problem to a channel."""
    return and_(delivery.c.finding_id == finding, delivery.c.channel == channel)


def update_of_claim(claim: str) -> Update:
    """Return an UPDATE of claimed deliveries, with the parameter ``problem`` for each row."""
    is_claimed = and_(delivery.c.claim == claim, delivery.c.finding_id == bindparam("problem"))
    return update(delivery).where(is_claimed)
