"""A command works at its run by itself, and is recovered like any worker if it is killed."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from collectors.simulator.fleet import made
from reconcile.model.nouns import Seen, Skipped, SkipReason
from tests.processes import eventually
from tests.worker.cli.site import SCRIPT
from tests.worker.fleet import Fleet, inline_worker
from tests.worker.runs.office import Office, office
from worker.config.run_policy import Timing
from worker.model.runs import Lane, RunScope, Trigger
from worker.processes.inline import over_winrm
from worker.runs.schedule import open_due_run
from worker.runs.targets import RunRequest

SERVERS = 6
LONG_AGO = "2020-01-01T00:00:00.000000Z"


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Office]:
    """Six servers, each in two relationships, and a worker."""
    with office(tmp_path, made(SERVERS, partners=2)) as at:
        yield at


def environment(at: Office) -> dict[str, str]:
    """For commands about the same database."""
    own = {k: v for k, v in os.environ.items() if not k.startswith("IPAM_SYNC_")}
    return {
        **own,
        "IPAM_SYNC_DATABASE_URL": at.ipam.settings.database_url,
        "IPAM_SYNC_CA_FILE": str(at.ipam.settings.ca_file),
    }


def names(at: Office) -> list[str]:
    with at.ipam.store.read() as reading:
        return [server.name for server in reading.inventory.servers()]


def open_runs(at: Office) -> list[int]:
    with at.ipam.store.read() as reading:
        return [run.id for run in reading.runs.in_progress()]


def test_after_a_sync_nobody_is_due(at: Office) -> None:
    over_winrm(at.ipam).sync(RunRequest(Trigger.CLI, "tester"))
    assert open_due_run(at.ipam.store, at.dispatcher, Timing()) is None
    with at.ipam.store.read() as reading:
        assert len(reading.schedule.polls(range(1, SERVERS + 1))) == SERVERS


def test_a_server_that_fails_in_three_syncs_is_on_its_break(at: Office) -> None:
    at.running.change("dhcp0001", {"faults": "drop"})
    for _ in range(3):
        over_winrm(at.ipam).sync(RunRequest(Trigger.CLI, "tester"))
    with at.ipam.store.read() as reading:
        assert reading.schedule.polls([1])[1].failures == 3


def test_a_sync_that_is_killed_is_finished_by_workers(at: Office) -> None:
    """SIGKILL while one server does not answer and all others were read."""
    at.running.change("dhcp0001", {"faults": "hang"})
    process = subprocess.Popen(
        [SCRIPT, "sync"], env=environment(at), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    concluded = "SELECT count(*) FROM run_member WHERE state = 'concluded'"
    eventually(lambda: at.sql(concluded) == [(SERVERS - 1,)])
    process.kill()
    process.communicate()
    (run,) = open_runs(at)
    at.running.change("dhcp0001", {"faults": ""})
    at.worker_processes[0].sweep()
    assert open_runs(at) == [run], "its process counts as alive for a while"
    at.long_ago("worker_process", "alive_until", where="role = 'command'")
    at.sql("DELETE FROM lease WHERE name = 'sweep'")
    at.worker_processes[0].sweep()
    at.work()
    summary = at.summary(run)
    assert summary.pairs == SERVERS
    assert all(isinstance(s, Seen) for s in summary.sightings.values())


def test_a_sync_about_everything_takes_up_one_that_was_killed(at: Office) -> None:
    """Where no workers run, too."""
    with at.ipam.store.write() as uow:
        dead = uow.processes.register("host:1", "command", Timing().lease)
        killed = uow.runs.open(
            Trigger.CLI, "tester", "all servers", RunScope(), Lane.ON_DEMAND, dead
        )
        members = range(1, SERVERS + 1)
        uow.members.add(killed, members, targets=members)
        uow.commit()
    at.long_ago("worker_process", "alive_until", where="role = 'command'")
    at.worker_processes.clear()
    summary = over_winrm(at.ipam).sync(RunRequest(Trigger.CLI, "tester"))
    assert open_runs(at) == []
    assert at.summary(killed).sightings.keys() == summary.sightings.keys()
    assert [at.running.station(f"dhcp000{n}").runs for n in members] == [1] * SERVERS


def test_workers_leave_the_run_of_a_living_command_to_it(at: Office) -> None:
    with at.ipam.store.write() as uow:
        alive = uow.processes.register("host:1", "command", Timing().lease)
        run = uow.runs.open(Trigger.CLI, "tester", "all servers", RunScope(), Lane.FILES, alive)
        uow.members.add(run, [1, 2], targets=[1, 2])
        uow.commit()
    at.long_ago("run_member", "published_at")
    at.worker_processes[0].sweep()
    at.worker_processes[0].read(run, 1)
    at.run()
    assert not at.dispatcher.waiting_now
    with at.ipam.store.read() as reading:
        assert [(m.readings, m.claimed_by) for m in reading.members.of_run(run)] == [(0, None)] * 2


def test_a_sync_of_files_ends_although_its_registration_lapsed(at: Office) -> None:
    """Its machine stood still: it is another process now, and the run is that of one that is gone."""
    fleet = Fleet({name: [] for name in names(at)})

    def stand_still() -> None:
        fleet.before_look = lambda: None
        at.sql("UPDATE run SET process_id = 4711")

    fleet.before_look = stand_still
    inline = inline_worker(at.ipam.store, fleet, at.ipam.run_policy)
    told = inline.sync(RunRequest(Trigger.CLI, "tester")).sightings.values()
    assert sum(isinstance(s, Seen) for s in told) == 1
    left = [s.reason for s in told if isinstance(s, Skipped)]
    assert left == [SkipReason.ABANDONED] * (SERVERS - 1)


def test_a_run_of_files_answers_no_other_run(at: Office) -> None:
    """A file says nothing of what a server says when it is asked."""
    run = at.ask()
    fleet = Fleet({name: [] for name in names(at)})
    files = inline_worker(at.ipam.store, fleet, at.ipam.run_policy)
    assert len(files.sync(RunRequest(Trigger.CLI, "tester")).sightings) == SERVERS
    with at.ipam.store.read() as reading:
        assert [m.readings for m in reading.members.of_run(run)] == [0] * SERVERS
    at.work()
    assert at.summary(run).pairs == SERVERS
