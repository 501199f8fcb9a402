"""A simulated fleet, an IPAM, and workers that are threads of the test: messages are a list.

What real processes and a real broker do to it is tested elsewhere; here the order of everything is
in the test's hands.
"""

from __future__ import annotations

import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeAlias

from collectors.simulator.fleet import Fleet
from collectors.simulator.running import Listener, RunningFleet
from reconcile.model.record import Entry, EntryStatus, Record
from tests.worker.pristine import in_new_store
from worker.bootstrap import Ipam, opened
from worker.config.settings import Settings
from worker.demo.simulation.papers import write_papers
from worker.inventory.file import read_inventory
from worker.inventory.importer import import_inventory
from worker.model.operations import EntryFilter
from worker.model.run_report import RunSummary
from worker.model.runs import Lane, Trigger
from worker.processes.worker import WorkerProcess
from worker.runs.ending import summary_of
from worker.runs.record import RecordedBatch
from worker.runs.request import request_run
from worker.runs.targets import RunRequest
from worker.store.tables.columns import AwareUtc, metadata
from worker.store.tables.failover import audit
from worker.store.unit_of_work import Store
from worker.telemetry.events import EventRecorder

_LONG_AGO = "2020-01-01T00:00:00.000000Z"

#: ("read", run, server) or ("settle", run).
Message: TypeAlias = tuple[str, int, int]


@dataclass
class HeldMessages:
    """A Post that keeps messages until a test hands them out; ``sent`` is all that ever came."""

    waiting_now: deque[Message] = field(default_factory=deque)
    sent: list[Message] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def read(self, run: int, server: int, lane: Lane) -> None:
        del lane
        self._put(("read", run, server))

    def settle(self, run: int) -> None:
        self._put(("settle", run, 0))

    def waiting(self, lane: Lane) -> int | None:
        del lane
        return len(self.waiting_now)

    def _put(self, message: Message) -> None:
        with self.lock:
            self.waiting_now.append(message)
            self.sent.append(message)

    def take(self) -> Message | None:
        """The oldest message, None if there is none."""
        with self.lock:
            return self.waiting_now.popleft() if self.waiting_now else None


def lane_of(trigger: Trigger) -> Lane:
    """The queue that readings of such a run go to."""
    return Lane.READ if trigger is Trigger.SCHEDULE else Lane.ON_DEMAND


@dataclass
class Office:
    """``work`` hands out messages until there are none."""

    ipam: Ipam
    running: RunningFleet
    dispatcher: HeldMessages
    worker_processes: list[WorkerProcess]
    recorder: EventRecorder

    def ask(self, trigger: Trigger = Trigger.CLI, **about: str) -> int:
        """Somebody wants a run."""
        request = RunRequest(trigger, "tester", **about)
        return request_run(self.ipam.store, self.dispatcher, request, lane_of(trigger))

    def run(self, trigger: Trigger = Trigger.CLI, **about: str) -> RunSummary:
        """A run from its request to its end."""
        number = self.ask(trigger, **about)
        self.work()
        return self.summary(number)

    def summary(self, run: int) -> RunSummary:
        """What it came to; it must be over."""
        with self.ipam.store.read() as reading:
            told = reading.runs.find(run)
            assert told is not None
            assert told.outcome == "done", told
            return summary_of(reading, run, self.ipam.run_policy)

    def work(self, threads: int = 4) -> None:
        """All messages, by several threads and every crew in turn."""
        failures: list[BaseException] = []

        def one(worker_process: WorkerProcess) -> None:
            try:
                while (message := self.dispatcher.take()) is not None:
                    handle(worker_process, message)
            except BaseException as error:  # noqa: BLE001 - told by the test's own thread
                failures.append(error)

        while self.dispatcher.waiting_now and not failures:
            workers = [
                threading.Thread(
                    target=one, args=(self.worker_processes[n % len(self.worker_processes)],)
                )
                for n in range(threads)
            ]
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join()
        if failures:
            raise failures[0]

    def records(self) -> tuple[Record, ...]:
        """Everything stored."""
        with self.ipam.store.read() as reading:
            return reading.records.load()

    def entries(self) -> list[tuple[Entry, int]]:
        """All lines that were ever written, with their runs."""
        every = EntryFilter(statuses=tuple(EntryStatus))
        with self.ipam.store.read() as reading:
            return [(view.entry, view.run) for view in reading.views.operations(every)]

    def sql(self, statement: str) -> list[tuple[object, ...]]:
        """Look into the SQLite file, or change it behind the program's back."""
        with closing(sqlite3.connect(self._file)) as connection, connection:
            return connection.execute(statement).fetchall()

    def long_ago(self, table: str, *columns: str, where: str = "true") -> None:
        """Let the times in these columns be of long ago."""
        times = ", ".join(f"{column} = '{_LONG_AGO}'" for column in columns)
        self.sql(f"UPDATE {table} SET {times} WHERE {where}")  # noqa: S608 - our own tables

    def later(self, by: timedelta) -> None:
        """Let so much time pass: all that is stored is older by it, and the processes live on."""

        def older(stored: str | None) -> str | None:
            return None if stored is None else _stored(datetime.fromisoformat(stored) - by)

        with closing(sqlite3.connect(self._file)) as connection, connection:
            connection.create_function("older", 1, older, deterministic=True)
            for table in metadata.sorted_tables:
                if table is audit:  # it lets nobody change it
                    continue
                times = [c.name for c in table.c if isinstance(c.type, AwareUtc)]
                if times:
                    moved = ", ".join(f"{time} = older({time})" for time in times)
                    connection.execute(f"UPDATE {table.name} SET {moved}")  # noqa: S608 - our own tables
            connection.execute("UPDATE writer SET inventory = inventory + 1")  # it has times, too
        for worker_process in self.worker_processes:
            worker_process._registration.renew()

    @property
    def _file(self) -> str:
        return self.ipam.settings.database_url.removeprefix("sqlite:///")

    def open_shells(self) -> int:
        """On all servers."""
        return self.running.simulator.open_shells()


def _stored(moment: datetime) -> str:
    """As SQLite keeps it."""
    return moment.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def handle(worker_process: WorkerProcess, message: Message) -> None:
    """What a worker does with a message."""
    kind, run, server = message
    if kind == "read":
        worker_process.read(run, server)
    else:
        worker_process.settle(run)


@contextmanager
def office(
    directory: Path,
    fleet: Fleet,
    listeners: Mapping[str, Listener] | None = None,
    *,
    database_url: str | None = None,
    worker_processes: int = 1,
    prepare: Callable[[RunningFleet], None] = lambda _: None,
    **settings: object,
) -> Iterator[Office]:
    """An office that knows the fleet's servers."""
    with RunningFleet(fleet, listeners) as running, ExitStack() as stack:
        papers = write_papers(running, directory / "papers")
        prepare(running)
        given = {
            "database_url": database_url or in_new_store(directory / "office.db"),
            "ca_file": papers.authority,
            "poll_deadline": timedelta(seconds=10),
            **settings,
        }
        ipam = stack.enter_context(opened(Settings(**given)))  # type: ignore[arg-type]  # per test
        with ipam.store.write() as uow:
            import_inventory(uow, read_inventory(papers.inventory))
            uow.commit()
        dispatcher, recorder = HeldMessages(), EventRecorder()
        workers = [
            stack.enter_context(WorkerProcess(ipam, dispatcher, "all", recorder))
            for _ in range(worker_processes)
        ]
        yield Office(ipam, running, dispatcher, workers, recorder)


def told(records: tuple[Record, ...]) -> dict[str, Record]:
    """Records without what depends on when they were made."""
    return {r.relationship_name: replace(r, key=0, changed_at=None) for r in records}


class Killed(BaseException):
    """A process dies at this point."""


def die_before_applying(_: Store, written: RecordedBatch, *__: object) -> None:
    """In place of ``judge._apply``: what is recorded is committed, and nothing applied."""
    if written.needs:
        raise Killed
