"""When the database cannot: one sentence that says where, why and what to do, and no secret."""

from __future__ import annotations

import shutil
import sqlite3
import traceback
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import event, make_url, text
from sqlalchemy.exc import DBAPIError

from tests.ports import closed_port
from tests.postgres import PostgresServer
from tests.worker.store.samples import BEGIN, a_reading, a_record, add_servers, insert, open_run
from worker.model.errors import StoreUnavailable
from worker.store.engine import database
from worker.store.schema import open_store
from worker.store.transactions import migrating, writing
from worker.store.unit_of_work import Store, UnitOfWork

PASSWORD = "s3cret%20w0rd"  # noqa: S105 - the one that must not be seen
PLAIN = "s3cret w0rd"


def sentence(error: BaseException) -> str:
    """What people see: one line that ends like a sentence."""
    text = str(error)
    assert "\n" not in text
    assert text.endswith(".")
    return text


class TestSqlite:
    """The file and its directory."""

    def test_a_directory_that_cannot_be_made(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        url = f"sqlite:///{tmp_path / 'file' / 'store.db'}"
        with pytest.raises(StoreUnavailable) as refused:
            open_store(url)
        assert "cannot be created" in sentence(refused.value)

    def test_a_directory_instead_of_a_file(self, tmp_path: Path) -> None:
        with pytest.raises(StoreUnavailable) as refused:
            open_store(f"sqlite:///{tmp_path}")
        assert f"SQLite file {tmp_path} cannot be opened" in sentence(refused.value)

    def test_a_damaged_file(self, sqlite_store_url: str) -> None:
        file = Path(sqlite_store_url.removeprefix("sqlite:///"))
        content = bytearray(file.read_bytes())
        content[8192:] = b"\xff" * (len(content) - 8192)
        file.write_bytes(content)
        with (
            pytest.raises(StoreUnavailable) as refused,
            open_store(sqlite_store_url).write() as uow,
        ):
            uow.views.servers()
        assert "is damaged" in sentence(refused.value)
        assert "backup" in sentence(refused.value)

    def test_a_file_that_may_only_be_read(self, sqlite_store_url: str) -> None:
        """By SQLite's own switch: a file's mode stops everybody but root."""
        file = sqlite_store_url.removeprefix("sqlite:///")
        store = open_store(f"sqlite:///file:{file}?mode=ro&uri=true")
        with pytest.raises(StoreUnavailable) as refused, store.write() as uow:
            uow.inventory.add("dhcp01")
        assert "may only be read" in sentence(refused.value)

    def test_a_file_that_takes_the_place_of_another_one_is_used_from_then_on(
        self, sqlite_store_url: str, tmp_path: Path
    ) -> None:
        """As when a backup is restored while a worker runs, in place of all files of the old one."""
        file = Path(sqlite_store_url.removeprefix("sqlite:///"))
        backup = shutil.copyfile(file, tmp_path / "backup.db")
        store = open_store(sqlite_store_url)
        add_servers(store, 1)
        for suffix in ("-wal", "-shm"):
            file.with_name(file.name + suffix).unlink()
        backup.replace(file)
        with store.read() as reading:
            assert reading.inventory.servers() == ()
        add_servers(store, 1)
        with sqlite3.connect(file) as connection:
            assert connection.execute("SELECT count(*) FROM server").fetchone() == (1,)
        connection.close()
        store.close()

    def test_a_transaction_that_only_reads_cannot_write_and_the_next_one_can(
        self, sqlite_store_url: str
    ) -> None:
        store = open_store(sqlite_store_url)
        with pytest.raises(StoreUnavailable), store.read() as reading:
            reading.inventory._connection.run(text("DELETE FROM server"))
        assert add_servers(store, 1)
        store.close()

    def test_who_is_interrupted_in_the_middle_of_a_statement_leaves_the_lock(
        self, sqlite_store_url: str
    ) -> None:
        """Whoever has the interruption in hand, to tell it, has its statement in hand, too."""
        store, other = (open_store(sqlite_store_url, lock_timeout_seconds=0.2) for _ in range(2))
        add_servers(other, 3)

        def interrupt(cursor: sqlite3.Cursor, statement: str, *_: object) -> None:
            if statement.startswith("SELECT"):
                cursor.execute("SELECT name FROM server")  # more rows than were fetched
                raise KeyboardInterrupt

        event.listen(store.engine, "do_execute", interrupt)
        with pytest.raises(KeyboardInterrupt) as interrupted, store.write() as uow:
            uow.views.servers()
        with other.write() as uow:
            uow.inventory.add("dhcp09")
            uow.commit()
        assert interrupted.tb is not None

    def test_a_limit_that_is_no_number(self, sqlite_url: str) -> None:
        with pytest.raises(StoreUnavailable, match="max_page_count"):
            open_store(f"{sqlite_url}?max_page_count=lots")

    def test_no_room_to_make_it(self, sqlite_url: str) -> None:
        with pytest.raises(StoreUnavailable) as refused:
            open_store(f"{sqlite_url}?max_page_count=4")
        assert "has no room left" in sentence(refused.value)
        store = open_store(sqlite_url)
        assert add_servers(store, 1), "once there is room, all goes well"

    @pytest.mark.parametrize("step", ["records", "readings", "watches"])
    def test_a_full_disk_leaves_nothing_half_written(
        self, sqlite_store_url: str, step: str
    ) -> None:
        roomy = open_store(sqlite_store_url)
        one, two = add_servers(roomy, 2)
        before = insert(roomy, a_record("alpha", one, two, 1))
        full = open_store(f"{sqlite_store_url}?max_page_count={_pragma(roomy, 'page_count')}")
        with pytest.raises(StoreUnavailable) as refused, full.write() as uow:
            much_of(uow, step, one, two)
        assert "has no room left" in sentence(refused.value)
        assert "free some space" in sentence(refused.value)
        with roomy.write() as uow:
            assert (list(uow.records.load()), uow.runs.latest(5), uow.watches.since([one])) == (
                before,
                (),
                {},
            )
            much_of(uow, step, one, two)
            uow.commit()
        assert _pragma(roomy, "integrity_check") == "ok"


def much_of(uow: UnitOfWork, step: str, one: int, two: int) -> None:
    """More than fits into the free space of a page."""
    names = [f"relationship {n}" for n in range(2000)]
    match step:
        case "records":
            uow.records.insert([(a_record(name, one, two), ()) for name in names])
        case "readings":
            uow.readings.replace([(open_run(uow), a_reading(one, BEGIN, *names))])
        case "watches":
            uow.watches.start({(one, name): BEGIN for name in names})
        case _:
            raise AssertionError(step)


def _pragma(store: Store, name: str) -> object:
    with store.engine.connect() as connection:
        return connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()


class TestPostgres:
    """The server, the database and the rights on it."""

    @pytest.fixture
    def unused_port(self) -> Iterator[int]:
        with closed_port() as port:
            yield port

    def test_a_server_that_does_not_run(self, unused_port: int) -> None:
        with pytest.raises(StoreUnavailable) as refused:
            open_store(f"postgresql://ipam:{PASSWORD}@127.0.0.1:{unused_port}/ipam")
        said = sentence(refused.value)
        assert said.startswith(
            f"PostgreSQL database ipam on 127.0.0.1 port {unused_port} as ipam cannot be reached"
        )
        assert "refused" in said
        assert "see that the server runs" in said

    def test_a_database_that_is_not_there(self, postgres_server: PostgresServer) -> None:
        with pytest.raises(StoreUnavailable) as refused:
            open_store(postgres_server.url("no_such_database"))
        assert "PostgreSQL database no_such_database" in sentence(refused.value)
        assert "does not exist" in sentence(refused.value)

    def test_a_wrong_password(self, guarded_url: str) -> None:
        with pytest.raises(StoreUnavailable) as refused:
            open_store(guarded_url)
        assert "refuses the user or the password" in sentence(refused.value)
        _must_not_tell(refused.value)

    @pytest.fixture
    def guarded_url(self, postgres_server: PostgresServer) -> Iterator[str]:
        """A user who must give a password, and a wrong one."""
        rules = postgres_server.home / "data" / "pg_hba.conf"
        before = rules.read_text()
        with postgres_server.connect() as connection:
            connection.execute("CREATE ROLE guarded LOGIN PASSWORD 'another'")
            rules.write_text(f"local all guarded scram-sha-256\n{before}")
            connection.execute("SELECT pg_reload_conf()")
        yield (
            make_url(postgres_server.url())
            .set(username="guarded", password=PLAIN)
            .render_as_string(hide_password=False)
        )
        with postgres_server.connect() as connection:
            rules.write_text(before)
            connection.execute("SELECT pg_reload_conf()")
            connection.execute("DROP ROLE guarded")

    def test_a_user_who_may_not_make_tables(self, postgres_server: PostgresServer) -> None:
        with postgres_server.database() as name, postgres_server.connect() as connection:
            connection.execute("CREATE ROLE guest LOGIN")
            url = make_url(postgres_server.url(name)).set(username="guest")
            with pytest.raises(StoreUnavailable) as refused:
                open_store(url.render_as_string())
            connection.execute("DROP ROLE guest")
        assert "denies access (permission denied for schema public)" in sentence(refused.value)

    def test_a_standby_that_may_only_be_read(self, postgres_store_url: str) -> None:
        store = open_store(f"{postgres_store_url}&options=-cdefault_transaction_read_only%3Don")
        with pytest.raises(StoreUnavailable) as refused, store.write():
            pass
        assert "may only be read" in sentence(refused.value)
        store.close()

    def test_a_connection_that_is_lost_on_the_way(
        self, postgres_store_url: str, postgres_server: PostgresServer
    ) -> None:
        """And the next unit of work has a new one."""
        store = open_store(postgres_store_url)
        with pytest.raises(StoreUnavailable) as refused, store.write() as uow:
            _lose_the_connection_of(uow, postgres_server)
        assert "cannot be reached" in sentence(refused.value)
        with store.read() as reading:
            assert reading.inventory.servers() == ()
        store.close()

    def test_a_server_that_has_no_connection_left(
        self, postgres_server: PostgresServer, postgres_store_url: str
    ) -> None:
        with postgres_server.connect() as connection:
            connection.execute("CREATE ROLE crowd LOGIN CONNECTION LIMIT 0")
            url = make_url(postgres_store_url).set(username="crowd")
            with pytest.raises(StoreUnavailable) as refused:
                open_store(url.render_as_string())
            connection.execute("DROP ROLE crowd")
        assert "has no connection left" in sentence(refused.value)

    def test_a_process_that_uses_all_the_connections_it_may_have(
        self, postgres_store_url: str
    ) -> None:
        store = open_store(postgres_store_url, lock_timeout_seconds=0.1)
        with pytest.raises(StoreUnavailable) as refused:
            _hold_connections(store, 100)
        assert "no connection came free in time" in sentence(refused.value)
        store.close()

    def test_who_only_looks_waits_for_a_locked_table_no_longer_than_a_writer(
        self, postgres_store_url: str
    ) -> None:
        store = open_store(postgres_store_url, lock_timeout_seconds=0.1)
        with store.engine.begin() as other:
            other.exec_driver_sql("LOCK TABLE server")
            with pytest.raises(StoreUnavailable) as refused, store.read() as reading:
                reading.inventory.servers()
        assert "by another process for too long" in sentence(refused.value)
        store.close()

    def test_a_writer_that_stands_still_is_ended_by_the_server_and_keeps_nothing(
        self, postgres_store_url: str
    ) -> None:
        """A machine that was suspended, or lost, in the middle of a transaction."""
        stuck = open_store(postgres_store_url, lock_timeout_seconds=0.1)
        other = open_store(postgres_store_url)
        with pytest.raises(StoreUnavailable) as refused, stuck.write() as uow:
            _stand_still(uow, other)
        assert "held up for too long" in sentence(refused.value)
        stuck.close()
        other.close()

    def test_one_that_stands_still_before_all_of_a_statement_was_sent_is_ended_too(
        self, postgres_store_url: str
    ) -> None:
        """To the server it is at work: the limit of a transaction that is held up does not count."""
        stuck = open_store(postgres_store_url, lock_timeout_seconds=0.1)
        other = open_store(postgres_store_url)
        with pytest.raises(StoreUnavailable), stuck.write() as uow:
            _stand_still_in_half(uow, other)
        with other.read() as reading:
            assert [server.name for server in reading.inventory.servers()] == [
                "dhcp01.corp.example"
            ]
        stuck.close()
        other.close()

    def test_an_upgrade_takes_as_long_as_it_takes(self, postgres_store_url: str) -> None:
        opened = database(postgres_store_url, 0.1)
        limit = text("SHOW transaction_timeout")
        with migrating(opened) as connection:
            assert connection.execute(limit).scalar() == "0"
        with writing(opened) as connection:
            assert connection.execute(limit).scalar() == "3s"
        opened.close()

    @pytest.mark.parametrize(
        ("state", "words"),
        [
            ("53100", "has no room left"),
            ("53300", "has no connection left"),
            ("53200", "is short of memory"),
            ("55P03", "is being written to by another process"),
            ("40001", "undid the step"),
            ("57014", "gave a statement up"),
            ("57P01", "cannot be reached"),
            ("25P03", "ended a step that was held up for too long"),
            ("25P04", "ended a step that took too long"),
            ("58030", "cannot read or write its files"),
        ],
    )
    def test_what_only_a_server_in_trouble_says(
        self, postgres_store_url: str, state: str, words: str
    ) -> None:
        """Raised by the server, for a test can fill no disk of it."""
        store = open_store(postgres_store_url)
        trouble = f"DO $$ BEGIN RAISE EXCEPTION 'trouble' USING ERRCODE = '{state}'; END $$"
        with pytest.raises(StoreUnavailable) as refused, store.write() as uow:
            uow._connection.run(text(trouble))
        assert words in sentence(refused.value)
        store.close()


def _hold_connections(store: Store, count: int) -> None:
    with ExitStack() as stack:
        for _ in range(count):
            stack.enter_context(store.read())


def _stand_still_in_half(uow: UnitOfWork, other: Store) -> None:
    """Without the end of what is asked, as a process does that is stopped while it sends many rows;
    until the server has let the other one in.
    """
    driver = uow._connection._connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    driver.pgconn.enter_pipeline_mode()
    driver.pgconn.send_query_params(b"SELECT 1", [])
    driver.pgconn.send_flush_request()
    assert driver.pgconn.flush() == 0
    add_servers(other, 1)
    driver.close()
    uow.inventory.add("dhcp09")


def _stand_still(uow: UnitOfWork, other: Store) -> None:
    """Until the server has let the other one in."""
    uow.inventory.add("dhcp01")
    with other.write() as free:
        assert free.inventory.servers() == ()
    uow.inventory.add("dhcp02")


def _lose_the_connection_of(uow: UnitOfWork, server: PostgresServer) -> None:
    uow.inventory.add("dhcp01")
    (pid,) = uow._connection.rows(text("SELECT pg_backend_pid()"))[0]
    with server.connect() as connection:
        connection.execute("SELECT pg_terminate_backend(%s, 10000)", [pid])
    uow.inventory.add("dhcp02")


def test_a_mistake_of_ours_is_not_dressed_up_as_trouble(store: Store) -> None:
    with pytest.raises(DBAPIError), store.write() as uow:
        uow._connection.run(text("SELECT no_such_column FROM server"))


class TestUrls:
    """What is no database of ours is refused in one sentence that does not quote it."""

    @pytest.mark.parametrize(
        "url",
        [
            "",
            f"{PASSWORD}",
            "postgresql://ipam:s3cret@w0rd@db.corp.example/ipam",
            "postgresql://ipam:12/s3cret@db.corp.example/ipam",
            "postgresql://ipam:s3cret:w0rd@/x@db.corp.example/ipam",
            "postgresql://ipam:s3cret@db.corp.example:w0rd/ipam",
            f"mysql://ipam:{PASSWORD}@db.corp.example/ipam",
            "sqlite://",
            "sqlite:///:memory:",
        ],
    )
    def test_they_are_refused(self, url: str) -> None:
        with pytest.raises(StoreUnavailable) as refused:
            open_store(url)
        assert "IPAM_SYNC_DATABASE_URL" in sentence(refused.value)
        _must_not_tell(refused.value)

    @pytest.mark.parametrize("driver", ["postgres", "postgresql", "postgresql+psycopg2"])
    def test_every_spelling_of_postgresql_gets_our_driver(
        self, postgres_store_url: str, driver: str
    ) -> None:
        store = open_store(f"{driver}:{postgres_store_url.partition(':')[2]}")
        with store.read() as reading:
            assert reading.inventory.servers() == ()
        store.close()


class TestSecrets:
    """A password is in no text, whatever goes wrong (rule R12)."""

    @pytest.mark.parametrize(
        "url",
        [
            f"postgresql://ipam:{PASSWORD}@127.0.0.1:1/ipam",
            f"postgresql://ipam@127.0.0.1:1/ipam?password={PASSWORD}",
            f"postgresql://ipam@127.0.0.1:1/ipam?sslpassword={PASSWORD}&sslmode=disable",
            f"postgresql://ipam:{PASSWORD}@127.0.0.1:1/ipam?no_such_option=1",
        ],
    )
    def test_not_in_what_is_said_of_a_failure(self, url: str) -> None:
        with pytest.raises(StoreUnavailable) as refused:
            open_store(url)
        _must_not_tell(refused.value)

    @pytest.mark.parametrize("where", ["", "?password=s3cret%20w0rd"])
    def test_not_in_the_repr_of_a_store(self, where: str) -> None:
        user = "ipam" if where else f"ipam:{PASSWORD}"
        store = Store(database(f"postgresql://{user}@127.0.0.1:1/ipam{where}", 1))
        for shown in (store, store.engine, store.engine.url, store._database):
            assert PLAIN not in repr(shown)
            assert "s3cret" not in repr(shown)


def _must_not_tell(error: BaseException) -> None:
    told = "".join(traceback.format_exception(error))
    assert "s3cret" not in told
    assert "w0rd" not in told
