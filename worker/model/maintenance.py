"""Maintenance: servers and relationships that a person has left alone for a while."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from reconcile.model.names import fold_relationship


@dataclass(frozen=True, slots=True)
class Window:
    """A time in which a server is not asked, or, if one is named, a relationship of it not judged.

    ``who`` began it, ``ended_by`` ended it before its time.
    """

    id: int
    server: int
    relationship: str | None
    starts_at: datetime
    ends_at: datetime
    note: str
    who: str
    ended_by: str | None = None


def resting(windows: Iterable[Window]) -> frozenset[int]:
    """Servers that are not asked."""
    return frozenset(w.server for w in windows if w.relationship is None)


def paused(windows: Iterable[Window]) -> frozenset[tuple[str, int]]:
    """Relationships that are not judged: (folded name, one of the partners)."""
    return frozenset(
        (fold_relationship(w.relationship), w.server) for w in windows if w.relationship is not None
    )
