"""The store under test, empty and ready, on SQLite and on PostgreSQL.

One store of each kind serves all tests and is emptied after each: to make and open one costs
more than most tests.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, event

from tests.postgres import PostgresServer
from tests.worker.pristine import in_new_store
from worker.store.schema import open_store
from worker.store.tables.columns import metadata
from worker.store.tables.failover import audit
from worker.store.tables.inventory import writer
from worker.store.unit_of_work import Store

_ROWS = [table.name for table in reversed(metadata.sorted_tables) if table not in (audit, writer)]


@pytest.fixture(scope="session")
def sqlite_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """The SQLite store."""
    store = open_store(f"sqlite:///{tmp_path_factory.mktemp('store') / 'shared.db'}")
    event.listen(store.engine, "connect", lambda c, _: c.execute("PRAGMA synchronous = OFF"))
    yield store
    store.close()


@pytest.fixture(scope="session")
def postgres_store(postgres_server: PostgresServer) -> Iterator[Store]:
    """The PostgreSQL store."""
    with postgres_server.database() as name:
        store = open_store(postgres_server.url(name))
        yield store
        store.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """An empty store; a test that takes it runs on SQLite and on PostgreSQL."""
    fixture = {"sqlite": "sqlite_store", "postgresql": "postgres_store"}[request.param]
    shared: Store = request.getfixturevalue(fixture)
    yield shared
    with shared.engine.begin() as connection:
        for table in _ROWS:
            connection.exec_driver_sql(f"DELETE FROM {table}")  # noqa: S608 - our own names
        connection.exec_driver_sql("UPDATE writer SET inventory = inventory + 1")
        if connection.execute(audit.select().limit(1)).first() is not None:
            _forget_decisions(connection)


def _forget_decisions(connection: Connection) -> None:
    """What nothing else can do: the table's triggers are out of the way meanwhile."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("ALTER TABLE audit DISABLE TRIGGER USER")
        connection.exec_driver_sql("DELETE FROM audit")
        connection.exec_driver_sql("ALTER TABLE audit ENABLE TRIGGER USER")
        return
    asked = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit'"
    triggers = connection.exec_driver_sql(asked).all()
    for name, _ in triggers:
        connection.exec_driver_sql(f"DROP TRIGGER {name}")
    connection.exec_driver_sql("DELETE FROM audit")
    for _, made in triggers:
        connection.exec_driver_sql(made)


@pytest.fixture
def store_url(store: Store) -> str:
    """The URL of `store`, for a second one beside it."""
    return store.engine.url.render_as_string(hide_password=False)


@pytest.fixture
def sqlite_store_url(tmp_path: Path) -> str:
    """The URL of an SQLite store that a test may spoil."""
    return in_new_store(tmp_path / "store.db")


@pytest.fixture
def postgres_store_url(postgres_store: Store) -> str:
    """The URL of an empty PostgreSQL store, for a test that commits nothing."""
    return postgres_store.engine.url.render_as_string(hide_password=False)
