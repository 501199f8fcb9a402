"""What workers agree on in the store: runs in progress, their members, leases, processes, due times.

Part of the ports of ``worker.ports``; ``worker.pipeline`` uses them, ``worker.store`` keeps them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from reconcile.model import Sighting
from reconcile.record import Entry, EntryStatus


class Lane(StrEnum):
    """Which workers take the readings of a run: people never wait behind the schedule."""

    READ = "read"
    ON_DEMAND = "on-demand"

    @property
    def insists(self) -> bool:
        """A person asked: a server that is left alone for a while is asked all the same."""
        return self is Lane.ON_DEMAND


class Stage(StrEnum):
    """Where a member of a run is.  It goes back to waiting when it has to be read again."""

    WAITING = "waiting"
    CONCLUDED = "concluded"
    JUDGED = "judged"


@dataclass(frozen=True, slots=True)
class Scope:
    """What a run is about: ``targets`` None means every server, ``only`` is a folded name."""

    targets: frozenset[int] | None = None
    only: str | None = None

    @property
    def named(self) -> frozenset[int]:
        """The servers, if it is about them and not about everybody or a relationship."""
        return frozenset() if self.targets is None or self.only is not None else self.targets


@dataclass(frozen=True, slots=True)
class OpenRun:
    """A run that workers are at; ``target`` is its words for people."""

    id: int
    trigger: str
    target: str
    scope: Scope
    lane: Lane
    started_at: datetime


@dataclass(frozen=True, slots=True)
class Member:
    """A server of a run in progress.

    ``claimed_by`` is the process that reads it, and lives; ``readings`` are so many that were
    concluded; ``unresolved``: it was judged, but for pairs whose other side nobody could name yet.
    """

    server: int
    is_target: bool
    stage: Stage
    published_at: datetime
    unresolved: bool = False
    claimed_by: int | None = None
    claimed_at: datetime | None = None
    readings: int = 0
    looked: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Turn:
    """How a member's turn ended: something of it is ``unresolved`` or not, and what it has to
    remember of it, see ``worker.pipeline.counting``.
    """

    unresolved: bool
    marks: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class RunLine:
    """A line of OperationTracker in a run: recorded by it, and confirmed by what it read."""

    number: int
    is_new: bool
    confirmed: bool


@dataclass(frozen=True, slots=True)
class Poll:
    """How a server's readings went: ``failures`` in a row, and when it is due."""

    server: int
    due_at: datetime
    failures: int = 0
    tried_at: datetime | None = None
    read_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Process:
    """A worker or a beat; ``is_alive`` by the database's clock."""

    id: int
    name: str
    role: str
    started_at: datetime
    alive_until: datetime
    is_alive: bool

    @property
    def host(self) -> str:
        """Where it runs; its ``name`` is that and its number there."""
        return self.name.rpartition(":")[0]

    @property
    def pid(self) -> int:
        """Return its number there."""
        return int(self.name.rpartition(":")[2])


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is; ``working`` are living processes that could take its readings."""

    servers: int
    concluded: int
    judged: int
    pairs: int
    operations: int
    findings: int
    working: int


class LeaseLost(Exception):
    """Somebody else holds the lease by now; nothing of this transaction may be kept (R9)."""


class NotAlone(Exception):
    """It is about other servers, too, and is to be done in a unit of work of its own."""


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
