"""Reads and keeps runs in progress, their members, leases, processes and due times."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Protocol

from reconcile.model.nouns import Sighting
from reconcile.model.record import Entry, EntryStatus
from worker.model.runs import Lane, Member, OpenRun, Poll, Process, RunLine, Scope, Stage, Turn


class RunsReading(Protocol):
    """Looks at runs in progress."""

    def runs_in_progress(self) -> tuple[OpenRun, ...]:
        """Every run that workers are at, the oldest first."""

    def run_in_progress(self, run: int) -> OpenRun | None:
        """None if it is over, or not one that workers do."""

    def members(self, run: int, servers: Collection[int] | None = None) -> tuple[Member, ...]:
        """Every member, or those among these servers, by server."""

    def stages(self, run: int) -> Mapping[Stage, int]:
        """How many members are at each stage."""

    def first_at(self, run: int, most: Mapping[Stage, int]) -> Mapping[Stage, tuple[int, ...]]:
        """The first members at these stages, by server; so many of each at most, all at one time."""

    def unresolved(self, run: int) -> frozenset[int]:
        """Members of which something waits for the names of others."""

    def unclaimed(self, run: int, before: datetime) -> frozenset[int]:
        """Members that wait, that nobody reads, and of which no message was sent since."""

    def waiting_members(self, server: int) -> tuple[tuple[OpenRun, Member], ...]:
        """(run, member) of every run that waits for a reading of this server; the oldest first."""

    def is_under_way(self, run: int) -> bool:
        """True if somebody reads a member of it now."""

    def failing_members(self, most: int) -> tuple[tuple[int, int], ...]:
        """(run, server) of those that failed last time and that nobody reads, in runs of the
        schedule; at most so many.
        """

    def claims(self, process: int) -> frozenset[tuple[int, int]]:
        """(run, server) of what the process reads now."""

    def seen_in(self, run: int, servers: Collection[int]) -> Mapping[int, Sighting]:
        """What the run saw of these servers, with everything they told."""

    def marks(self, run: int, servers: Collection[int]) -> Mapping[int, tuple[int, ...]]:
        """What these servers remember of their turns, those that are members."""

    def named_by(self, run: int, servers: Collection[int]) -> frozenset[int]:
        """Who named one of these as a partner before its turn, see ``name_partners``."""

    def lines_of(self, run: int) -> Mapping[int, RunLine]:
        """The lines of OperationTracker that the run touched, by number."""

    def line_counts(self, run: int) -> Mapping[tuple[EntryStatus, bool], int]:
        """How many of them there are by what became of them and ``is_new``."""

    def pending_of(self, run: int, *, confirmed: bool = False) -> tuple[Entry, ...]:
        """Those that wait, or of these only what the run had evidence for."""

    def polls(self, servers: Collection[int]) -> Mapping[int, Poll]:
        """By server; who has none was never asked by a worker."""

    def due(self, by: datetime) -> Mapping[int, datetime | None]:
        """Enabled servers that are due by then, and when; None: at once, it was never asked."""

    def busy(self, servers: Collection[int]) -> frozenset[int]:
        """Those that somebody reads, and those that a run of the schedule waits for."""

    def partners(self, servers: Collection[int]) -> frozenset[int]:
        """Who is in a stored relationship with one of these servers; they themselves are, too."""

    def connected(self, servers: Collection[int]) -> tuple[frozenset[int], ...]:
        """Groups: these servers, and all who hang together with them by stored relationships."""

    def processes(self) -> tuple[Process, ...]:
        """Workers and beats that are registered, alive or not."""

    def lease_is_live(self, name: str) -> bool:
        """True if somebody holds it."""


class RunsKeeping(Protocol):
    """Moves runs forward; each call is part of a transaction that writes, see ``Store``."""

    def look_ahead(self, servers: Collection[int]) -> None:
        """Claims and conclusions of these servers follow, and nothing else: ask for all at once,
        and write of all when it is committed.
        """

    def must_be_alone(self) -> None:
        """What follows is about other servers, too. Raises NotAlone after ``look_ahead``."""

    def start_run(self, trigger: str, who: str, target: str, scope: Scope, lane: Lane) -> int: ...

    def add_members(self, run: int, servers: Collection[int], *, targets: Collection[int]) -> None:
        """Those that are no members yet."""

    def claim(self, run: int, server: int, process: int) -> datetime:
        """This process reads it now, by the database's clock."""

    def conclude(self, run: int, server: int, sighting: Sighting | None) -> None:
        """It was read, or not: None keeps what an earlier reading in this run brought."""

    def read_again(self, run: int, server: int, subjects: Iterable[str]) -> None:
        """It has to be read once more, for these disagreements."""

    def published(self, run: int, servers: Collection[int]) -> None:
        """Messages about them were sent now; what a dead process claimed is free again."""

    def judged(self, run: int, turns: Mapping[int, Turn]) -> None:
        """The turn of these members is over."""

    def name_partners(self, run: int, named: Mapping[int, Collection[int]]) -> None:
        """These members are told by whom they were named, to be heard when it is their turn."""

    def add_lines(self, run: int, lines: Collection[RunLine]) -> None:
        """Lines that the run touched; what it found before may be confirmed now."""

    def tell_progress(self, run: int, counts: Mapping[str, int]) -> None:
        """Add to the numbers of a run in progress."""

    def end_run_if_done(self, run: int) -> bool:
        """Close it by one conditional update; False if a member is open or it is over (R8)."""

    def drop_members(self, run: int) -> None:
        """It is over; what was seen of them stays."""

    def set_poll(self, poll: Poll) -> None: ...

    def prune(self, before: datetime, most: int) -> Mapping[str, int]:
        """Remove at most so many sightings, and runs, of runs that ended before; rows by table.

        What is open keeps its evidence, and a server its last two readings, however old.
        """

    # leases and processes
    def take_lease(self, name: str, length: timedelta) -> int | None:
        """The token of the new holder, None if somebody holds it."""

    def fence(self, name: str, token: int, length: timedelta) -> None:
        """Lock the lease for this transaction and renew it. Raises LeaseLost."""

    def give_lease_back(self, name: str, token: int) -> None: ...

    def forget_lease(self, name: str) -> None:
        """What it was for is over."""

    def register_process(self, name: str, role: str, length: timedelta) -> int: ...

    def renew_process(self, process: int, length: timedelta) -> bool:
        """False if it was taken for dead and removed."""

    def remove_processes(self, processes: Collection[int]) -> None: ...
