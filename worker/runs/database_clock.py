"""The database's clock for many threads, without a question to the database for each reading."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from worker.store.unit_of_work import Store

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
