"""Servers that failed last time are read in a lane of their own, so that they delay nobody else.

One for a process: at most a quarter of its slots wait for servers that may not answer.
"""

from __future__ import annotations

import threading
from typing import Final

#: One place in the lane for so many slots.
_SHARE: Final = 4


class SlowLane:
    """Has at least one place; thread-safe."""

    def __init__(self, slots: int) -> None:
        self._lock = threading.Lock()
        self._free = max(1, slots // _SHARE)

    @property
    def is_full(self) -> bool:
        """Who is in it goes on with those that wait."""
        return self._free == 0

    def enter(self) -> bool:
        """False if it is full."""
        with self._lock:
            has_room = self._free > 0
            self._free -= has_room
        return has_room

    def leave(self) -> None:
        """For who entered."""
        with self._lock:
            self._free += 1
