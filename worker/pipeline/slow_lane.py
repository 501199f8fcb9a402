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
        self._places = threading.BoundedSemaphore(max(1, slots // _SHARE))

    def enter(self) -> bool:
        """False if it is full."""
        return self._places.acquire(blocking=False)

    def leave(self) -> None:
        """For who entered."""
        self._places.release()
