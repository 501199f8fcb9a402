"""The store itself: where units of work come from.  Made by ``schema.open_store``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from weakref import finalize

from sqlalchemy import Engine

from worker.store.engine import Database
from worker.store.errors import translated
from worker.store.parts import SqlReading
from worker.store.together import WriteTogether
from worker.store.transactions import (
    lock_members,
    reading,
    writing,
    writing_members,
    writing_records,
)


class SqlUnitOfWork(WriteTogether):
    """``worker.store.protocols.unit_of_work.UnitOfWork`` on one connection; over when it is committed."""

    def lock_members(self) -> None:
        lock_members(self._database, self._connection)

    def commit(self) -> None:
        self._write_together()
        with translated(self._database.place):
            self._connection.commit()
            self._connection.close()


class SqlStore:
    """``worker.store.protocols.unit_of_work.Store`` on SQLite or PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database
        finalize(self, database.close).atexit = False

    def __repr__(self) -> str:
        return f"SqlStore({self._database.place.text})"

    @property
    def engine(self) -> Engine:
        """For migrations and for tests that count statements."""
        return self._database.engine

    @contextmanager
    def read(self) -> Iterator[SqlReading]:
        with reading(self._database) as connection:
            yield SqlReading(self._database, connection)

    @contextmanager
    def write(self) -> Iterator[SqlUnitOfWork]:
        with writing(self._database) as connection:
            yield SqlUnitOfWork(self._database, connection)

    @contextmanager
    def write_records(self) -> Iterator[SqlUnitOfWork]:
        with writing_records(self._database) as connection:
            yield SqlUnitOfWork(self._database, connection)

    @contextmanager
    def write_members(self, *, alone: bool = False) -> Iterator[SqlUnitOfWork]:
        with writing_members(self._database, alone=alone) as connection:
            yield SqlUnitOfWork(self._database, connection)

    def close(self) -> None:
        """Let go of every connection; to be done before a fork, else at the end or never."""
        self._database.close()
