"""Starts programs in order, starts again what was killed, and ends all in order.

Used by ``ipam-sync up`` and by ``ipam-sync worker`` for all roles.  It has one thread, for Linux
binds children to the thread that started them.
"""

from __future__ import annotations

import math
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final, NoReturn

from worker.processes.signals import ENDING, Signals
from worker.up.child import CannotRun, ChildProgram, how_it_ended, start

#: A child that failed by chance is back at once.
_FIRST_PAUSE_SECONDS: Final = 0.5
#: A child that fails every time must not fill the log.
_LONGEST_PAUSE_SECONDS: Final = 30.0
#: Who ran for so long is healthy, and what happened before is forgotten.
_HEALTHY_SECONDS: Final = 60.0
#: Short enough that Ctrl-C seems immediate.
_LOOK_SECONDS: Final = 0.02
#: A check may ask the database.
_CHECK_SECONDS: Final = 0.2
#: PostgreSQL may have to recover first.
_READY_SECONDS: Final = 120.0
#: What hurries gets so long to die in good order.
_HURRY_SECONDS: Final = 3.0

Say = Callable[[str], None]
IsReady = Callable[[int], bool]


class StopRequested(Exception):
    """A signal says that everything shall end."""


@dataclass(slots=True)
class _Child:
    program: ChildProgram
    process: subprocess.Popen[bytes]
    started_at: float = field(default_factory=time.monotonic)
    pause: float = _FIRST_PAUSE_SECONDS
    again_at: float | None = None


class Supervisor:
    """``signals`` must include SIGCHLD and those that end us."""

    def __init__(self, signals: Signals, say: Say) -> None:
        self._signals = signals
        self._say = say
        self._children: list[_Child] = []

    def once(self, program: ChildProgram) -> int:
        """Run a program to its end, and return its exit code.

        Raises StopRequested, and then it has ended too.
        """
        child = _Child(program, start(program))
        self._children.append(child)
        while child.process.poll() is None:
            self._pause(None)
        self._children.remove(child)
        return child.process.returncode

    def start(self, program: ChildProgram, is_ready: IsReady | None = None) -> None:
        """Start it and wait until it is ready. Raises CannotRun if it ends before, and Told."""
        child = _Child(program, start(program))
        self._children.append(child)
        self._say(f"{program.name}: started (process {child.process.pid})")
        deadline = time.monotonic() + _READY_SECONDS
        while is_ready is not None and not is_ready(child.process.pid):
            if child.process.poll() is not None:
                raise CannotRun(f"{program.name}: {_how(child)} before it was ready.")
            if time.monotonic() > deadline:
                raise CannotRun(f"{program.name} is not ready after {_READY_SECONDS:.0f} s.")
            self._pause(_LOOK_SECONDS)

    def programs(self) -> tuple[tuple[ChildProgram, int | None], ...]:
        """Return the programs that it keeps running, each with its process, None if that has ended."""
        return tuple(
            (child.program, child.process.pid if child.process.poll() is None else None)
            for child in self._children
        )

    def watch(self) -> NoReturn:
        """Keep everything running. Raises Told."""
        while True:
            self._tend_all()

    def watch_until(self, is_reached: Callable[[], bool], seconds: float | None = None) -> bool:
        """Keep everything running until ``is_reached``.

        Returns False if it is not reached within ``seconds``. Raises Told.
        """
        deadline = math.inf if seconds is None else time.monotonic() + seconds
        while not is_reached():
            if time.monotonic() > deadline:
                return False
            self._tend_all(_CHECK_SECONDS)
        return True

    def _tend_all(self, longest: float = math.inf) -> None:
        """Start again what is due, and wait for what happens next, at most ``longest`` seconds."""
        for child in self._children:
            self._tend(child)
        due = [child.again_at for child in self._children if child.again_at is not None]
        pause = min(longest, max(0.0, min(due, default=math.inf) - time.monotonic()))
        self._pause(pause if math.isfinite(pause) else None)

    def stop(self) -> None:
        """End what started last first. A signal while this goes on makes it hurry."""
        hurry = False
        living = [c for c in reversed(self._children) if c.process.poll() is None]
        living.sort(key=lambda child: -child.program.stage)
        for _, group in groupby(living, key=lambda child: child.program.stage):
            hurry = self._end(list(group), hurry=hurry)
        self._children.clear()

    def _tend(self, child: _Child) -> None:
        current_time = time.monotonic()
        if child.again_at is None and child.process.poll() is not None:
            if current_time - child.started_at >= _HEALTHY_SECONDS:
                child.pause = _FIRST_PAUSE_SECONDS
            child.again_at = current_time + child.pause
            notice = f"{child.program.name}: {_how(child)}, again in {child.pause:g} s"
            child.pause = min(2 * child.pause, _LONGEST_PAUSE_SECONDS)
            self._say(notice)
        elif child.again_at is not None and current_time >= child.again_at:
            child.process = start(child.program)
            child.started_at, child.again_at = current_time, None
            self._say(f"{child.program.name}: started (process {child.process.pid})")

    def _end(self, children: Iterable[_Child], *, hurry: bool) -> bool:
        """True if a signal made it hurry."""
        running = list(children)
        for child in running:
            _send(child, child.program.dying if hurry else child.program.ending)
        patience = _HURRY_SECONDS if hurry else max(c.program.patience for c in running)
        deadline = time.monotonic() + patience
        while running and time.monotonic() < deadline:
            try:
                self._pause(max(0.0, deadline - time.monotonic()))
            except StopRequested:
                if not hurry:
                    hurry, deadline = True, time.monotonic() + _HURRY_SECONDS
                    for child in running:
                        _send(child, child.program.dying)
            for child in [c for c in running if c.process.poll() is not None]:
                running.remove(child)
                self._say(f"{child.program.name}: {_how(child)}")
        for child in running:
            os.killpg(child.process.pid, signal.SIGKILL)  # its own children are in its group
            child.process.wait()
            self._say(f"{child.program.name}: had to be killed")
        return hurry

    def _pause(self, seconds: float | None) -> None:
        """Until a child may have ended, or the time is over. Raises Told."""
        if self._signals.wait(seconds) in ENDING:
            raise StopRequested


@contextmanager
def supervising(signals: Signals, say: Say) -> Iterator[Supervisor]:
    """A supervisor whose children have all ended afterwards, whatever happens."""
    supervisor = Supervisor(signals, say)
    try:
        yield supervisor
    finally:
        supervisor.stop()


def _send(child: _Child, number: signal.Signals) -> None:
    if child.process.poll() is None:
        child.process.send_signal(number)


def _how(child: _Child) -> str:
    code = child.process.returncode
    ending = how_it_ended(code)
    return (
        ending if code == 0 or child.program.log is None else f"{ending} (see {child.program.log})"
    )
