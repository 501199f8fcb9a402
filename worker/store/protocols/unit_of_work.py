"""What the use cases need of the world, as protocols; ``worker.store`` keeps these promises.

``sync``, ``apply`` and the doors know only this.  A unit of work is one transaction that rolls
back unless it is committed; nothing here is held open while a server is being read.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from reconcile.model.findings import Kind
from reconcile.model.nouns import Evidence, Seen, Sighting, Skipped, Unseen
from reconcile.model.record import Record
from reconcile.planning.moves import Membership
from worker.model.alerts import OpenFinding
from worker.model.runs import Ledger, RecordView, RunView, Trigger
from worker.store.protocols.alerts import AlertsKeeping, AlertsReading
from worker.store.protocols.audit import AuditKeeping, AuditReading
from worker.store.protocols.change_feed import AppliedKeeping, AppliedReading
from worker.store.protocols.credentials import CredentialsKeeping, CredentialsReading
from worker.store.protocols.inventory import InventoryKeeping, InventoryReading
from worker.store.protocols.maintenance import WindowsKeeping, WindowsReading
from worker.store.protocols.operations import TrackerKeeping, TrackerReading
from worker.store.protocols.runs import RunsKeeping, RunsReading
from worker.store.protocols.statistics import FiguresReading


class Reading(
    AlertsReading,
    AppliedReading,
    RunsReading,
    WindowsReading,
    FiguresReading,
    CredentialsReading,
    AuditReading,
    InventoryReading,
    TrackerReading,
    Protocol,
):
    """Everything that only looks."""

    def now(self) -> datetime:
        """The database's clock, aware UTC."""

    def records(self, servers: Collection[int] | None = None) -> tuple[Record, ...]:
        """Records (pending ones too) that name one of the servers; None: all. Ordered by key."""

    def half_mapped(self, servers: Collection[int]) -> tuple[Record, ...]:
        """Those whose one partner is one of the servers and whose other one IPAM does not know."""

    def records_by_key(self, keys: Collection[int]) -> tuple[Record, ...]:
        """The records with these keys, those that exist, ordered by key."""

    def records_named(self, name: str) -> tuple[Record, ...]:
        """The records of that folded name, of whatever servers, ordered by key."""

    def open_findings(
        self, servers: Collection[int] | None = None, kinds: Collection[Kind] | None = None
    ) -> tuple[OpenFinding, ...]:
        """Unresolved findings about one of the servers, and those about the whole store."""

    def latest_readings(
        self,
        servers: Collection[int],
        current: Mapping[int, Sighting],
        *,
        besides: int | None = None,
    ) -> Mapping[int, Seen]:
        """Each server's latest recorded reading, those of the run ``besides`` left out.

        ``current`` are readings of a run that has recorded nothing yet: where a recorded one
        tells the very same, its stories are the same objects and nothing is fetched or decoded.
        """

    def watches(self, servers: Collection[int]) -> Mapping[tuple[int, str], datetime]:
        """Since when a server told nothing at all ("" as name) or a relationship no scope."""

    def holders(self, memberships: Collection[Membership]) -> Mapping[Membership, int]:
        """The record keys that hold these names (folded text) and scopes (numbers)."""

    def ledger(self) -> Ledger:
        """What the guard counts."""

    def record_views(self) -> tuple[RecordView, ...]:
        """Every record with its tracker, ordered by folded name, then key."""

    def runs(self, limit: int) -> tuple[RunView, ...]:
        """The latest runs, newest first."""

    def run(self, number: int) -> RunView | None:
        """One run."""

    def sightings(self, run: int) -> tuple[Seen | Unseen | Skipped, ...]:
        """What a run saw, by server; the stories of a Seen are left out (empty)."""


class UnitOfWork(
    Reading,
    AlertsKeeping,
    AppliedKeeping,
    RunsKeeping,
    WindowsKeeping,
    CredentialsKeeping,
    AuditKeeping,
    InventoryKeeping,
    TrackerKeeping,
    Protocol,
):
    """Everything that writes, in one transaction, with one writer at a time."""

    def lock_members(self) -> None:
        """Wait until nobody else writes about the members of runs; nobody does until it is over."""

    def commit(self) -> None:
        """Keep what was written; without it everything is rolled back."""

    # runs
    def open_run(self, trigger: Trigger, who: str, target: str) -> int: ...

    def close_run(self, run: int, outcome: str, summary: Mapping[str, object]) -> None: ...

    def add_sightings(self, run: int, sightings: Iterable[Sighting]) -> None:
        """Record what was seen; equal stories are stored once, however often they are told."""

    def start_watches(self, watches: Mapping[tuple[int, str], datetime]) -> None: ...

    def end_watches(self, watches: Collection[tuple[int, str]]) -> None: ...

    # records
    def insert_records(self, records: Sequence[tuple[Record, Collection[Membership]]]) -> list[int]:
        """Insert records (``key`` and ``changed_at`` are ignored), each with its names and scopes
        but those beside it, which another record still holds; their keys, in order.

        Raises MembershipTaken and RecordRefused; then none of them is inserted.
        """

    def update_records(self, changes: Sequence[tuple[Record, Record]]) -> None:
        """(before, after): write the columns, scopes and memberships that differ; stamps
        changed_at of those that do.

        Names and scopes are given up first and then taken, so records may swap them.  A pending
        record takes what is free; any other one, and one that ceases to be pending, takes all
        that is its own.  Raises MembershipTaken if another record of a server holds a name or
        scope, RecordRefused if a record breaks a rule or is gone; then none of them is changed.
        """

    def delete_records(self, keys: Collection[int]) -> None: ...

    def set_evidence(self, records: Collection[int], evidence: Evidence) -> None:
        """Raise or lower the grade of records without a change of their values."""


class Store(Protocol):
    """Where units of work come from."""

    def read(self) -> AbstractContextManager[Reading]:
        """A consistent look; never writes."""

    def write(self) -> AbstractContextManager[UnitOfWork]:
        """The one writer: SQLite BEGIN IMMEDIATE, PostgreSQL a locked row. Rolls back unless
        committed.
        """

    def write_records(self) -> AbstractContextManager[UnitOfWork]:
        """The same for who judges and applies, which takes long: beside it, on PostgreSQL, others
        go on to ``write_members``.

        What is written about the members of runs, their sightings and the runs themselves has
        to come after ``lock_members``.
        """

    def write_members(self, *, alone: bool = False) -> AbstractContextManager[UnitOfWork]:
        """For who claims and concludes servers: members of runs, sightings, due times, logons.

        On PostgreSQL several go on beside each other, each about the servers that it named by
        ``look_ahead``, unless one is to be ``alone``.
        """
