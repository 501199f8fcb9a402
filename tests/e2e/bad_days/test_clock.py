"""Machines whose clocks are wrong: the database's clock is the one that counts (rules R1 and R9)."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta

import pytest

from collectors.simulator.fleet import made
from reconcile.model.findings import Kind
from reconcile.model.nouns import Seen
from tests.e2e.bad_days.aftermath import assert_as_after_a_quiet_day, assert_nothing_is_half_done
from tests.e2e.bad_days.installation import Installation, installation
from tests.e2e.bad_days.nursery import begin
from tests.e2e.bad_days.test_kills import drift
from tests.processes import eventually
from tests.valkey import ValkeyServer
from worker.model.runs import Poll

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="children are bound by Linux")

SERVERS, MINUTES = 12, 10
INTERVAL = timedelta(hours=2)


def on_a_machine(minutes: int) -> tuple[str, ...]:
    """How ``ipam-sync`` runs where the clock is so many minutes ahead."""
    return (sys.executable, "-m", "tests.e2e.bad_days.elsewhen", str(minutes))


@pytest.fixture
def at(postgres_url: str, broker: ValkeyServer) -> Iterator[Installation]:
    """An installation with a schedule."""
    fleet, interval = made(SERVERS), str(int(INTERVAL.total_seconds()))
    with installation(fleet, postgres_url, broker, begin=begin, TICK="1", INTERVAL=interval) as at:
        yield at


def hire_everybody(at: Installation) -> None:
    """No clock but that of the database is right."""
    for role, minutes in (
        ("on-demand", MINUTES),
        ("on-demand", -MINUTES),
        ("read", -MINUTES),
        ("control", MINUTES),
    ):
        at.hire("worker", "--role", role, command=on_a_machine(minutes))
    at.hire("beat", command=on_a_machine(-MINUTES))
    at.wait_until_ready()


def test_wrong_clocks_of_workers_change_nothing(at: Installation) -> None:
    hire_everybody(at)
    for server in at.running.fleet.servers:
        at.running.change(server.name, {"think_seconds": "0.1"})
    run = at.ask()
    assert_nothing_is_half_done(at, run)
    readers = {name for name in at.staff if "server read" in log(at, name)}
    assert readers == {"on-demand-1", "on-demand-2"}, "one ahead and one behind"
    assert_dated_by_the_database(at, run)
    scheduled = everybody_is_due(at)
    assert_nothing_is_half_done(at, scheduled)
    assert "server read" in log(at, "read-3")
    assert_dated_by_the_database(at, scheduled)
    with at.ipam.store.read() as reading:
        kinds = {f.finding.kind for f in reading.findings.unresolved(None)}
        polls = reading.schedule.polls([server.id for server in reading.inventory.servers()])
        due_in = [poll.due_at - reading.now() for poll in polls.values()]
    assert Kind.CLOCK_SKEW not in kinds
    assert all(INTERVAL / 2 < due <= 1.1 * INTERVAL for due in due_in), "jitter included"
    assert at.the_dead() == []
    changed = drift(at, 1)
    assert_nothing_is_half_done(at, run_without("on-demand-1", at))
    at.replace_the_dead()
    assert_as_after_a_quiet_day(at, 2 * SERVERS + changed)


def run_without(name: str, at: Installation) -> int:
    """A run in which this one is killed, and has to be missed by those with other clocks."""
    before = log(at, name).count("server read")
    run = at.ask()
    eventually(lambda: log(at, name).count("server read") > before)
    at.kill(name)
    return run


def test_doctor_tells_how_wrong_the_clock_of_its_machine_is(at: Installation) -> None:
    told = {}
    for minutes in (MINUTES, 0):
        done = subprocess.run(
            [*on_a_machine(minutes), "doctor", "--json"],
            env=at.environment,
            stdout=subprocess.PIPE,
            check=False,
        )
        told[minutes] = {c["name"]: c for c in json.loads(done.stdout)["checks"]}["clock"]
    assert (told[0]["grade"], told[MINUTES]["grade"]) == ("ok", "warn")
    (seconds,) = re.findall(r"(\d+)\.\d s apart", told[MINUTES]["text"])
    assert abs(int(seconds) - 60 * MINUTES) <= 1
    assert "NTP" in told[MINUTES]["remedy"]


def log(at: Installation, name: str) -> str:
    """What the process said."""
    return (at.directory / f"{name}.log").read_text(errors="replace")


def everybody_is_due(at: Installation) -> int:
    """The run that the schedule makes of it."""
    with at.ipam.store.write() as uow:
        for server in uow.inventory.servers():
            uow.schedule.save([Poll(server.id, uow.now())])
        uow.commit()
    eventually(lambda: scheduled(at))
    (run,) = scheduled(at)
    return run


def scheduled(at: Installation) -> list[int]:
    """All runs that the schedule ever made."""
    with at.ipam.store.read() as reading:
        return [run.id for run in reading.runs.latest(100) if run.trigger == "schedule"]


def assert_dated_by_the_database(at: Installation, run: int) -> None:
    """Everybody was read, and in the time of the run."""
    with at.ipam.store.read() as reading:
        told = reading.runs.find(run)
        sightings = reading.readings.sightings(run)
    assert told is not None
    assert told.ended_at is not None
    assert len(sightings) == SERVERS
    for sighting in sightings:
        assert isinstance(sighting, Seen)
        assert told.started_at <= sighting.read_at <= told.ended_at
