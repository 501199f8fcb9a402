"""What the threads of a process share: claims in flight, single flight, bulkhead, clock."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Final

from worker.store.unit_of_work import Store


class InFlightClaims:
    """The claims of this process that are in flight, as (run, server). Thread-safe.

    A claim in the store that is not here was dropped: a thread may fail between the claim and the
    conclusion for want of a database.
    """

    def __init__(self) -> None:
        # A condition rather than a lock, because the judge waits for the last reading to end.
        self._changed = threading.Condition()
        self._held: Counter[tuple[int, int]] = Counter()

    @contextmanager
    def holding(self, run: int, server: int) -> Iterator[None]:
        """Hold a claim from before it is in the store until it is concluded, or given up."""
        with self._changed:
            self._held[run, server] += 1
        try:
            yield
        finally:
            with self._changed:
                # Entries with zero stay until `now` removes them. Removal here would cost each
                # reading.
                self._held[run, server] -= 1
                self._changed.notify_all()

    def now(self) -> frozenset[tuple[int, int]]:
        """Return the claims in flight.

        Call it within the transaction that looks at claims, so that each of them is here before.
        """
        with self._changed:
            # A Counter's unary plus drops the entries that are zero.
            self._held = +self._held
            return frozenset(self._held)

    def wait(self, run: int, seconds: float) -> bool:
        """Wait until no claim of a run is in flight. Return False if that takes longer."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._has(run), seconds)

    def _has(self, run: int) -> bool:
        return any(count and held == run for (held, _), count in self._held.items())


class SingleFlight:
    """Runs a function once at a time by key, or makes the running thread run it once more.

    Thread-safe. If the function fails, recovery does what is left undone.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # A key is here while a thread runs its function. True means once more.
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
            # The check and the removal share the lock. Otherwise a wish in between would be lost.
            if self._again[key]:
                self._again[key] = False
                return True
            del self._again[key]
            return False


# Servers that failed last time are read in a lane of their own, so that they delay nobody else.
#
# One for a process: at most a quarter of its slots wait for servers that may not answer.

#: One place in the lane for so many slots.
_SHARE: Final = 4


class Bulkhead:
    """Limits the threads that read slow servers. It has at least one place. Thread-safe."""

    def __init__(self, slots: int) -> None:
        self._lock = threading.Lock()
        # At least one, or slow servers would never be read.
        self._free = max(1, slots // _SHARE)

    @property
    def is_full(self) -> bool:
        """Return whether no place is free. A thread in it goes on with the servers that wait."""
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


#: Between two questions the time that passed here is added; no clock drifts much in that time.
_FRESH_SECONDS: Final = 30.0


class DatabaseClock:
    """The time of the database, never later than it is there: rule R1 dates readings by it.

    ``passing`` counts the seconds that pass here.
    """

    def __init__(self, store: Store, passing: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._passing = passing
        # One thread asks the database, and the others wait for its answer.
        self._lock = threading.Lock()
        self._at = datetime.min.replace(tzinfo=UTC)
        self._asked: float | None = None

    def __call__(self) -> datetime:
        with self._lock:
            passed = None if self._asked is None else self._passing() - self._asked
            if passed is None or passed > _FRESH_SECONDS:
                with self._store.read() as reading:
                    self._at = reading.now()
                # After the answer came: what the question took counts as not passed yet.
                self._asked, passed = self._passing(), 0.0
            return self._at + timedelta(seconds=passed)
