"""Maintenance: servers and relationships that a person has left alone for a while.

Part of the ports of ``worker.ports``; asking, judging and applying look here, ``worker.store``
keeps it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from reconcile.names import fold_relationship


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


class WindowsReading(Protocol):
    """Looks at maintenance windows."""

    def open_windows(self) -> tuple[Window, ...]:
        """Those that are open now, by the database's clock; by id."""

    def windows(self, *, over: bool = False) -> tuple[Window, ...]:
        """Those that are open or still to come, and with ``over`` all there ever were; by id."""

    def rested(self, servers: Collection[int]) -> Mapping[int, datetime]:
        """When the last window of each server ended, or the open one will; who had none is left out."""


class WindowsKeeping(Protocol):
    """Opens and ends them; what is over is kept."""

    def add_window(self, window: Window) -> int:
        """Its id; the one in ``window`` is ignored."""

    def end_window(self, window: int, who: str) -> bool:
        """End it now; False if it was over."""


def resting(windows: Iterable[Window]) -> frozenset[int]:
    """Servers that are not asked."""
    return frozenset(w.server for w in windows if w.relationship is None)


def paused(windows: Iterable[Window]) -> frozenset[tuple[str, int]]:
    """Relationships that are not judged: (folded name, one of the partners)."""
    return frozenset(
        (fold_relationship(w.relationship), w.server) for w in windows if w.relationship is not None
    )
