"""Everything that runs in production, as processes of a test that may be killed one by one.

The fleet is the simulated one, over real sockets; broker, database and workers are processes.
Who is killed is hired again, as ``ipam-sync up``, systemd or an orchestrator would.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Final

from collectors.simulator.fleet import Fleet
from collectors.simulator.running import Listener, RunningFleet
from reconcile.model.record import Entry, EntryStatus, Record
from tests.e2e.bad_days.nursery import Process
from tests.homes import home
from tests.processes import PATIENCE_SECONDS, Family, eventually
from tests.valkey import ValkeyServer
from tests.worker.pristine import in_new_store
from tests.worker.runs.office import lane_of
from worker.bootstrap import Ipam, opened, settings_in_force
from worker.demo.simulation.papers import write_papers
from worker.inventory.file import read_inventory
from worker.inventory.importer import import_inventory
from worker.messaging.celery_app import CeleryDispatcher, make_app
from worker.model.operations import EntryFilter
from worker.model.run_report import RunSummary
from worker.model.runs import Poll, Trigger
from worker.runs.ending import summary_of
from worker.runs.request import request_run
from worker.runs.targets import RunRequest
from worker.up.child import ChildProgram, our_own, start

#: Short, so that who is killed is soon missed.  No schedule comes in between.
LEASE, SWEEP, NEVER = timedelta(seconds=2), timedelta(seconds=1), timedelta(hours=1)
ROLES: Final = ("read", "on-demand", "control")
_PROJECT: Final = Path(__file__).parents[3]


@dataclass
class Installation:
    """``staff`` are its processes by name."""

    directory: Path
    running: RunningFleet
    broker: ValkeyServer
    ipam: Ipam
    environment: dict[str, str]
    begin: Callable[[ChildProgram], Process]
    staff: dict[str, Process] = field(default_factory=dict)
    _programs: dict[str, ChildProgram] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    # ------------------------------------------------------------------------- processes

    def hire(self, *words: str, command: tuple[str, ...] = (), **environ: str) -> str:
        """A worker or a beat, as its name; ``command`` is another way to run ``ipam-sync``."""
        program = ChildProgram(
            words[-1],
            (*command, *words) if command else our_own(*words),
            environment={**self.environment, **environ},
            directory=self.directory,
        )
        return self._start(program)

    def _start(self, program: ChildProgram) -> str:
        name = f"{program.name}-{next(self.numbers)}"
        self.staff[name] = self.begin(replace(program, log=self.directory / f"{name}.log"))
        self._programs[name] = program
        return name

    def hire_everybody(self, *roles: str) -> None:
        """A worker of each role, and a beat; ready when this returns."""
        for role in roles or ROLES:
            self.hire("worker", "--role", role)
        self.hire("beat")
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        """Everybody who was hired and lives is registered."""
        eventually(lambda: all(self.is_ready(name) for name in self.staff))

    def is_ready(self, name: str) -> bool:
        """It said that it takes messages."""
        said = (self.directory / f"{name}.log").read_text(errors="replace")
        assert self.staff[name].poll() is None, said
        return "process started" in said

    def kill(self, name: str) -> None:
        """As a crash does."""
        self.staff[name].kill()
        self.staff[name].wait()

    def dismiss(self, *names: str) -> None:
        """Tell these to end, or all, and wait until they have, with all whom they started."""
        leaving = {name: self.staff.pop(name) for name in names or tuple(self.staff)}
        with ExitStack() as stack:
            families = [stack.enter_context(Family(p.pid)) for p in leaving.values()]
            for process in leaving.values():
                process.send_signal(signal.SIGTERM)
            for family in families:
                family.wait()
        assert [p.wait() for p in leaving.values()] == [0] * len(leaving)
        with self.ipam.store.read() as reading:
            registered = {
                process.name.rpartition(":")[2] for process in reading.processes.registered()
            }
        assert registered.isdisjoint(str(p.pid) for p in leaving.values())

    def the_dead(self) -> list[str]:
        """Who has ended."""
        return [name for name, process in self.staff.items() if process.poll() is not None]

    def replace_the_dead(self) -> None:
        """Hire again who has ended."""
        for name in self.the_dead():
            del self.staff[name]
            self._start(self._programs[name])

    def say(self, *words: str) -> subprocess.Popen[str]:
        """A person says it to ``ipam-sync``, and does not wait yet for what it answers."""
        return subprocess.Popen(
            our_own(*words),
            env=self.environment,
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    # ------------------------------------------------------------------------- runs

    def ask(self, server: str | None = None, trigger: Trigger = Trigger.CLI) -> int:
        """Somebody wants a run."""
        return request_run(
            self.ipam.store,
            self.dispatcher,
            RunRequest(trigger, "tester", server),
            lane_of(trigger),
        )

    @property
    def dispatcher(self) -> CeleryDispatcher:
        """How messages come to the staff."""
        return CeleryDispatcher(make_app(self.broker.celery_url))

    def is_quiet(self) -> bool:
        """No run goes on, and no message is left that could begin one."""
        backlog = self.dispatcher.backlog()
        with self.ipam.store.read() as reading:
            busy = reading.runs.in_progress() or backlog.in_flight or any(backlog.waiting.values())
        return not busy

    def is_over(self, run: int) -> bool:
        """The run has an outcome."""
        with self.ipam.store.read() as reading:
            told = reading.runs.find(run)
            return told is not None and told.outcome is not None

    def run(self) -> RunSummary:
        """A run about everything, from its request to its end."""
        number = self.ask()
        self.wait_for(number)
        return self.summary(number)

    def wait_for(self, *runs: int, seconds: float = PATIENCE_SECONDS) -> None:
        """Until these are over.

        Lost work is recovered within lease + 2 sweep periods, but a busy machine takes longer.
        A schedule that could hide a missing recovery is an hour away.
        """
        deadline = time.monotonic() + seconds
        while not all(self.is_over(run) for run in runs):
            assert time.monotonic() < deadline, f"{runs} not over in {seconds} s: {self.stuck()}"
            time.sleep(0.05)  # what happens in other processes tells nobody

    def summary(self, run: int) -> RunSummary:
        """What it came to."""
        with self.ipam.store.read() as reading:
            told = reading.runs.find(run)
            assert told is not None
            assert told.outcome == "done", told
            return summary_of(reading, run, self.ipam.run_policy)

    def stuck(self) -> str:
        """For who wonders why a run does not end."""
        with self.ipam.store.read() as reading:
            runs = reading.runs.in_progress()
            members = [m for run in runs for m in reading.members.of_run(run.id)]
            return f"{runs}, {members}, {reading.processes.registered()}"

    def records(self) -> tuple[Record, ...]:
        with self.ipam.store.read() as reading:
            return reading.records.load()

    def entries(self) -> list[Entry]:
        """Every line of OperationTracker there ever was."""
        every = EntryFilter(statuses=tuple(EntryStatus))
        with self.ipam.store.read() as reading:
            return [view.entry for view in reading.views.operations(every)]


@contextmanager
def installation(
    fleet: Fleet,
    database_url: str | None,
    broker: ValkeyServer,
    listeners: dict[str, Listener] | None = None,
    begin: Callable[[ChildProgram], Process] = start,
    **settings: str,
) -> Iterator[Installation]:
    """Nobody is hired yet; afterwards nobody is left.  Without a URL it is an SQLite file."""
    with home("bad") as directory, RunningFleet(fleet, listeners) as running:
        papers = write_papers(running, directory / "papers")
        given = {
            "DATABASE_URL": database_url or in_new_store(directory / "ipam-sync.db"),
            "BROKER_URL": broker.url,
            "CA_FILE": str(papers.authority),
            "LEASE": str(LEASE.seconds),
            "SWEEP": str(SWEEP.seconds),
            "TICK": str(NEVER.seconds),
            "POLL_DEADLINE": "10",
            "CONCURRENCY": "16",
            **settings,
        }
        own = {k: v for k, v in os.environ.items() if not k.startswith("IPAM_SYNC_")}
        named = {f"IPAM_SYNC_{name}": value for name, value in given.items()}
        environment = {**own, "HOME": str(directory), "PYTHONPATH": str(_PROJECT), **named}
        with opened(settings_in_force(named)) as ipam:
            import_servers(ipam, papers.inventory)
            _leave_to_us(ipam)
            office = Installation(directory, running, broker, ipam, environment, begin)
            try:
                yield office
                office.dismiss()
            finally:
                for process in office.staff.values():
                    process.kill()
                    process.wait()


def import_servers(ipam: Ipam, inventory: Path) -> None:
    with ipam.store.write() as uow:
        import_inventory(uow, read_inventory(inventory))
        uow.commit()


def _leave_to_us(ipam: Ipam) -> None:
    """Nobody is due for the schedule."""
    with ipam.store.write() as uow:
        for server in uow.inventory.servers():
            uow.schedule.save([Poll(server.id, uow.now() + NEVER)])
        uow.commit()
