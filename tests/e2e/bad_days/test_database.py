"""The database has a bad day in the middle of a run: workers tell it once, and go on by themselves."""

from __future__ import annotations

import re
import signal
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import TypeAlias

import psycopg
import pytest

from collectors.simulator.fleet import made
from tests.e2e.bad_days.aftermath import assert_as_after_a_quiet_day, assert_nothing_is_half_done
from tests.e2e.bad_days.doomed import Point
from tests.e2e.bad_days.installation import Installation, installation
from tests.e2e.bad_days.nursery import begin
from tests.e2e.bad_days.test_kills import drift, order
from tests.postgres import DURABLE, PostgresServer, running_postgres
from tests.processes import eventually
from tests.valkey import ValkeyServer, running_valkey
from worker.model.errors import StoreUnavailable
from worker.model.runs import MemberStage
from worker.store.tables.columns import metadata
from worker.store.unit_of_work import Store

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="children are bound by Linux")

SERVERS = {"postgresql": 50, "sqlite": 20}
#: SQLite takes its writers in no order, so that one may have to wait on any day.
PATIENCE_SECONDS = {"postgresql": 2.0, "sqlite": 4.0}
#: A run with so many readings is in its middle.
_BEGUN = 5
#: What everybody writes while nothing happens.
_BOOKKEEPING = {"lease", "worker_process"}

Rows: TypeAlias = dict[str, list[tuple[object, ...]]]


@dataclass
class Site:
    """An installation, and how many operations it needed so far."""

    at: Installation
    operations: int
    _drifts: int = 0
    _read: dict[str, int] = field(default_factory=dict)

    def begin_a_run(self) -> int:
        """There is something to do, and it is being done."""
        self._drifts += 1
        self.operations += drift(self.at, self._drifts)
        self._read = {name: len(text) for name, text in self.logs().items()}
        run = self.at.ask()
        eventually(lambda: self.concluded(run) >= _BEGUN)
        assert not self.at.is_over(run)
        return run

    def concluded(self, run: int) -> int:
        """So many servers were read for it."""
        with self.at.ipam.store.read() as reading:
            return sum(m.stage is not MemberStage.WAITING for m in reading.members.of_run(run))

    def logs(self) -> dict[str, str]:
        """What everybody said."""
        files = {name: self.at.directory / f"{name}.log" for name in self.at.staff}
        return {name: file.read_text(errors="replace") for name, file in files.items()}

    def news(self) -> dict[str, str]:
        """What they said since the run began."""
        return {name: text[self._read.get(name, 0) :] for name, text in self.logs().items()}

    def say(self, what: str) -> list[str]:
        """Who said that since."""
        return [name for name, text in self.news().items() if what in text]

    def assert_all_is_well_by_itself(self, run: int) -> None:
        """Nobody was restarted, nothing is half done, and a line told of it instead of tracebacks."""
        assert_nothing_is_half_done(self.at, run)
        assert self.at.the_dead() == []
        for name, text in self.news().items():
            assert "Traceback" not in text, name
            turns = re.findall(r"database (away|back)", text)
            assert all(one != next_ for one, next_ in pairwise(turns)), (name, turns)
        eventually(lambda: self.say("database away") == self.say("database back"))


@contextmanager
def site(url: str | None, broker: ValkeyServer) -> Iterator[Site]:
    """Servers that think for a while, as IPAM knows them, and workers with little patience.

    At the end of all bad days the store is as after quiet ones.
    """
    kind = "sqlite" if url is None else "postgresql"
    with installation(made(SERVERS[kind]), url, broker, begin=begin) as at:
        orders = at.directory / "orders"
        orders.mkdir()
        sleepy = (sys.executable, "-m", "tests.e2e.bad_days.sleepy")
        for role in ("on-demand", "on-demand", "control"):
            given = orders if role == "on-demand" else at.directory
            command = (*sleepy, str(given), str(PATIENCE_SECONDS[kind]))
            at.hire("worker", "--role", role, command=command)
        at.hire("beat")
        at.wait_until_ready()
        at.run()
        for server in at.running.fleet.servers:
            at.running.change(server.name, {"think_seconds": "0.3"})
        there = Site(at, operations=len(at.entries()))
        yield there
        for server in at.running.fleet.servers:
            at.running.change(server.name, {"think_seconds": "0"})
        assert_as_after_a_quiet_day(at, there.operations)


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A server that is like those of production, but small."""
    with running_postgres(**DURABLE, max_connections="60") as server:
        yield server


@pytest.fixture(scope="module")
def there(server: PostgresServer) -> Iterator[Site]:
    """Everybody works with that server, and with a broker that nobody else uses meanwhile."""
    with (
        server.database() as name,
        running_valkey() as broker,
        site(server.url(name), broker) as there,
    ):
        yield there


def forget_connections(there: Site) -> None:
    """Those of the test itself."""
    assert isinstance(there.at.ipam.store, Store)
    there.at.ipam.store.engine.dispose()


def test_postgresql_is_restarted(there: Site, server: PostgresServer) -> None:
    run = there.begin_a_run()
    server.crash()
    eventually(lambda: there.say("database away"))
    server.start()
    forget_connections(there)
    there.assert_all_is_well_by_itself(run)
    assert there.say("cannot be reached")


def test_postgresql_has_no_connection_left(there: Site, server: PostgresServer) -> None:
    run, staff = there.begin_a_run(), set(there.at.staff)
    with ExitStack() as stack:
        eventually(lambda: take_all(server, stack) and set(there.say("database away")) == staff)
        forget_connections(there)
        eventually(lambda: take_all(server, stack) and "has no connection left" in refusal(there))
    there.assert_all_is_well_by_itself(run)


def take_all(server: PostgresServer, stack: ExitStack) -> bool:
    """Throw everybody out and take their places."""
    others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s"
    while True:
        try:
            connection = stack.enter_context(server.connect())
        except psycopg.OperationalError:
            return True
        connection.execute(others, ["ipam-sync"])


def refusal(there: Site) -> str:
    """What is said to one more who wants a connection."""
    try:
        with there.at.ipam.store.read():
            return ""
    except StoreUnavailable as error:
        return str(error)


@pytest.mark.parametrize(
    "statement",
    ["SELECT id FROM writer FOR UPDATE", "LOCK TABLE run_member, server, worker_process"],
)
def test_somebody_holds_a_lock_in_postgresql(
    there: Site, server: PostgresServer, statement: str
) -> None:
    run = there.begin_a_run()
    url = there.at.ipam.settings.database_url.replace("+psycopg", "")
    with psycopg.connect(url) as connection:
        connection.execute(statement.encode())
        eventually(lambda: there.say("by another process for too long"))
    there.assert_all_is_well_by_itself(run)


def test_sqlite_is_busy(broker: ValkeyServer) -> None:
    with site(None, broker) as there:
        run = there.begin_a_run()
        with closing(sqlite3.connect(there.at.directory / "ipam-sync.db")) as connection:
            connection.execute("BEGIN IMMEDIATE")
            eventually(lambda: there.say("by another process for too long"))
            connection.rollback()
        there.assert_all_is_well_by_itself(run)


# ------------------------------------------------------------------------------------ waking up


@pytest.mark.parametrize("point", [Point.RECORDED_NOT_APPLIED, Point.IN_THE_MIDDLE_OF_APPLYING])
def test_an_old_holder_of_a_lease_that_wakes_up_writes_nothing(there: Site, point: Point) -> None:
    """Its lease is another's; or the server has ended its transaction, or that of another thread."""
    given = order(there.at, point)
    run = there.begin_a_run()
    eventually(lambda: sleepers(there, given))
    (sleeper,) = sleepers(there, given)
    assert_nothing_is_half_done(there.at, run)
    before = rows(there)
    there.at.staff[sleeper].send_signal(signal.SIGCONT)
    eventually(lambda: sleeper in {*there.say("lease lost"), *there.say("database away")})
    there.assert_all_is_well_by_itself(run)
    assert rows(there) == before


def sleepers(there: Site, order: Path) -> list[str]:
    """Who was stopped at that order."""
    staff = there.at.staff.items()
    return [name for name, process in staff if order.with_suffix(f".{process.pid}").exists()]


def rows(there: Site) -> Rows:
    """All that is in the database, but for what everybody writes while nothing happens."""
    store = there.at.ipam.store
    assert isinstance(store, Store)
    with store.engine.connect() as connection:
        return {
            table.name: sorted(map(tuple, connection.execute(table.select())), key=repr)
            for table in metadata.sorted_tables
            if table.name not in _BOOKKEEPING
        }
