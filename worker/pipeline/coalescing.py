"""One thread of a process does a thing at a time; who wants it meanwhile has it done once more."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Coalescing:
    """By key; thread-safe.  The work begins again after every wish, unless it fails: what is left
    undone then is for the sweeper.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._again: dict[int, bool] = {}

    def do(self, key: int, work: Callable[[], None]) -> None:
        """Do it, or have the thread that is at it do it once more. Raises what ``work`` raises."""
        with self._lock:
            if key in self._again:
                self._again[key] = True
                return
            self._again[key] = True
        try:
            while self._is_wanted(key):
                work()
        except BaseException:
            with self._lock:
                self._again.pop(key, None)
            raise

    def _is_wanted(self, key: int) -> bool:
        with self._lock:
            if self._again[key]:
                self._again[key] = False
                return True
            del self._again[key]
            return False
