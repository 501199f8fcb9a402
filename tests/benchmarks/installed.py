"""An installation to be measured: PostgreSQL, a broker, and workers that count their SQL.

The simulated servers are a process of their own, whose time and memory are in no figure.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import reduce
from itertools import count
from pathlib import Path
from typing import Final

from tests.benchmarks.counting import Sql
from tests.benchmarks.resources import peak_memory
from tests.homes import home
from tests.postgres import PostgresServer
from tests.processes import eventually
from tests.valkey import ValkeyServer, running_valkey
from tests.worker.runs.office import lane_of
from worker.bootstrap import Ipam, opened, settings_in_force
from worker.inventory.file import read_inventory
from worker.inventory.importer import import_inventory
from worker.messaging.celery_app import CeleryDispatcher, make_app
from worker.model.runs import Poll, Trigger
from worker.runs.request import request_run
from worker.runs.targets import RunRequest
from worker.up.child import ChildProgram, start

_PROJECT: Final = Path(__file__).parents[2]
#: Longer than any benchmark, so that no schedule comes in between.
_NEVER: Final = timedelta(hours=4)
#: How often it is looked whether a run is over: each look costs the time that is measured.
_LOOK_SECONDS: Final = 0.01
_OF_WHAT_PASSED: Final = 0.01
_LONGEST_SECONDS: Final = 600.0


@dataclass(frozen=True, slots=True)
class Figures:
    """What a run cost: messages over the broker, SQL of all workers."""

    seconds: float
    messages: int
    sql: Sql
    pairs: int
    operations: int


@dataclass
class Installed:
    """Its workers by name."""

    directory: Path
    ipam: Ipam
    broker: ValkeyServer
    environment: Mapping[str, str]
    staff: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def command(self, name: str, *words: str) -> tuple[str, ...]:
        """An ``ipam-sync`` that counts."""
        file = str(self.directory / f"{name}.sql")
        return (sys.executable, "-P", "-m", "tests.benchmarks.counting", file, *words)

    def hire(self, role: str, *, concurrency: int) -> None:
        """Another worker of this role."""
        name = f"{role}-{next(self._numbers)}"
        self.staff[name] = start(
            ChildProgram(
                name,
                self.command(name, "worker", "--role", role),
                environment={**self.environment, "IPAM_SYNC_CONCURRENCY": str(concurrency)},
                log=self.directory / f"{name}.log",
            )
        )

    def wait_until_ready(self) -> None:
        """All take messages."""
        logs = [self.directory / f"{name}.log" for name in self.staff]
        eventually(lambda: all("process started" in log.read_text() for log in logs))

    def dismiss(self) -> None:
        """All end."""
        for process in self.staff.values():
            process.send_signal(signal.SIGTERM)
        for process in self.staff.values():
            process.wait()
        self.staff.clear()

    def ask(self, trigger: Trigger, **about: str) -> int:
        """A run, as timer and people start one."""
        dispatcher = CeleryDispatcher(make_app(self.broker.celery_url))
        return request_run(
            self.ipam.store, dispatcher, RunRequest(trigger, "bench", **about), lane_of(trigger)
        )

    def run(self, trigger: Trigger, **about: str) -> Figures:
        """From the request to the end."""
        messages, sql = self._messages(), self._sql()
        began = time.perf_counter()
        run = self.ask(trigger, **about)
        summary = self.follow(run)
        seconds = time.perf_counter() - began
        return Figures(
            seconds,
            self._messages() - messages,
            self._sql() - sql,
            int(str(summary["pairs"])),
            int(str(summary["operations_new"])),
        )

    def follow(self, run: int) -> Mapping[str, object]:
        """Wait for its end; its numbers."""
        began = time.monotonic()
        while (passed := time.monotonic() - began) < _LONGEST_SECONDS:
            with self.ipam.store.read() as reading:
                told = reading.runs.find(run)
            if told is not None and told.outcome is not None:
                assert told.outcome == "done", told
                return told.summary
            time.sleep(max(_LOOK_SECONDS, passed * _OF_WHAT_PASSED))
        raise AssertionError(f"run {run} is not over in {_LONGEST_SECONDS:.0f} s")

    def peak_megabytes(self) -> float:
        """Of the worker that needed most since it started."""
        return max(peak_memory(process.pid) for process in self.staff.values())

    def _messages(self) -> int:
        """So many were ever put into a queue."""
        told = self.broker.client().info("commandstats")
        return int(told.get("cmdstat_lpush", {}).get("calls", 0))

    def _sql(self) -> Sql:
        counted = (Sql.of(self.directory / f"{name}.sql") for name in self.staff)
        return reduce(Sql.__add__, counted, Sql(0, 0, 0))


@contextmanager
def installed(authority: Path, postgres: PostgresServer, **settings: str) -> Iterator[Installed]:
    """IPAM knows the servers of the inventory beside ``authority``; nobody works yet."""
    with ExitStack() as stack:
        directory = stack.enter_context(home("bench"))
        database = stack.enter_context(postgres.database())
        broker = stack.enter_context(running_valkey())
        given = {
            "DATABASE_URL": postgres.url(database),
            "BROKER_URL": broker.url,
            "CA_FILE": str(authority),
            "LOG_LEVEL": "info",
            **settings,
        }
        named = {f"IPAM_SYNC_{name}": value for name, value in given.items()}
        own = {k: v for k, v in os.environ.items() if not k.startswith("IPAM_SYNC_")}
        ipam = stack.enter_context(opened(settings_in_force(named)))
        with ipam.store.write() as uow:
            import_inventory(uow, read_inventory(authority.with_name("inventory.yaml")))
            for server in uow.inventory.servers():
                uow.schedule.save([Poll(server.id, uow.now() + _NEVER)])
            uow.commit()
        environment = {**own, **named, "PYTHONPATH": str(_PROJECT)}
        here = Installed(directory, ipam, broker, environment)
        try:
            yield here
        finally:
            here.dismiss()
