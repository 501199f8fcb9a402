"""What the threads of a process are at: a claim in the store that is not here was dropped.

A thread may fail between claiming a server and telling what it read, for want of a database.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager


class InHand:
    """(run, server) of the readings that are under way; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: Counter[tuple[int, int]] = Counter()

    @contextmanager
    def holding(self, run: int, server: int) -> Iterator[None]:
        """From before it is claimed until it is concluded, or given up."""
        with self._lock:
            self._held[run, server] += 1
        try:
            yield
        finally:
            with self._lock:
                self._held[run, server] -= 1

    def now(self) -> frozenset[tuple[int, int]]:
        """To be asked within the transaction that looks at claims: each of them was held before."""
        with self._lock:
            self._held = +self._held
            return frozenset(self._held)
