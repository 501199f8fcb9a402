"""Processes that tests start: who their descendants are, and that all of them end.

Linux: processes are watched through their descriptors, so that no other one is meant that gets
the number of one that ended.
"""

from __future__ import annotations

import os
import select
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import pytest

from worker.up.child import how_it_ended

#: Waiting returns as soon as the condition holds. So this is long enough for a machine that is
#: five times slower than ours, and only a test that fails takes that long.
PATIENCE_SECONDS: Final = 120.0


@dataclass(frozen=True)
class Started:
    """A process that a test started, and the file that has its output."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def assert_runs(self) -> None:
        """Fail with the log if the process has ended."""
        code = self.process.poll()
        assert code is None, f"{self.name} {how_it_ended(code)}: {self.said()}"

    def said(self) -> str:
        """Return what the process has written so far."""
        return self.log.read_text(errors="replace")


def eventually(holds: Callable[[], object], *needed: Started) -> None:
    """Wait until a condition holds that cannot be waited for otherwise.

    Fails at once when a process has ended that the condition needs.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        for started in needed:
            started.assert_runs()
        if time.monotonic() > deadline:
            logs = "".join(f"\n{started.name}: {started.said()}" for started in needed)
            pytest.fail(f"not in {PATIENCE_SECONDS:.0f} s: {holds}{logs}")
        time.sleep(0.02)  # another process does not notify us


class Family:
    """A process and all its descendants as they are now."""

    def __init__(self, pid: int) -> None:
        self.commands: dict[int, str] = {}
        self._watched: dict[int, int] = {}
        for member in (pid, *_descendants(pid)):
            with suppress(OSError):  # it has ended since its parent was asked
                command = _command(member)
                self._watched[member] = os.pidfd_open(member)
                self.commands[member] = command

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for descriptor in self._watched.values():
            os.close(descriptor)

    def member(self, *words: str) -> int:
        """The one whose command line has these words."""
        (pid,) = [p for p, c in self.commands.items() if all(word in c for word in words)]
        return pid

    def wait(self, *pids: int, seconds: float = PATIENCE_SECONDS) -> None:
        """Until these have ended, or all of them."""
        deadline = time.monotonic() + seconds
        for pid in pids or self.commands:
            poll = select.poll()
            poll.register(self._watched[pid], select.POLLIN)
            left = max(0.0, deadline - time.monotonic())
            assert poll.poll(left * 1000), f"still there: {self.commands[pid]}"


@contextmanager
def family(pid: int, *, at_least: int) -> Iterator[Family]:
    """The family as soon as it has so many members."""
    eventually(lambda: len(_descendants(pid)) + 1 >= at_least)
    with Family(pid) as found:
        yield found


def as_somebody() -> tuple[str, ...]:
    """What a command begins with so that it is not root's: in a user namespace root is another."""
    if os.geteuid() != 0:
        return ()
    return ("unshare", "--user", "--map-user=1000", "--map-group=1000")


def can_be_somebody() -> bool:
    """True if that can be had here."""
    command = [*as_somebody(), "true"]
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


def _command(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")


def _descendants(pid: int) -> list[int]:
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:  # it has ended
        return []
    children = [int(word) for word in text.split()]
    return children + [below for child in children for below in _descendants(child)]
