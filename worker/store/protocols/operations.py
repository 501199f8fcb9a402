"""Reads and keeps the lines of OperationTracker."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from reconcile.model.record import Contest, Entry, EntryStatus, Hold, Planned
from worker.model.operations import EntryFilter, EntryView


class TrackerReading(Protocol):
    """Looks at it."""

    def pending_contested(self) -> tuple[Entry, ...]:
        """Every pending entry that waits for a name or a scope, over the whole store, by number."""

    def waiting_for_people(self, *, every: bool) -> tuple[tuple[Entry, ...], int]:
        """Pending entries that policy or want of a witness leaves to people, by number, without
        those that create: so many.  ``every``: policy leaves all of them to people.
        """

    def pending_destructive(self) -> tuple[Entry, ...]:
        """Every pending entry that takes something away, over the whole store, by number."""

    def entries(self, servers: Collection[int] | None = None) -> tuple[Entry, ...]:
        """Pending entries, and rejected ones that still stand, that name one of the servers."""

    def entries_by_number(self, numbers: Collection[int]) -> tuple[Entry, ...]:
        """These lines of OperationTracker, whatever became of them, by number."""

    def entry_views(self, wanted: EntryFilter) -> tuple[EntryView, ...]:
        """Lines of OperationTracker, by number."""


class TrackerKeeping(TrackerReading, Protocol):
    """Fills it, and ends what is in it."""

    def add_entries(self, run: int, planned: Sequence[Planned]) -> list[int]:
        """Fill OperationTracker with pending lines; their numbers, in order."""

    def decide(
        self,
        numbers: Collection[int],
        status: EntryStatus,
        who: str,
        *,
        by_machine: bool,
        stands_until: datetime | None = None,
    ) -> None:
        """End pending entries as applied, superseded or rejected (which then stands), by whom, now.

        Raises NotPending, and ends none, if one of them is not pending any more.
        """

    def end_acceptance(self, numbers: Collection[int]) -> None:
        """Rejected entries that no longer stand."""

    def hold(self, numbers: Collection[int], hold: Hold) -> None: ...

    def wait_for(self, contested: Mapping[int, tuple[Contest, ...]]) -> None:
        """What these pending entries wait for, by number; none: nothing any more."""
