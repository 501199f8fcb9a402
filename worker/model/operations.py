"""OperationTracker: what the database needs, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from reconcile.model.record import Entry, EntryStatus


@dataclass(frozen=True, slots=True)
class EntryView:
    """A line of OperationTracker with its life.

    ``evidence_at`` is derived: the oldest of its witnesses' latest readings by the run that
    recorded it or a later one about everything; None if there is a witness without one, or none.
    """

    entry: Entry
    run: int
    recorded_at: datetime
    evidence_at: datetime | None
    decided_at: datetime | None = None
    decided_by: str | None = None
    stands_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class EntryFilter:
    """A filter of OperationTracker. Everything given must hold. None (no statuses) means all."""

    numbers: tuple[int, ...] | None = None
    run: int | None = None
    server: int | None = None
    records: tuple[int, ...] | None = None
    operation: str | None = None
    statuses: tuple[EntryStatus, ...] = (EntryStatus.PENDING,)
