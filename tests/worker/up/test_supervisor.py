"""The supervisor as a process with children: order, killed children, killed parents."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.processes import Family, eventually, family

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="children are bound to their parent by Linux"
)

ROOT = Path(__file__).parents[3]


@dataclass
class Host:
    process: subprocess.Popen[str]

    def line(self) -> str:
        assert self.process.stdout is not None
        return re.sub(r" \(process \d+\)", "", self.process.stdout.readline().rstrip("\n"))

    def lines(self, count: int) -> list[str]:
        return [self.line() for _ in range(count)]

    def tell(self, number: signal.Signals) -> None:
        self.process.send_signal(number)


@contextmanager
def hosting(directory: Path, scene: str) -> Iterator[Host]:
    """The scene; it must leave no process behind."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.worker.up.host", str(directory), scene],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        process_group=0,
    ) as process:
        host = Host(process)
        assert host.line() == "begun"
        with Family(process.pid) as known:
            yield host
            process.kill()
            process.wait()
            known.wait()


def test_what_started_last_ends_first(tmp_path: Path) -> None:
    with hosting(tmp_path, "three_stages") as host:
        assert host.lines(3) == ["server: started", "worker: started", "beat: started"]
        with family(host.process.pid, at_least=4) as everybody:
            host.tell(signal.SIGTERM)
            assert host.lines(4) == [
                "beat: killed by SIGTERM",
                "worker: killed by SIGTERM",
                "server: killed by SIGTERM",
                "told to end",
            ]
            everybody.wait()


def test_ctrl_c_of_a_terminal_reaches_the_parent_alone(tmp_path: Path) -> None:
    """A terminal sends it to a whole process group, which would end everything at once."""
    with hosting(tmp_path, "three_stages") as host:
        host.lines(3)
        with family(host.process.pid, at_least=4) as everybody:
            os.killpg(host.process.pid, signal.SIGINT)
            assert host.line() == "beat: killed by SIGTERM"
            everybody.wait()


def test_a_killed_parent_takes_its_children_with_it(tmp_path: Path) -> None:
    with hosting(tmp_path, "three_stages") as host:
        host.lines(3)
        with family(host.process.pid, at_least=4) as everybody:
            host.process.kill()
            everybody.wait()


def test_a_killed_child_is_started_again(tmp_path: Path) -> None:
    with hosting(tmp_path, "three_stages") as host:
        host.lines(3)
        with family(host.process.pid, at_least=4) as everybody:
            (first, *_) = [pid for pid in everybody.commands if pid != host.process.pid]
            os.kill(first, signal.SIGKILL)
            assert host.line() == "server: killed by SIGKILL, again in 0.5 s"
            assert host.line() == "server: started"
        with family(host.process.pid, at_least=4) as everybody:
            host.tell(signal.SIGTERM)
            everybody.wait()


def test_what_ends_again_and_again_is_started_less_and_less_often(tmp_path: Path) -> None:
    with hosting(tmp_path, "short_lived") as host:
        assert host.lines(4) == [
            "moth: started",
            "moth: ended with code 3, again in 0.5 s",
            "moth: started",
            "moth: ended with code 3, again in 1 s",
        ]
        host.tell(signal.SIGTERM)
        assert host.line() == "told to end"


def test_what_does_not_register_is_named_and_everything_runs_only_when_it_has(
    tmp_path: Path,
) -> None:
    with hosting(tmp_path, "not_registering") as host:
        assert host.lines(3) == [
            "server: started",
            "worker: started",
            "Not running after 0.3 s: worker. Their messages above say why.",
        ]
        (tmp_path / "registered").touch()
        assert host.line() == "everything runs"


def test_who_does_not_end_in_time_is_killed(tmp_path: Path) -> None:
    (tmp_path / "impatient").touch()
    with hosting(tmp_path, "stubborn") as host:
        assert host.line() == "mule: started"
        eventually((tmp_path / "ready").exists)
        with family(host.process.pid, at_least=3) as everybody:
            host.tell(signal.SIGTERM)
            assert host.lines(2) == ["mule: had to be killed", "told to end"]
            everybody.wait()


def test_a_second_signal_makes_it_hurry(tmp_path: Path) -> None:
    with hosting(tmp_path, "stubborn") as host:
        host.line()
        eventually((tmp_path / "ready").exists)
        with family(host.process.pid, at_least=3) as everybody:
            host.tell(signal.SIGTERM)
            host.tell(signal.SIGINT)
            assert host.lines(2) == ["mule: had to be killed", "told to end"]
            everybody.wait()


def test_who_ends_before_it_is_ready_is_no_success(tmp_path: Path) -> None:
    with hosting(tmp_path, "never_ready") as host:
        assert host.lines(2) == ["moth: started", "moth: ended with code 3 before it was ready."]


def test_a_signal_ends_the_wait_for_who_is_not_ready(tmp_path: Path) -> None:
    with hosting(tmp_path, "always_loading") as host:
        assert host.line() == "snail: started"
        host.tell(signal.SIGTERM)
        assert host.lines(2) == ["snail: killed by SIGTERM", "told to end"]


def test_a_job_is_run_to_its_end_and_a_signal_ends_it_too(tmp_path: Path) -> None:
    with hosting(tmp_path, "once") as host:
        assert host.line() == "code 4"
        eventually((tmp_path / "ready").exists)
        host.tell(signal.SIGTERM)
        assert host.lines(2) == ["long job: killed by SIGTERM", "told to end"]
