"""Servers of an ``up`` that was killed and that still hold the data directory.

The servers keep a descriptor of a lock file open, which they get at their start; the lock is free
when the last of them is gone.  They end by themselves when their parent dies; one that cannot
(stopped, or stuck) is found by that same descriptor, which nobody else has: so it is ours.
"""

from __future__ import annotations

import fcntl
import os
import select
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from worker.processes.signals import ENDING, Signals
from worker.up.child import CannotRun
from worker.up.supervisor import Say, StopRequested

#: A PostgreSQL that ends in order needs a moment to write.
_GRACE_SECONDS: Final = 5.0
#: The kernel needs a moment even after SIGKILL.
_KILL_SECONDS: Final = 5.0
#: There is no event for the end of a process that is no child.
_LOOK_SECONDS: Final = 0.05


@contextmanager
def taken_over(
    lock: Path, signals: Signals, say: Say, *, grace: float = _GRACE_SECONDS
) -> Iterator[int]:
    """A descriptor for the servers to keep open, when those of before are gone: who does not end
    within ``grace`` seconds is killed.

    Raises CannotRun if they cannot be ended, and Told.
    """
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if not _is_free(descriptor):
            say("servers of an ipam-sync up that was killed are still ending")
            if not _free_within(descriptor, grace, signals):
                _kill_holders(descriptor, lock, signals, say)
        yield descriptor
    finally:
        os.close(descriptor)


def _kill_holders(descriptor: int, lock: Path, signals: Signals, say: Say) -> None:
    for process in _holders(lock):
        say(f"process {process} of it does not end, so it is killed")
        _kill(process, lock)
    if not _free_within(descriptor, _KILL_SECONDS, signals):
        raise CannotRun(
            f"A process that cannot be ended still holds {lock}. Find it (fuser {lock}), end it."
        )


def _is_free(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _free_within(descriptor: int, seconds: float, signals: Signals) -> bool:
    deadline = time.monotonic() + seconds
    while not _is_free(descriptor):
        if time.monotonic() > deadline:
            return False
        if signals.wait(_LOOK_SECONDS) in ENDING:
            raise StopRequested
    return True


def _holders(lock: Path) -> Iterator[int]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid() and _has_open(entry, lock):
            yield int(entry.name)


def _has_open(process: Path, lock: Path) -> bool:
    try:
        return any(descriptor.samefile(lock) for descriptor in (process / "fd").iterdir())
    except OSError:  # it is gone, or another account's
        return False


def _kill(pid: int, lock: Path) -> None:
    """By a descriptor of the process, so that no other one is hit that gets its number."""
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        if _has_open(Path("/proc") / str(pid), lock):
            signal.pidfd_send_signal(process, signal.SIGKILL)
            select.select([process], [], [], _KILL_SECONDS)
    except ProcessLookupError:
        return
    finally:
        os.close(process)
