"""The PostgreSQL fixture itself: no process and no file of it outlives the tests."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from tests.postgres import DURABLE, PostgresServer, running_postgres
from tests.processes import PATIENCE_SECONDS

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="processes are watched through Linux process descriptors"
)

_ROOT = Path(__file__).parents[1]
_A_RUN_TO_KILL = """
from tests.postgres import running_postgres
from tests.test_postgres import process_ids
with running_postgres() as server:
    print(server.home, *process_ids(server), flush=True)
    input()
"""


def process_ids(server: PostgresServer) -> list[int]:
    """The server and the processes that it keeps for as long as it runs."""
    with server.connect() as connection:
        rows = connection.execute(
            "SELECT pid FROM pg_stat_activity"
            " WHERE backend_type NOT IN ('client backend', 'autovacuum worker')"
        ).fetchall()
    return [server.pid, *(pid for (pid,) in rows)]


def ended(watched: int) -> bool:
    poll = select.poll()
    poll.register(watched, select.POLLIN)
    return bool(poll.poll(PATIENCE_SECONDS * 1000))


def test_when_it_stops_no_process_and_no_file_is_left() -> None:
    with running_postgres() as server:
        watched = [os.pidfd_open(pid) for pid in process_ids(server)]
    assert len(watched) > 2
    assert all(map(ended, watched))
    assert not server.home.exists()
    for descriptor in watched:
        os.close(descriptor)


def test_a_killed_test_run_takes_its_server_with_it_and_the_next_run_clears_up() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _A_RUN_TO_KILL],
        cwd=_ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as run:
        assert run.stdout is not None
        home, *pids = run.stdout.readline().split()
        watched = [os.pidfd_open(int(pid)) for pid in pids]
        run.kill()
    assert len(watched) > 2
    assert all(map(ended, watched))
    with running_postgres():
        assert not Path(home).exists()
    for descriptor in watched:
        os.close(descriptor)


def test_the_server_listens_on_no_network_address(postgres_server: PostgresServer) -> None:
    with postgres_server.connect() as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
    assert postgres_server.home.stat().st_mode & 0o077 == 0


def test_each_test_has_an_empty_database_of_its_own_that_is_dropped(
    postgres_server: PostgresServer,
) -> None:
    with postgres_server.database() as first, postgres_server.database() as second:
        assert first != second
    with (
        pytest.raises(psycopg.OperationalError, match="does not exist"),
        psycopg.connect(host=str(postgres_server.home), user="postgres", dbname=first),
    ):
        pass


def test_what_was_committed_is_there_after_a_crash() -> None:
    with running_postgres(**DURABLE) as server:
        with server.connect() as connection:
            connection.execute("CREATE TABLE kept (n int)")
        server.crash()
        with pytest.raises(psycopg.OperationalError):
            server.connect()
        server.start()
        with server.connect() as connection:
            assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)
