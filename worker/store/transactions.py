"""Transactions: to read, to write, and to create or upgrade the tables.

Used by ``unit_of_work`` and ``schema``. A transaction is rolled back unless its user commits.
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

#: The wait for SQLite's write lock is cut into pieces, so that Ctrl-C works in between.
_TURN_MILLISECONDS: Final = 250
#: Values of ``psycopg.IsolationLevel``. An import of psycopg would cost too much under SQLite. With
#: READ COMMITTED each statement sees what the last writer committed.
_READ_COMMITTED: Final = 2
#: With REPEATABLE READ all statements see one state of the database.
_REPEATABLE_READ: Final = 3
#: Lifts the limit of the current transaction. Servers before 17 have no such limit.
_NO_LIMIT: Final = (
    "SELECT set_config(name, '0', true) FROM pg_settings WHERE name = 'transaction_timeout'"
)
#: Keys of PostgreSQL's advisory locks. Any fixed numbers do. The first is for transactions that
#: create or upgrade the tables, the second for those that write about members of runs.
_MIGRATION_LOCK: Final = 0x6970616D  # "ipam"
#: Any other number than the one above.
_MEMBERS_LOCK: Final = _MIGRATION_LOCK + 1


@contextmanager
def reading(database: Database) -> Iterator[Connection]:
    """Open a transaction that sees one state of the database and cannot write."""
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
    """Open the transaction of the single writer of all tables."""
    with writing_records(database) as connection:
        lock_members(database, connection)
        yield connection


def writing_records(database: Database) -> AbstractContextManager[Connection]:
    """Return the transaction of the single writer of records.

    On PostgreSQL it locks the row at which these writers queue. Before it writes about members it
    must call ``lock_members``. All transactions lock in this order, so none waits in a circle.
    """
    return _in_turn(database, select(writer.c.id).with_for_update())


def writing_members(database: Database, *, alone: bool) -> AbstractContextManager[Connection]:
    """Return a transaction that writes about members of runs.

    On PostgreSQL it runs beside the writer of records. It also runs beside others of its kind,
    unless it is ``alone``. SQLite has a single writer of all tables.
    """
    if database.is_sqlite:
        return writing_records(database)
    lock = func.pg_advisory_xact_lock if alone else func.pg_advisory_xact_lock_shared
    return _queueing(database, select(lock(_MEMBERS_LOCK)))


def lock_members(database: Database, connection: Connection) -> None:
    """Wait for transactions that write about members, and keep others out until this one ends."""
    if not database.is_sqlite:
        with translated(database.place):
            connection.execute(select(func.pg_advisory_xact_lock(_MEMBERS_LOCK)))


@contextmanager
def migrating(database: Database) -> Iterator[Connection]:
    """Open the transaction that creates or upgrades the tables, without a time limit.

    It queues at an advisory lock, because the row of ``writer`` may not exist yet.
    """
    queue = select(func.pg_advisory_xact_lock(_MIGRATION_LOCK))
    with _in_turn(database, queue) as connection:
        if not database.is_sqlite:
            connection.exec_driver_sql(_NO_LIMIT)
        yield connection


@contextmanager
def _in_turn(database: Database, queue: Select[Any]) -> Iterator[Connection]:
    """Queue within this process first, then among processes."""
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
    """Set modes of a PostgreSQL transaction in the driver.

    The driver makes the modes part of its BEGIN, so they cost no round trip.
    """
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
        with suppress(DBAPIError):  # the first error is the one to report
            connection.close()
        raise
    with translated(database.place):
        connection.close()


def _begin_immediate(connection: Connection, wait_seconds: float) -> None:
    """Take SQLite's write lock at the start, so that no write fails halfway for lack of it."""
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
