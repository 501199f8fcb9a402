"""A sync of exported files that is killed, as the next sweep leaves its run."""

from __future__ import annotations

import signal
from contextlib import ExitStack, closing

import psycopg

from reconcile.model.nouns import Seen, Skipped, SkipReason
from tests.worker.cli.site import Site, fqdn
from tests.worker.runs.office import HeldMessages
from worker.bootstrap import opened
from worker.config.settings import Settings
from worker.processes.worker import WorkerProcess
from worker.runs.ending import summary_of
from worker.telemetry.events import EventRecorder

LONG_AGO = "2020-01-01T00:00:00Z"


def test_a_killed_run_of_files_is_closed_by_a_sweep_with_what_was_read(
    site: Site, postgres_url: str
) -> None:
    """SIGKILL between the first and the second file. Nobody else has the files."""
    site.settings |= {"IPAM_SYNC_DATABASE_URL": postgres_url, "IPAM_SYNC_CONCURRENCY": "1"}
    site.import_servers(1, 2, 3)
    address = postgres_url.replace("+psycopg", "")
    with psycopg.connect(address) as connection:
        connection.execute(
            "INSERT INTO server_poll (server_id, due_at, failures) VALUES (2, now(), 0)"
        )
        connection.commit()
        connection.execute("SELECT 1 FROM server_poll WHERE server_id = 2 FOR UPDATE")
        process = site.start("sync", "--exports", site.exports)
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        while connection.execute(waiting).fetchone() != (1,):
            assert process.poll() is None, "the sync ended without waiting"
        process.send_signal(signal.SIGKILL)
        process.communicate()
    with ExitStack() as stack:
        ipam = stack.enter_context(opened(Settings(database_url=postgres_url)))
        dispatcher = HeldMessages()
        worker = stack.enter_context(WorkerProcess(ipam, dispatcher, "all", EventRecorder()))
        with closing(psycopg.connect(address, autocommit=True)) as connection:
            connection.execute(
                "UPDATE worker_process SET alive_until = %s WHERE role = 'command'", (LONG_AGO,)
            )
        worker.sweep()
        assert [kind for kind, *_ in dispatcher.sent] == ["settle"]
        (_, run, _) = dispatcher.sent[0]
        worker.settle(run)
        with ipam.store.read() as reading:
            told = reading.runs.find(run)
            summary = summary_of(reading, run, ipam.run_policy)
            names = {s.id: s.name for s in reading.inventory.servers()}
    assert told is not None
    assert told.outcome == "done"
    by_name = {names[server]: sighting for server, sighting in summary.sightings.items()}
    assert isinstance(by_name[fqdn(1)], Seen)
    left = [s.reason for s in by_name.values() if isinstance(s, Skipped)]
    assert left == [SkipReason.ABANDONED] * 2
    assert told.summary["servers_skipped"] == 2
