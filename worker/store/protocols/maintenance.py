"""Reads and keeps maintenance: asking, judging and applying look here."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Protocol

from worker.model.maintenance import Window


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
