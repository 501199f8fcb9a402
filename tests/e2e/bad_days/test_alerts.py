"""Alerts on a bad day: real deliverers are killed, and several are at it at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from reconcile.model.findings import Finding
from tests.e2e.bad_days.nursery import begin
from tests.e2e.bad_days.teller import Manner
from tests.processes import PATIENCE_SECONDS, eventually
from tests.worker.alerts.delivery.ops import Ops, fingerprints, mismatch
from tests.worker.alerts.delivery.test_crashes import assert_in_order
from worker.alerts.delivery.attempt import CLAIM
from worker.store.schema import open_store
from worker.up.child import ChildProgram

ALERTS = """
[channels.log]
type = "log"
file = "log"

[[routes]]
channels = "log"
"""


@dataclass
class Tellers:
    """Processes that tell what the operations team is to know."""

    url: str
    file: Path

    def start(self) -> subprocess.Popen[bytes]:
        """One more of them, which goes on until its standard input ends."""
        return subprocess.Popen(self._command(Manner.LIVES), stdin=subprocess.PIPE)

    def tell(self) -> None:
        """One tells what there is to tell, and ends."""
        assert self._once(Manner.LIVES) == 0

    def be_killed(self, manner: Manner) -> None:
        """One begins to."""
        assert self._once(manner) == -signal.SIGKILL

    def _once(self, manner: Manner) -> int:
        """Start one that has no standard input, and return how it ended."""
        log = self.file.with_name("tellers.log")
        program = ChildProgram(
            "teller", self._command(manner), environment=dict(os.environ), log=log
        )
        return begin(program).wait(PATIENCE_SECONDS)

    def _command(self, manner: Manner) -> tuple[str, ...]:
        words = ("tests.e2e.bad_days.teller", self.url, str(self.file), manner)
        return (sys.executable, "-m", *words)


def end(process: subprocess.Popen[bytes]) -> None:
    """After it has told everything that there is now."""
    process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 0


@pytest.fixture
def ops(database_url: str, tmp_path: Path) -> Iterator[Ops]:
    """A store of its own, and nothing happened yet."""
    store = open_store(database_url)
    yield Ops(store, tmp_path)
    store.close()


@pytest.fixture
def tellers(ops: Ops, tmp_path: Path) -> Tellers:
    file = tmp_path / "alerts.toml"
    file.write_text(ALERTS)
    return Tellers(ops.store.engine.url.render_as_string(hide_password=False), file)


def problems(ops: Ops, count: int, value: int) -> list[Finding]:
    return [mismatch(f"R{n}", *ops.servers[:2], value=str(value)) for n in range(count)]


@pytest.mark.parametrize("moment", [Manner.CLAIMED_NOT_SENT, Manner.SENT_NOT_MARKED])
def test_everything_arrives_in_order_however_often_a_deliverer_is_killed(
    ops: Ops, tellers: Tellers, moment: Manner
) -> None:
    kills = 3
    for value in range(kills):
        ops.see(*problems(ops, 5, value))
        tellers.be_killed(moment)
        ops.later(CLAIM)
    tellers.tell()
    assert ops.view("log") == fingerprints(problems(ops, 5, 0))
    latest = {alert["fingerprint"]: alert["detail"] for alert in ops.told("log")}
    assert set(latest.values()) == {f"They differ: {kills - 1}."}
    ops.see()
    tellers.tell()
    assert ops.view("log") == set(), "each that arrived has its end"
    assert_in_order(ops, "log", doubles=kills if moment is Manner.SENT_NOT_MARKED else 0)


def test_what_was_over_before_anybody_could_mark_it_is_told_to_be_over(
    ops: Ops, tellers: Tellers
) -> None:
    ops.see(*problems(ops, 1, 0))
    tellers.be_killed(Manner.SENT_NOT_MARKED)
    ops.see()
    tellers.tell()
    ops.later(CLAIM)
    tellers.tell()
    assert ops.events("log") == [("opened", "R0"), ("resolved", "R0")]


def test_two_processes_tell_everything_once_and_in_order(ops: Ops, tellers: Tellers) -> None:
    two = [tellers.start(), tellers.start()]
    ops.see(*problems(ops, 20, 99))
    eventually(lambda: ops.told("log"))  # from now on somebody is there
    for value in range(6):
        ops.see(*problems(ops, 20 - value, value))
    for process in two:
        end(process)
    tellers.tell()
    assert ops.view("log") == ops.open() == fingerprints(problems(ops, 15, 0))
    assert_in_order(ops, "log")
