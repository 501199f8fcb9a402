"""The inline worker: a process that opens a run and works until it is over, without a broker."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Final, TypeAlias

from collectors.exports import ExportCollector
from worker.bootstrap import Ipam
from worker.config.run_policy import RunPolicy
from worker.model.errors import StoreError
from worker.model.roles import COMMAND
from worker.model.run_report import RunSummary
from worker.model.runs import Lane, RunCounts
from worker.processes.registration import Registration
from worker.runs.concurrency import DatabaseClock
from worker.runs.ending import summary_of
from worker.runs.engine import Engine, Reading
from worker.runs.judge import MOST
from worker.runs.progress import progress_of
from worker.runs.reader import FileReader, Reader
from worker.runs.recovery import sweep
from worker.runs.request import request_run
from worker.runs.server_reader import ServerReader
from worker.runs.targets import RunRequest
from worker.store.unit_of_work import Store
from worker.telemetry.events import EventRecorder

#: How often a watcher sees the progress, and how often the work of other processes is looked at.
_LOOK_SECONDS: Final = 0.25


@dataclass(frozen=True, slots=True)
class _Read:
    run: int
    server: int


@dataclass(frozen=True, slots=True)
class _Settle:
    run: int


_Message: TypeAlias = "_Read | _Settle | Future[Reading | None]"


class InlineDispatcher:
    """Keeps messages for the process that sends them. Thread-safe."""

    def __init__(self) -> None:
        self._messages: SimpleQueue[_Message] = SimpleQueue()

    def read(self, run: int, server: int, lane: Lane) -> None:
        del lane
        self._messages.put(_Read(run, server))

    def settle(self, run: int) -> None:
        self._messages.put(_Settle(run))

    def waiting(self, lane: Lane) -> int | None:
        """Return None, because nothing is known of the messages of other processes."""
        del lane
        return None

    def ended(self, reading: Future[Reading | None]) -> None:
        """Keep the end of a reading."""
        self._messages.put(reading)

    def take(self, seconds: float) -> _Message | None:
        """Return the oldest message, or None if there is none for so long."""
        with suppress(Empty):
            return self._messages.get(timeout=seconds)
        return None


@dataclass(frozen=True, slots=True)
class Inline:
    """How a command works at a run: its reader, and how many servers it reads at a time."""

    store: Store
    run_policy: RunPolicy
    reader: Reader
    lane: Lane
    threads: int
    watch: Callable[[RunCounts], None] | None = None
    recorder: EventRecorder = field(default_factory=EventRecorder)

    def sync(self, request: RunRequest) -> RunSummary:
        """Open a run, work until it is over, and return what it came to.

        A run about everything takes up what processes that died left undone, too. An interrupted
        run ends as interrupted: whoever interrupts a command wants it to stop.
        """
        store, run_policy, recorder = self.store, self.run_policy, self.recorder
        dispatcher = InlineDispatcher()
        # Everything is read before anything is judged, so a few large pieces cost the least.
        engine = Engine(store, dispatcher, self.reader, run_policy, recorder, self.threads, MOST)
        with Registration(
            store, dispatcher, COMMAND, run_policy.timing, recorder, engine.in_flight
        ) as registration:
            run = request_run(store, dispatcher, request, self.lane, registration.process)
            worker = _Worker(self, dispatcher, engine, registration, run)
            try:
                if request.is_about_everything and self.lane is not Lane.FILES:
                    worker.sweep()
                worker.work()
            except BaseException as error:
                _abandon(store, run, error)
                raise
        with store.read() as reading:
            return summary_of(reading, run, run_policy)


def over_winrm(
    ipam: Ipam, watch: Callable[[RunCounts], None] | None = None, threads: int | None = None
) -> Inline:
    """Return an inline worker that contacts servers. Raises ReadError and StoreError."""
    reader = ServerReader(ipam.store, ipam.settings)
    threads = threads or ipam.settings.concurrency
    return Inline(ipam.store, ipam.run_policy, reader, Lane.ON_DEMAND, threads, watch)


def from_files(
    ipam: Ipam, files: ExportCollector, watch: Callable[[RunCounts], None] | None = None
) -> Inline:
    """Return an inline worker that reads exported files."""
    reader = FileReader(files, DatabaseClock(ipam.store))
    threads = ipam.settings.concurrency
    return Inline(ipam.store, ipam.run_policy, reader, Lane.FILES, threads, watch)


@dataclass(slots=True)
class _Worker:
    """The loop of the inline worker: takes messages until the run is over."""

    inline: Inline
    dispatcher: InlineDispatcher
    engine: Engine
    registration: Registration
    run: int
    under_way: int = 0
    to_settle: dict[int, None] = field(default_factory=dict)
    shown_at: float = field(default_factory=time.monotonic)

    def work(self) -> None:
        """Read many servers at a time, and settle whenever there is nothing left to read."""
        pool = ThreadPoolExecutor(self.inline.threads, "read")
        try:
            while not self._is_done(pool):
                pass
        finally:
            self.engine.stop()
            pool.shutdown(cancel_futures=True)

    def sweep(self) -> None:
        """Take up what processes that died left undone."""
        inline = self.inline
        sweep(inline.store, self.dispatcher, inline.run_policy.timing, inline.recorder)

    def _is_done(self, pool: ThreadPoolExecutor) -> bool:
        message = self.dispatcher.take(_LOOK_SECONDS if self.under_way else 0)
        self._show()
        match message:
            case _Read(run, server):
                self.under_way += 1
                process = self.registration.process
                reading = pool.submit(self.engine.read, process, run, server)
                reading.add_done_callback(self.dispatcher.ended)
            case _Settle(run):
                self.to_settle[run] = None
            case Future():
                self.under_way -= 1
                self._settle_others(message.result())
            case None if self.under_way:
                pass
            case None if self.to_settle:
                self.engine.settle(self.to_settle.popitem()[0])
            case None:
                return self._is_over()
        return False

    def _settle_others(self, reading: Reading | None) -> None:
        """Settle the runs of others at once, and this one when nothing is left to read."""
        for run in () if reading is None else reading.runs:
            if run == self.run:
                self.to_settle[run] = None
            else:
                self.engine.settle(run)

    def _is_over(self) -> bool:
        """Return whether the run is over. Else other processes are at it: wait, and look again.

        They may have died, or a message about the run may have gone to them.
        """
        with self.inline.store.read() as reading:
            if reading.runs.find_in_progress(self.run) is None:
                return True
        time.sleep(_LOOK_SECONDS)
        with self.inline.store.read() as reading:
            unclaimed = reading.members.unclaimed(self.run, reading.now())
        for server in unclaimed:
            self.dispatcher.read(self.run, server, self.inline.lane)
        if unclaimed:  # this process itself may count as dead, after its machine stood still
            self.sweep()
        self.dispatcher.settle(self.run)
        return False

    def _show(self) -> None:
        watch = self.inline.watch
        if watch is None or time.monotonic() - self.shown_at < _LOOK_SECONDS:
            return
        self.shown_at = time.monotonic()
        with self.inline.store.read() as reading:
            progress = progress_of(reading, self.run)
        if progress is not None:
            watch(progress)


def _abandon(store: Store, run: int, error: BaseException) -> None:
    """Close a run that ended early. What was committed before stands."""
    outcome = "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
    # One transaction, so that a run is never closed with members left.
    with suppress(StoreError), store.write() as uow:  # the first error is the one to report
        if uow.runs.find_in_progress(run) is not None:
            uow.runs.close(run, outcome, {"error": type(error).__name__})
            uow.members.remove(run)
            uow.commit()
