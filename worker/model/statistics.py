"""The whole installation in numbers: for the exporter and the heartbeat."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from reconcile.model.nouns import Standing, State


@dataclass(frozen=True, slots=True)
class ServerFigure:
    """A server, when it was last read, and whether it is left alone now."""

    id: int
    name: str
    standing: Standing
    read_at: datetime | None
    in_maintenance: bool


@dataclass(frozen=True, slots=True)
class StoredPartner:
    """A partner of a stored relationship, and its stored state. ``server`` None: not mapped."""

    relationship: str
    server: int | None
    state: State


@dataclass(frozen=True, slots=True)
class RunFigure:
    """A run that is over."""

    id: int
    trigger: str
    outcome: str
    took: timedelta


@dataclass(frozen=True, slots=True)
class Opening:
    """The event with which a finding of this kind was confirmed, and so opened."""

    event: int
    kind: str


@dataclass(frozen=True, slots=True)
class FindingFigure:
    """Open findings of a kind and grade: how many, and when the oldest was first seen."""

    count: int
    oldest_at: datetime


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything that is counted.

    ``sides`` counts stored relationships' partners by server and state, ``odd_sides`` are some of
    those that are not in state Normal.  ``findings`` are the open ones by kind, grade,
    and whether they outlasted their patience.  ``oldest_run_at`` and ``open_runs`` are of runs that
    workers do.  ``ticked_by`` is when the latest tick's lease ends.
    """

    now: datetime
    servers: tuple[ServerFigure, ...]
    sides: Mapping[tuple[int | None, State], int]
    odd_sides: tuple[StoredPartner, ...]
    findings: Mapping[tuple[str, str, bool], FindingFigure]
    operations: Mapping[tuple[str, str], int]
    suspended_credentials: int
    open_runs: int
    oldest_run_at: datetime | None
    ended_well_at: datetime | None
    processes: Mapping[str, int]
    ticked_by: datetime | None


@dataclass(frozen=True, slots=True)
class Pulse:
    """The times of the last good end of a run and of the last reading. None: never."""

    now: datetime
    ended_well_at: datetime | None
    read_at: datetime | None
