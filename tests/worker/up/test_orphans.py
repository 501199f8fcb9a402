"""Whose process holds the data directory, and who may be ended for it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processes import Family
from worker.processes.signals import Signals
from worker.up.orphans import taken_over
from worker.up.supervisor import StopRequested

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="ipam-sync up needs Linux")


@pytest.fixture
def signals() -> Iterator[Signals]:
    with Signals(signal.SIGTERM) as signals:
        yield signals


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    return tmp_path / "servers.lock"


def server(script: str, kept: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(["/bin/sh", "-c", script], pass_fds=[kept])


def test_what_nobody_holds_is_taken_at_once(lock: Path, signals: Signals) -> None:
    said: list[str] = []
    with taken_over(lock, signals, said.append):
        pass
    with taken_over(lock, signals, said.append):
        pass
    assert said == []


def test_a_server_that_is_ending_is_waited_for(lock: Path, signals: Signals) -> None:
    said: list[str] = []
    with taken_over(lock, signals, said.append) as kept:
        process = server("exec sleep 0.3", kept)
    with taken_over(lock, signals, said.append):
        assert process.wait() == 0
    assert said == ["servers of an ipam-sync up that was killed are still ending"]


def test_one_that_does_not_end_is_killed_and_nobody_else(lock: Path, signals: Signals) -> None:
    said: list[str] = []
    with taken_over(lock, signals, said.append) as kept:
        ours = server("exec sleep 1000", kept)
    others_file = lock.with_name("others")
    with others_file.open("w") as file:
        other = server("exec sleep 1000", file.fileno())
    try:
        with Family(ours.pid) as orphan, taken_over(lock, signals, said.append, grace=0.1):
            orphan.wait()
            assert ours.wait() == -signal.SIGKILL
            assert said[1:] == [f"process {ours.pid} of it does not end, so it is killed"]
            assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_a_signal_ends_the_waiting(lock: Path, signals: Signals) -> None:
    with taken_over(lock, signals, lambda _: None) as kept:
        process = server("exec sleep 1000", kept)
    try:
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(StopRequested), taken_over(lock, signals, lambda _: None):
            pass
    finally:
        process.kill()
        process.wait()
