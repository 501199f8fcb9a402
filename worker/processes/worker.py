"""What a worker process works with, from its registration to its end. For the task bodies."""

from __future__ import annotations

from types import TracebackType
from typing import Final, Self

from worker.bootstrap import Ipam
from worker.messaging.dispatcher import Dispatcher
from worker.model.roles import BEAT, Role
from worker.monitoring.heartbeat import ping_if_due
from worker.processes.registration import Registration
from worker.runs.claims import next_in_bulkhead
from worker.runs.engine import Engine, Reading
from worker.runs.recovery import sweep
from worker.runs.retention import prune
from worker.runs.schedule import open_due_run
from worker.runs.server_reader import ServerReader
from worker.telemetry.events import EventRecorder

#: Who finds others faster so often leaves the rest of the slow lane to them.
_LOST_RACES: Final = 3
#: They are not asked to, so they need neither the file of channels nor its secrets.
_TELL_NOBODY: Final = frozenset({Role.READ, Role.ON_DEMAND, BEAT})


class WorkerProcess:
    """A worker process with its registration and its in-flight claims.

    It is a context manager and thread-safe. Raises StoreError and ReadError when it begins.
    """

    def __init__(
        self, ipam: Ipam, dispatcher: Dispatcher, role: str, recorder: EventRecorder
    ) -> None:
        self._store = ipam.store
        self._settings = ipam.settings
        self._dispatcher = dispatcher
        self._timing = ipam.run_policy.timing
        self._reader = ServerReader(ipam.store, ipam.settings)
        self._recorder = recorder
        self._engine = Engine(
            ipam.store,
            dispatcher,
            self._reader,
            ipam.run_policy,
            recorder,
            ipam.settings.concurrency,
        )
        self._registration = Registration(
            ipam.store, dispatcher, role, self._timing, recorder, self._engine.in_flight
        )
        self._deliverer = None if role in _TELL_NOBODY else ipam.deliverer(recorder)

    @property
    def process(self) -> int:
        """Its registration."""
        return self._registration.process

    def __enter__(self) -> Self:
        self._registration.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._reader.close()
        self._registration.__exit__(kind, error, traceback)

    def read(self, run: int, server: int) -> None:
        """Read one server for a run, then judge what that completes.

        Who has had a place in the slow lane goes on with those that wait for one.
        """
        reading = self._read(run, server)
        if reading is None or not reading.is_slow:
            return
        races = 0
        while races < _LOST_RACES and not (
            self._engine.bulkhead.is_full or self._engine.is_stopping
        ):
            next_claim = next_in_bulkhead(self._store)
            if next_claim is None:
                return
            races = 0 if self._read(*next_claim) else races + 1

    def _read(self, run: int, server: int) -> Reading | None:
        reading = self._engine.read(self.process, run, server)
        for number in () if reading is None else reading.runs:
            self._engine.settle(number)
        return reading

    def settle(self, run: int) -> None:
        """Judge what waits, and close the run if nothing does."""
        self._engine.settle(run)

    def sweep(self) -> None:
        """Recover what was lost, forget what is old, and tell whoever listens that all is well."""
        sweep(self._store, self._dispatcher, self._timing, self._recorder)
        self._reader.flush()
        prune(self._store, self._settings.keep_runs, self._recorder)
        ping_if_due(self._store, self._settings, self._recorder)

    def tick(self) -> None:
        """Start a run over who is due."""
        open_due_run(self._store, self._dispatcher, self._timing)

    def deliver(self) -> None:
        """Tell people of problems, where there is a file that says how."""
        if self._deliverer is not None:
            self._deliverer.deliver()

    def stop(self) -> None:
        """End readings now, within a few seconds for their shells. Other processes repeat them."""
        self._engine.stop()
