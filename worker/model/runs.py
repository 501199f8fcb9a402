"""Runs: what started them, their members, leases, processes and due times, and how people see them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from reconcile.model.record import Entry, Record


class Lane(StrEnum):
    """Queues of runs. People never wait behind the schedule.

    ``FILES`` has no queue. The process that has the exported files reads them.
    """

    READ = "read"
    ON_DEMAND = "on-demand"
    FILES = "files"

    @property
    def insists(self) -> bool:
        """Return whether a person asked, so that a server that backs off is read all the same."""
        return self is not Lane.READ

    @property
    def rereads(self) -> bool:
        """Return whether a second reading in the run can differ from the first."""
        return self is not Lane.FILES


class MemberStage(StrEnum):
    """Where a member of a run is.  It goes back to waiting when it has to be read again."""

    WAITING = "waiting"
    CONCLUDED = "concluded"
    JUDGED = "judged"


@dataclass(frozen=True, slots=True)
class RunScope:
    """The subject of a run: ``targets`` None means every server, ``only`` is a folded name."""

    targets: frozenset[int] | None = None
    only: str | None = None

    @property
    def named(self) -> frozenset[int]:
        """The servers, if it is about them and not about everybody or a relationship."""
        return frozenset() if self.targets is None or self.only is not None else self.targets


@dataclass(frozen=True, slots=True)
class OpenRun:
    """A run in progress.

    ``target`` is its words for people. ``process`` is the process that works at the run by itself,
    None if messages dispatch it to any worker.
    """

    id: int
    trigger: str
    target: str
    scope: RunScope
    lane: Lane
    started_at: datetime
    process: int | None = None

    def shares_readings_with(self, other: OpenRun) -> bool:
        """Return whether a reading for one of the runs can answer the other one.

        Exported files speak for the run that they were given to, and for no other.
        """
        return self.id == other.id or Lane.FILES not in (self.lane, other.lane)


@dataclass(frozen=True, slots=True)
class Member:
    """A server of a run in progress.

    ``claimed_by`` is the process that reads it, and lives; ``readings`` are so many that were
    concluded; ``unresolved``: it was judged, but for pairs whose other side nobody could name yet.
    """

    server: int
    is_target: bool
    stage: MemberStage
    published_at: datetime
    unresolved: bool = False
    claimed_by: int | None = None
    claimed_at: datetime | None = None
    readings: int = 0
    looked: tuple[str, ...] = ()


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
    """A worker or beat process. ``is_alive`` is by the database's clock."""

    id: int
    name: str
    role: str
    started_at: datetime
    alive_until: datetime
    is_alive: bool

    @property
    def host(self) -> str:
        """Return the host in the process's ``name``, which is host and number."""
        return self.name.rpartition(":")[0]

    @property
    def pid(self) -> int:
        """Return its number there."""
        return int(self.name.rpartition(":")[2])


@dataclass(frozen=True, slots=True)
class RunCounts:
    """The progress of a run. ``working`` are living processes that could take its readings."""

    servers: int
    concluded: int
    judged: int
    operations: int
    findings: int
    working: int


class LeaseLost(Exception):
    """Another process holds the lease. Nothing of this transaction may be kept (R9)."""


#: The target of a run that was about all servers.
EVERYTHING: Final = "all servers"


class Trigger(StrEnum):
    """Origins of a run."""

    SCHEDULE = "schedule"
    CLI = "cli"
    API = "api"


@dataclass(frozen=True, slots=True)
class RunView:
    """A run as people see it. ``summary`` is what its close wrote (JSON values)."""

    id: int
    trigger: str
    who: str
    target: str
    started_at: datetime
    ended_at: datetime | None
    outcome: str | None
    summary: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class RecordView:
    """A record with what the type leaves out: tracker and when each side was last read."""

    record: Record
    tracker: tuple[Entry, ...]
    server1_seen_at: datetime | None
    server2_seen_at: datetime | None


def lease_name(run: int) -> str:
    """Return the name of the lease on judging and closing a run."""
    return f"run:{run}"
