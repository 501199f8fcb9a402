"""How a transaction begins and ends: one that looks, one that writes, one that makes the tables.

Used by ``store`` and ``schema``.  Every one is rolled back unless its user commits.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from time import monotonic
from typing import Any, Final

from sqlalchemy import Connection, Select, func, select
from sqlalchemy.exc import DBAPIError, OperationalError

from worker.store.engine import Database, is_busy
from worker.store.faults import translated
from worker.store.inventory_tables import writer

#: A wait for the writer's turn is cut into pieces, so that Ctrl-C is heard in between.
_TURN_MILLISECONDS: Final = 250
#: PostgreSQL's advisory lock that those take who make or upgrade the tables; any fixed number.
_MIGRATION_LOCK: Final = 0x6970616D  # "ipam"
#: Milliseconds; tests that wait for no lock at all still think between two statements.
_LEAST_IDLE: Final = 1000


@contextmanager
def reading(database: Database) -> Iterator[Connection]:
    """A transaction that sees one state of the database and cannot write."""
    with _transaction(database) as connection:
        with translated(database.place):
            if database.is_sqlite:
                connection.exec_driver_sql("BEGIN")
                connection.exec_driver_sql("PRAGMA query_only = ON")
            else:
                level = "REPEATABLE READ, READ ONLY"
                _begin_bounded(connection, level, database.lock_timeout_seconds)
        yield connection


def writing(database: Database) -> AbstractContextManager[Connection]:
    """The transaction of the one writer; on PostgreSQL it has locked the row they queue at."""
    return _in_turn(database, select(writer.c.id).with_for_update())


def migrating(database: Database) -> AbstractContextManager[Connection]:
    """The transaction of the one who makes or upgrades the tables, that row included."""
    return _in_turn(database, select(func.pg_advisory_xact_lock(_MIGRATION_LOCK)))


@contextmanager
def _in_turn(database: Database, queue: Select[Any]) -> Iterator[Connection]:
    wait = database.lock_timeout_seconds
    with _transaction(database) as connection:
        with translated(database.place):
            if database.is_sqlite:
                _begin_immediate(connection, wait)
            else:
                _begin_in_turn(connection, wait, queue)
        yield connection


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


def _begin_in_turn(connection: Connection, wait_seconds: float, queue: Select[Any]) -> None:
    """PostgreSQL: wait at the lock; each statement after it sees what the last writer left."""
    _begin_bounded(connection, "READ COMMITTED", wait_seconds)
    connection.execute(queue)


def _begin_bounded(connection: Connection, level: str, wait_seconds: float) -> None:
    """PostgreSQL: no lock is waited for any longer, and the server ends a transaction that is held
    up for so long between two statements: a machine that stands still keeps nobody else waiting.
    """
    milliseconds = max(1, int(wait_seconds * 1000))  # 0 would be for ever
    connection.exec_driver_sql(  # in one go, for each is a way to the server and back
        f"SET TRANSACTION ISOLATION LEVEL {level};"
        f"SET LOCAL lock_timeout = {milliseconds};"
        f"SET LOCAL idle_in_transaction_session_timeout = {max(_LEAST_IDLE, milliseconds)}"
    )
