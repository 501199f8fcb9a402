"""The database goes away while workers work: they tell it once, and do everything when it is back."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from collectors.simulator.fleet import made
from reconcile.model.nouns import Seen
from tests.postgres import PostgresServer
from tests.processes import eventually
from tests.worker.runs.office import Office, office
from tests.worker.runs.test_observed import told
from worker.model.roles import Task
from worker.model.runs import Lane

SLOW = "dhcp0001"


@pytest.fixture
def name(postgres_server: PostgresServer) -> Iterator[str]:
    """A database that can be taken away."""
    with postgres_server.database() as name:
        yield name


@pytest.fixture
def at(tmp_path: Path, name: str, postgres_server: PostgresServer) -> Iterator[Office]:
    """Two servers, of which one takes its time, and a worker whose heart beats ten times a second."""
    url, lease = postgres_server.url(name), timedelta(seconds=0.3)
    with office(tmp_path, made(2, partners=1), database_url=url, lease=lease) as at:
        at.running.change(SLOW, {"think_seconds": "0.5"})
        yield at


@contextmanager
def away(server: PostgresServer, name: str) -> Iterator[None]:
    """Everybody is thrown out of the database, and nobody is let in."""
    allow = f"ALTER DATABASE {name} ALLOW_CONNECTIONS"
    end = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = %s"
    with server.connect() as connection:
        connection.execute(f"{allow} false".encode())
        connection.execute(end, [name])
        yield
        connection.execute(f"{allow} true".encode())


def read(at: Office, run: int) -> threading.Thread:
    """A thread that reads the slow server, as a task does, and has begun."""
    thread = threading.Thread(target=_as_a_task, args=(at, run))
    thread.start()
    eventually(lambda: at.running.station(SLOW).runs)
    return thread


def _as_a_task(at: Office, run: int) -> None:
    with at.recorder.task(Task.READ, run=run, server=1):
        at.worker_processes[0].read(run, 1)


def test_a_reading_that_could_not_be_told_is_asked_for_again(
    at: Office, postgres_server: PostgresServer, name: str
) -> None:
    """By its own process: that lives, so nobody else looks after what it had in hand."""
    run = at.ask()
    at.dispatcher.waiting_now.clear()
    reading = read(at, run)
    with away(postgres_server, name):
        reading.join()
    eventually(lambda: ("read", run, 1) in at.dispatcher.waiting_now)
    at.dispatcher.read(run, 2, Lane.ON_DEMAND)
    at.work()
    assert {type(s) for s in at.summary(run).sightings.values()} == {Seen}


def test_a_reading_under_way_is_not_dropped_by_a_beat_of_the_heart(at: Office) -> None:
    run = at.ask()
    at.dispatcher.waiting_now.clear()
    read(at, run).join()
    assert not at.dispatcher.waiting_now
    with at.ipam.store.read() as reading:
        assert [m.readings for m in reading.members.of_run(run)] == [1, 0]


def test_an_outage_has_a_line_at_its_beginning_and_one_at_its_end_and_no_traceback(
    at: Office, postgres_server: PostgresServer, name: str
) -> None:
    with told() as log:
        with away(postgres_server, name):
            for _ in range(3):
                _as_a_task(at, 1)
            eventually(lambda: log.of("database away"))
        eventually(lambda: log.of("database back"))
    (line,) = log.of("database away")
    assert line["level"] == "error"
    assert "cannot be reached" in line["why"]
    assert "Traceback" not in log.stream.getvalue()


def test_a_worker_that_ends_while_the_database_is_away_ends_in_good_order(
    at: Office, postgres_server: PostgresServer, name: str
) -> None:
    at.run()  # it has logons to remember
    with away(postgres_server, name):
        at.worker_processes[0].stop()
        at.worker_processes[0].__exit__(None, None, None)
    assert not at.worker_processes[0]._registration._heart.is_alive(), (
        "and nobody had to be told why"
    )
