"""The stage where all is real: ``ipam-sync up`` as a child, asked as ``reconcile --wait`` asks it.

Linux only.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

from worker.bootstrap import Ipam, opened
from worker.config.settings import load_settings
from worker.demo.scenery import CONCURRENCY, DEADLINE, REQUEST, Scenery
from worker.demo.script import DemoStep
from worker.messaging.celery_app import CeleryDispatcher, make_app
from worker.messaging.dispatcher import Dispatcher
from worker.model.run_report import RunSummary
from worker.model.runs import RunCounts
from worker.monitoring.doctor import CheckGrade, check_up
from worker.runs.progress import follow
from worker.runs.request import request_run
from worker.up.child import CannotRun, ChildProgram, how_it_ended, our_own, start
from worker.up.place import DataDirectory, fits_sockets
from worker.views.progress import RunProgress

#: Workers start in two seconds. A busy machine may take many times that.
_START_SECONDS: Final = 60.0
#: Short enough that the demo never seems to wait.
_LOOK_SECONDS: Final = 0.1
#: No step needs more than a few.
_STEP_SECONDS: Final = 120.0
#: What ``up`` gives its workers and servers, one after the other.
_END_SECONDS: Final = 60.0
#: The last lines of a log tell why a process ended.
_LAST_WORDS: Final = 8


def has_room(directory: Path) -> bool:
    """True if sockets can have their names there."""
    return fits_sockets(_data(directory))


@dataclass(frozen=True, slots=True)
class Installed:
    """Keeps the promises of ``worker.demo.stage.DemoStage``."""

    ipam: Ipam
    scenery: Scenery
    dispatcher: Dispatcher
    up: Up
    command: ClassVar[str] = "ipam-sync reconcile --wait"

    def perform(self, step: DemoStep) -> RunSummary:
        self.scenery.turn(step)
        deadline = time.monotonic() + _STEP_SECONDS
        run = request_run(self.ipam.store, self.dispatcher, REQUEST)
        with RunProgress() as progress:

            def watch(told: RunCounts) -> None:
                self.up.must_run(deadline, "in the middle of the demo; try it again")
                progress.watch(told)

            return follow(self.ipam.store, self.ipam.run_policy, run, watch)


@contextmanager
def installed(scenery: Scenery) -> Iterator[Installed]:
    """Everything runs, and its database knows the fleet. Raises CannotRun, also within."""
    data = _data(scenery.directory.path)
    environment = _environment(scenery, DataDirectory(data, uses_postgres=False).settings)
    with _running(scenery, data, environment) as up:
        up.wait_until_alive(environment)
        settings = load_settings(environment)
        with opened(settings) as ipam:
            scenery.take_in(ipam.store)
            yield Installed(
                ipam, scenery, CeleryDispatcher(make_app(settings.broker_url or "")), up
            )


def _data(directory: Path) -> Path:
    return directory / "data"


def _environment(scenery: Scenery, config: Path) -> dict[str, str]:
    """Return the environment of workers and commands, without the person's own settings."""
    other_variables = {
        k: v for k, v in os.environ.items() if not k.upper().startswith("IPAM_SYNC_")
    }
    own_variables = {
        "IPAM_SYNC_CONFIG": str(config),
        "IPAM_SYNC_CA_FILE": str(scenery.papers.authority),
        "IPAM_SYNC_POLL_DEADLINE": f"{DEADLINE.total_seconds():.0f}",
        "IPAM_SYNC_CONCURRENCY": str(CONCURRENCY),
    }
    return {**other_variables, **own_variables}


@dataclass(frozen=True, slots=True)
class Up:
    """``ipam-sync up``, and the file that it and its workers talk into."""

    process: subprocess.Popen[bytes]
    log: Path

    def wait_until_alive(self, environment: dict[str, str]) -> None:
        """Until ``ipam-sync doctor`` finds nothing that fails. Raises CannotRun."""
        deadline = time.monotonic() + _START_SECONDS
        while any(check.grade is CheckGrade.FAIL for check in check_up(environment)):
            self.must_run(deadline, "before its workers were alive")
            time.sleep(_LOOK_SECONDS)

    def must_run(self, deadline: float, when: str) -> None:
        """Raises CannotRun, with its last words, if it has ended or takes too long."""
        if self.process.poll() is not None:
            problem = f"is gone ({how_it_ended(self.process.returncode)})"
        elif time.monotonic() > deadline:
            problem = "hangs"
        else:
            return
        words = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        last_words = ("It said last:", *words[-_LAST_WORDS:]) if words else ()
        raise CannotRun("\n".join((f"The demo's installation {problem} {when}.", *last_words)))


@contextmanager
def _running(scenery: Scenery, data: Path, environment: dict[str, str]) -> Iterator[Up]:
    """Ended afterwards, in its order."""
    directory, log = scenery.directory, scenery.directory.path / "up.log"
    program = ChildProgram(
        "up",
        our_own("up", "--data", str(data)),
        environment=environment,
        directory=directory.path,
        kept=directory.held,
        log=log,
    )
    process = start(program)
    try:
        yield Up(process, log)
    finally:
        process.terminate()
        try:
            process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()  # its children end with it
            process.wait()
