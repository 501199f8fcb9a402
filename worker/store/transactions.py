"""How a transaction begins and ends: one that looks, one that writes, one that makes the tables.

Used by ``unit_of_work`` and ``schema``.  Every one is rolled back unless its user commits.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from time import monotonic
from typing import Any, Final

from sqlalchemy import Connection, Select, func, select
from sqlalchemy.exc import DBAPIError, OperationalError

from worker.store.engine import Database, is_busy
from worker.store.errors import busy, translated
from worker.store.tables.inventory import writer

#: A wait for the writer's turn is cut into pieces, so that Ctrl-C is heard in between.
_TURN_MILLISECONDS: Final = 250
#: ``psycopg.IsolationLevel``, which is not imported for SQLite's sake.  With the first one each
#: statement sees what the last writer left.
_READ_COMMITTED: Final = 2
_REPEATABLE_READ: Final = 3
#: Of this transaction; servers before 17 know of none.
_NO_LIMIT: Final = (
    "SELECT set_config(name, '0', true) FROM pg_settings WHERE name = 'transaction_timeout'"
)
#: PostgreSQL's advisory locks, any fixed numbers: of those who make or upgrade the tables, and of
#: those who move the members of runs forward.
_MIGRATION_LOCK: Final = 0x6970616D  # "ipam"
_MEMBERS_LOCK: Final = _MIGRATION_LOCK + 1


@contextmanager
def reading(database: Database) -> Iterator[Connection]:
    """A transaction that sees one state of the database and cannot write."""
    with _transaction(database) as connection:
        with translated(database.place):
            if database.is_sqlite:
                connection.exec_driver_sql("BEGIN")
                connection.exec_driver_sql("PRAGMA query_only = ON")
            else:
                _begin_with(connection, isolation_level=_REPEATABLE_READ, read_only=True)
        yield connection


@contextmanager
def writing(database: Database) -> Iterator[Connection]:
    """The transaction of the one writer of everything."""
    with writing_records(database) as connection:
        lock_members(database, connection)
        yield connection


def writing_records(database: Database) -> AbstractContextManager[Connection]:
    """The transaction of the one writer of records; on PostgreSQL it has locked the row that they
    queue at.  Before it writes about members it has to lock those too, in this order.
    """
    return _in_turn(database, select(writer.c.id).with_for_update())


def writing_members(database: Database, *, alone: bool) -> AbstractContextManager[Connection]:
    """A transaction of those who say how far members are, beside who writes records, and beside
    each other unless ``alone``.

    SQLite has one writer of anything.
    """
    if database.is_sqlite:
        return writing_records(database)
    lock = func.pg_advisory_xact_lock if alone else func.pg_advisory_xact_lock_shared
    return _queueing(database, select(lock(_MEMBERS_LOCK)))


def lock_members(database: Database, connection: Connection) -> None:
    """Wait for who writes about them; nobody else does until this transaction is over."""
    if not database.is_sqlite:
        with translated(database.place):
            connection.execute(select(func.pg_advisory_xact_lock(_MEMBERS_LOCK)))


@contextmanager
def migrating(database: Database) -> Iterator[Connection]:
    """The transaction of the one who makes or upgrades the tables, that row included; it takes as
    long as it takes.
    """
    queue = select(func.pg_advisory_xact_lock(_MIGRATION_LOCK))
    with _in_turn(database, queue) as connection:
        if not database.is_sqlite:
            connection.exec_driver_sql(_NO_LIMIT)
        yield connection


@contextmanager
def _in_turn(database: Database, queue: Select[Any]) -> Iterator[Connection]:
    """First in turn within this process, then among processes."""
    with _turn(database), _queueing(database, queue) as connection:
        yield connection


@contextmanager
def _queueing(database: Database, queue: Select[Any]) -> Iterator[Connection]:
    with _transaction(database) as connection:
        with translated(database.place):
            if database.is_sqlite:
                _begin_immediate(connection, database.lock_timeout_seconds)
            else:
                _begin_with(connection, isolation_level=_READ_COMMITTED)
                connection.execute(queue)
        yield connection


def _begin_with(connection: Connection, **modes: int | bool | None) -> None:
    """PostgreSQL: the driver makes them part of its BEGIN, so they cost no question of their own."""
    driver = connection.connection.driver_connection
    for name, value in modes.items():
        setattr(driver, name, value)


@contextmanager
def _turn(database: Database) -> Iterator[None]:
    if not database.turn.acquire(timeout=database.lock_timeout_seconds):
        raise busy(database.place)
    try:
        yield
    finally:
        database.turn.release()


@contextmanager
def _transaction(database: Database) -> Iterator[Connection]:
    with translated(database.place):
        connection = database.engine.connect()
    try:
        yield connection
    except BaseException:
        with suppress(DBAPIError):  # what went wrong first is the news
            connection.close()
        raise
    with translated(database.place):
        connection.close()


def _begin_immediate(connection: Connection, wait_seconds: float) -> None:
    """SQLite: the lock from the start, so that no write fails half way for want of it."""
    connection.exec_driver_sql(f"PRAGMA busy_timeout = {_TURN_MILLISECONDS}")
    deadline = monotonic() + wait_seconds
    while True:
        try:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        except OperationalError as error:
            if not is_busy(error.orig) or monotonic() >= deadline:
                raise
        else:
            break
    connection.exec_driver_sql(f"PRAGMA busy_timeout = {int(wait_seconds * 1000)}")
