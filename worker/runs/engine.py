"""The one recipe of a run: open, claim, read, conclude, judge, record, apply, close.

Every door goes through it. A command, a worker and the demo differ in who dispatches: a process to
itself (``worker.processes.inline``), or messages to any worker. Each step is a transaction of its
own that reads the store anew. So a crash between two steps loses nothing: what is left is in the
store, and ``worker.runs.recovery`` dispatches it again.

- open: ``request`` and ``schedule`` write the run and its members.
- claim, read, conclude: ``Engine.read``, once for each member, many at the same time.
- judge, record, apply, close: ``Engine.settle``, by one holder of the run's lease at a time.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

from reconcile.model.nouns import ReadFailure, Seen, Sighting, Unseen
from worker.config.run_policy import RunPolicy
from worker.messaging.dispatcher import Dispatcher
from worker.model.errors import StoreError
from worker.runs.claims import Claimed, claim, conclude, release_claim, send
from worker.runs.concurrency import Bulkhead, InFlightClaims, SingleFlight
from worker.runs.judge import FEWEST, judge_run
from worker.runs.reader import Reader, Source
from worker.runs.write_batcher import WriteBatcher
from worker.store.unit_of_work import Store
from worker.telemetry.events import EventRecorder


@dataclass(frozen=True, slots=True)
class Reading:
    """A reading that has ended: the runs that it answered, which are to be settled now.

    ``is_slow``: it had a place in the slow lane, which is free again.
    """

    runs: tuple[int, ...]
    is_slow: bool


class Engine:
    """The steps of runs, for all threads of one process. Thread-safe."""

    def __init__(
        self,
        store: Store,
        dispatcher: Dispatcher,
        reader: Reader,
        run_policy: RunPolicy,
        recorder: EventRecorder,
        slots: int,
        judged_at_once: int = FEWEST,
    ) -> None:
        self.bulkhead = Bulkhead(slots)
        self.in_flight = InFlightClaims()
        self._store = store
        self._dispatcher = dispatcher
        self._reader = reader
        self._run_policy = run_policy
        self._recorder = recorder
        self._judged_at_once = judged_at_once
        self._batcher = WriteBatcher(store)
        self._settling = SingleFlight()
        self._stopping = threading.Event()

    def read(self, process: int, run: int, server: int) -> Reading | None:
        """Claim a server for a run, read it, and conclude every run that this answers.

        Return None if there is nothing to read, or another process reads it.
        """
        with self.in_flight.holding(run, server):
            claim_key = (run, server)
            claimed = claim(self._batcher, self._reader, self.bulkhead, process, claim_key)
            if claimed is None:
                return None
            try:
                return Reading(self._read(claimed), claimed.is_slow)
            finally:
                if claimed.is_slow:
                    self.bulkhead.leave()

    def _read(self, claimed: Claimed) -> tuple[int, ...]:
        sighting = self._sighting(claimed)
        if self._stopping.is_set() and not isinstance(sighting, Seen):
            release_claim(self._store, self._dispatcher, claimed)
            return ()
        concluded = conclude(self._batcher, self._run_policy, claimed, sighting)
        send(self._dispatcher, concluded)
        return concluded.runs

    def settle(self, run: int) -> None:
        """Judge, record and apply what was concluded, and close the run if nothing is left."""
        self._settling.do(run, lambda: self._settle(run))

    def _settle(self, run: int) -> None:
        fewest = self._judged_at_once
        judge_run(
            self._store,
            self._dispatcher,
            self._run_policy,
            run,
            self._recorder,
            self.in_flight,
            fewest,
        )

    def stop(self) -> None:
        """End readings now, in a few seconds for their shells. Other processes are to do them."""
        self._stopping.set()
        self._reader.close()

    @property
    def is_stopping(self) -> bool:
        """Return whether readings are to end now."""
        return self._stopping.is_set()

    def _sighting(self, claimed: Claimed) -> Sighting | None:
        source = claimed.source
        if source is None:
            return None
        return self._recorder.reading(claimed.server, lambda: self._read_or_fail(claimed, source))

    def _read_or_fail(self, claimed: Claimed, source: Source) -> Sighting:
        try:
            return self._reader.read(claimed.server, source, claimed.names)
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001  # a run must not hang on a mistake of ours
            failure = ReadFailure(
                "internal",
                f"{claimed.server.name}: reading it failed in an unexpected way"
                f" ({type(error).__name__}).",
                "This is a defect of ipam-sync: please report it with the log of the worker.",
                retry=True,
            )
            return Unseen(claimed.server.id, claimed.at, failure)
