"""Real workers on a real broker read a simulated fleet, and go on when one of them is killed."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.homes import home
from tests.processes import Family, eventually
from tests.worker.cli.lab import Lab, simulating
from tests.worker.cli.site import SCRIPT, Site, ended, operations
from tests.worker.cli.test_up import Running, up

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="ipam-sync up needs Linux")

SERVERS = 6
#: Short, so that who is killed is soon missed; and no schedule that comes in between.
TIMES = ("IPAM_SYNC_LEASE=3", "IPAM_SYNC_SWEEP=1", "IPAM_SYNC_TICK=3600")


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """The fleet, in a process of its own."""
    with home("lab") as directory, simulating(directory, "--servers", str(SERVERS)) as lab:
        yield lab


@pytest.fixture(scope="module")
def running(lab: Lab) -> Iterator[Running]:
    """Everything that ``ipam-sync up`` runs, and the fleet's inventory in it."""
    trusted = f"IPAM_SYNC_CA_FILE={lab.directory / 'ca.pem'}"
    with home("work") as directory, up(directory / "data", before=("env", trusted, *TIMES)) as it:
        imported = it.run("servers", "import", str(lab.directory / "inventory.yaml"))
        assert imported.code == 0, imported
        yield it


def rows(running: Running, statement: str) -> list[tuple[object, ...]]:
    """Of its database."""
    with closing(sqlite3.connect(running.directory / "ipam-sync.db")) as database:
        return database.execute(statement).fetchall()


def test_a_run_of_the_workers_ends_as_a_sync_does_and_the_next_one_finds_nothing(
    running: Running,
) -> None:
    first = running.run("reconcile", "--wait", "--json")
    assert first.code == 0, first
    assert set(operations(first.json)) <= {"FailoverCreate"}
    assert rows(running, "SELECT count(*) FROM failover WHERE pending = 0") == [(2 * SERVERS,)]
    again = running.run("reconcile", "--wait", "--json")
    assert (again.code, operations(again.json)) == (0, [])


def test_a_worker_that_is_killed_in_the_middle_costs_time_and_nothing_else(
    running: Running, lab: Lab, tmp_path: Path
) -> None:
    running.run("reconcile", "--wait")
    lab.change(Site(tmp_path), "dhcp0001", think_seconds="2")
    process = subprocess.Popen(
        [SCRIPT, "reconcile", "--server", "dhcp0001", "--wait", "--json"],
        env={**os.environ, "IPAM_SYNC_CONFIG": str(running.settings)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process, Family(running.process.pid) as everybody:
        claims = "SELECT 1 FROM run_member WHERE claimed_by IS NOT NULL"
        eventually(lambda: bool(rows(running, claims)))
        os.kill(everybody.member("--role on-demand"), signal.SIGKILL)
        outcome = ended(process)
    lab.change(Site(tmp_path), "dhcp0001", think_seconds="0")
    assert outcome.code == 0, outcome
    assert outcome.json["summary"]["unread"] == []
    assert rows(running, "SELECT count(*) FROM run WHERE ended_at IS NULL") == [(0,)]
    assert rows(running, "SELECT count(*) FROM run_member") == [(0,)]
