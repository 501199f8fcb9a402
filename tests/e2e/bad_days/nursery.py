"""Quick starts for tests that kill many processes: forked from one that has imported everything.

What begins is a process of its own, as ``worker.up.child.start`` begins it, but a second of two
processors sooner.  Not for programs of others, nor where the environment is to change Python itself.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import runpy
import signal
import sys
from multiprocessing.context import ForkServerContext, ForkServerProcess
from typing import Final, Protocol

from worker.up.child import ChildProgram

_PRELOADED: Final = [
    "worker.alerts.delivery.deliverer",
    "worker.cli",
    "worker.processes.main",
    "worker.messaging.celery_worker",
    "worker.messaging.celery_app",
    "worker.store.schema",
]
_PR_SET_PDEATHSIG: Final = 1


class Process(Protocol):
    """A process that a test started; also a ``subprocess.Popen``."""

    @property
    def pid(self) -> int: ...

    def poll(self) -> int | None:
        """How it ended; None if it has not."""

    def wait(self, timeout: float | None = None) -> int: ...

    def send_signal(self, sig: int, /) -> None: ...

    def kill(self) -> None: ...


class Forked:
    """One of the nursery."""

    def __init__(self, process: ForkServerProcess) -> None:
        self._process = process
        self.pid = process.pid or 0

    def poll(self) -> int | None:
        """How it ended; None if it has not."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Until it has ended."""
        self._process.join(timeout)
        code = self._process.exitcode
        assert code is not None, f"{self._process.name} does not end"
        return code

    def send_signal(self, sig: int, /) -> None:
        """Nothing if it has ended."""
        if self.poll() is None:
            os.kill(self.pid, sig)

    def kill(self) -> None:
        """As a crash does."""
        self._process.kill()


def begin(program: ChildProgram) -> Process:
    """Start ``python -m MODULE ARGUMENTS``; it ends with the test process."""
    words = program.command[program.command.index("-m") + 1 :]
    assert program.log is not None
    program.log.touch()
    process = _context().Process(target=_be, args=(program, words), name=program.name, daemon=True)
    process.start()
    return Forked(process)


def _context() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_PRELOADED)
    return context


def _be(program: ChildProgram, words: tuple[str, ...]) -> None:
    """In the new process, which has no threads: what happens between fork and exec else."""
    os.setpgid(0, 0)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(program.dying))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    log = os.open(program.log or os.devnull, os.O_WRONLY | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(log, stream)
    os.environ.clear()
    os.environ.update(program.environment or {})
    os.chdir(program.directory or "/")
    sys.argv[1:] = words[1:]
    runpy.run_module(words[0], run_name="__main__", alter_sys=True)
