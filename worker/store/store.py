"""The store itself: where units of work come from.  Made by ``schema.open_store``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from weakref import finalize

from sqlalchemy import Engine

from worker.store.credentials import CredentialReading, CredentialWriting
from worker.store.engine import Database
from worker.store.faults import translated
from worker.store.figures import FigureReading
from worker.store.findings import FindingReading, FindingWriting
from worker.store.groups import GroupReading
from worker.store.inventory import InventoryWriting
from worker.store.leases import LeaseReading, LeaseWriting
from worker.store.lines import LineReading, LineWriting
from worker.store.progress import ProgressReading, ProgressWriting
from worker.store.pruning import PruningWriting
from worker.store.readings import SightingWriting
from worker.store.records import RecordWriting
from worker.store.runs import RunReading, RunWriting
from worker.store.tracker import TrackerWriting
from worker.store.transactions import reading, writing
from worker.store.views import ViewReading
from worker.store.windows import WindowReading, WindowWriting


class SqlReading(
    ViewReading,
    FindingReading,
    RunReading,
    CredentialReading,
    ProgressReading,
    LineReading,
    LeaseReading,
    GroupReading,
    WindowReading,
    FigureReading,
):
    """``worker.ports.Reading`` on one connection."""


class SqlUnitOfWork(
    InventoryWriting,
    RecordWriting,
    TrackerWriting,
    ProgressWriting,
    LineWriting,
    SightingWriting,
    FindingWriting,
    RunWriting,
    CredentialWriting,
    LeaseWriting,
    WindowWriting,
    PruningWriting,
    SqlReading,
):
    """``worker.ports.UnitOfWork`` on one connection; over when it is committed."""

    def commit(self) -> None:
        with translated(self._database.place):
            self._connection.commit()
            self._connection.close()


class SqlStore:
    """``worker.ports.Store`` on SQLite or PostgreSQL."""

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

    def close(self) -> None:
        """Let go of every connection; to be done before a fork, else at the end or never."""
        self._database.close()
