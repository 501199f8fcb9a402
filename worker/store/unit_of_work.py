"""Units of work: transactions, and the repositories that read and write in them.

A unit of work rolls back unless it is committed. None is held open while a server is being read.
Made by ``schema.open_store``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property
from weakref import finalize

from sqlalchemy import Engine

from worker.store.connection import Connection
from worker.store.engine import Database
from worker.store.repositories.audit import AuditRepository
from worker.store.repositories.change_feed import ChangeFeedRepository
from worker.store.repositories.claims import ClaimRepository
from worker.store.repositories.credentials import CredentialRepository
from worker.store.repositories.deliveries import DeliveryRepository
from worker.store.repositories.findings import FindingRepository
from worker.store.repositories.inventory import InventoryRepository
from worker.store.repositories.leases import LeaseRepository
from worker.store.repositories.maintenance import MaintenanceRepository
from worker.store.repositories.operations import OperationRepository
from worker.store.repositories.outbox import OutboxRepository
from worker.store.repositories.processes import ProcessRepository
from worker.store.repositories.readings import ReadingRepository
from worker.store.repositories.records import RecordRepository
from worker.store.repositories.retention import RetentionRepository
from worker.store.repositories.run_members import RunMemberRepository
from worker.store.repositories.runs import RunRepository
from worker.store.repositories.schedule import ScheduleRepository
from worker.store.repositories.silences import SilenceRepository
from worker.store.repositories.statistics import StatisticsRepository
from worker.store.repositories.views import ViewRepository
from worker.store.repositories.watches import WatchRepository
from worker.store.transactions import reading, writing, writing_members, writing_records


class Transaction:
    """A transaction and its repositories.

    ``Store.read`` opens a snapshot, in which the database refuses every write.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    # Each is made when it is first used: a transaction uses a few of them.
    audit = cached_property(lambda self: AuditRepository(self._connection))
    change_feed = cached_property(lambda self: ChangeFeedRepository(self._connection))
    credentials = cached_property(lambda self: CredentialRepository(self._connection))
    deliveries = cached_property(lambda self: DeliveryRepository(self._connection))
    findings = cached_property(lambda self: FindingRepository(self._connection))
    inventory = cached_property(lambda self: InventoryRepository(self._connection))
    leases = cached_property(lambda self: LeaseRepository(self._connection))
    maintenance = cached_property(lambda self: MaintenanceRepository(self._connection))
    members = cached_property(lambda self: RunMemberRepository(self._connection))
    operations = cached_property(lambda self: OperationRepository(self._connection))
    outbox = cached_property(lambda self: OutboxRepository(self._connection))
    processes = cached_property(lambda self: ProcessRepository(self._connection))
    readings = cached_property(lambda self: ReadingRepository(self._connection))
    records = cached_property(lambda self: RecordRepository(self._connection))
    retention = cached_property(lambda self: RetentionRepository(self._connection))
    runs = cached_property(lambda self: RunRepository(self._connection))
    schedule = cached_property(lambda self: ScheduleRepository(self._connection))
    silences = cached_property(lambda self: SilenceRepository(self._connection))
    statistics = cached_property(lambda self: StatisticsRepository(self._connection))
    watches = cached_property(lambda self: WatchRepository(self._connection))
    claims = cached_property(lambda self: ClaimRepository(self._connection, self.readings))
    views = cached_property(
        lambda self: ViewRepository(self._connection, self.inventory, self.readings, self.records)
    )

    def now(self) -> datetime:
        """Return the time of the database's clock, aware UTC."""
        return self._connection.now()


class UnitOfWork(Transaction):
    """A transaction that writes. It ends with its commit, and rolls back without one."""

    def lock_members(self) -> None:
        """Wait for other writers of members of runs, and keep them out until the end."""
        self._connection.lock_members()

    def commit(self) -> None:
        """Commit the transaction."""
        self._connection.commit()


class Store:
    """A database on SQLite or PostgreSQL that opens units of work."""

    def __init__(self, database: Database) -> None:
        self._database = database
        finalize(self, database.close).atexit = False

    def __repr__(self) -> str:
        return f"Store({self._database.place.text})"

    @property
    def engine(self) -> Engine:
        """Return the engine, for migrations and for tests that count statements."""
        return self._database.engine

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """Open a consistent snapshot that never writes."""
        with reading(self._database) as connection:
            yield Transaction(Connection(self._database, connection))

    @contextmanager
    def write(self) -> Iterator[UnitOfWork]:
        """Open the unit of work of the single writer of all tables.

        SQLite begins it IMMEDIATE. On PostgreSQL it locks the row that writers queue at.
        """
        with writing(self._database) as connection:
            yield UnitOfWork(Connection(self._database, connection))

    @contextmanager
    def write_records(self) -> Iterator[UnitOfWork]:
        """Open the unit of work of the single writer of records, which judges and applies.

        That takes long. On PostgreSQL other writers use ``write_members`` in the meantime. So call
        ``lock_members`` before a write about members of runs, their sightings or the runs.
        """
        with writing_records(self._database) as connection:
            yield UnitOfWork(Connection(self._database, connection))

    @contextmanager
    def write_members(self, *, alone: bool = False) -> Iterator[UnitOfWork]:
        """Open a unit of work that claims and concludes servers.

        It writes members of runs, sightings, due times and logons. On PostgreSQL several run beside
        each other, each for the servers of its ``ClaimBatch``, unless one is ``alone``.
        """
        with writing_members(self._database, alone=alone) as connection:
            yield UnitOfWork(Connection(self._database, connection))

    def close(self) -> None:
        """Close every connection. A call is required before a fork, and optional at the end."""
        self._database.close()
