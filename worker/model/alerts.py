"""What is told of problems, as values: events, what each channel knows, silences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Final

from reconcile.findings.life import Life
from reconcile.model.findings import Event, Finding, Kind, Matter, Severity
from reconcile.model.nouns import Evidence

#: In an event's outcome instead of a channel: why nobody was told.
NOBODY: Final = ""


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """A person knows of a problem; no repeats ``until`` then (None: until it is over)."""

    by: str
    note: str
    at: datetime
    until: datetime | None = None

    def in_force(self, now: datetime) -> bool:
        """True while its time is not over."""
        return self.until is None or self.until > now


@dataclass(frozen=True, slots=True)
class OpenFinding:
    """A problem as it stands in the store; over since ``resolved_at``.

    ``caused_by`` is the problem that explains it.  ``sequence`` counts its events, and
    ``told_severity`` is how loud it was when the last one was routed.
    """

    id: int
    finding: Finding
    life: Life
    run: int
    resolved_at: datetime | None = None
    caused_by: int | None = None
    acknowledgement: Acknowledgement | None = None
    sequence: int = 0
    told_severity: Severity | None = None

    @property
    def first_seen(self) -> datetime:
        """When it was seen for the first time since it was away."""
        return self.life.first_seen

    @property
    def changed_at(self) -> datetime:
        """When what is seen of it changed last."""
        return self.life.changed_at

    @property
    def is_open(self) -> bool:
        """True if it is there and was confirmed."""
        return self.resolved_at is None and self.life.confirmed_at is not None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A problem as it was when something happened to it: how sure that is, what IPAM has."""

    finding: Finding
    evidence: Evidence
    ipam: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class NewEvent:
    """Something happened to a problem; told at the close of ``run``, at ``not_before`` at the latest."""

    finding: int
    event: Event
    snapshot: Snapshot
    not_before: datetime
    run: int | None = None
    who: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class PastEvent:
    """The same in the store; ``outcome``: what became of it by channel, None if it is to be decided."""

    finding: int
    sequence: int
    event: Event
    at: datetime
    snapshot: Snapshot
    who: str | None
    note: str | None
    outcome: Mapping[str, str] | None

    @property
    def key(self) -> str:
        """What receivers recognise a double by."""
        return f"{self.finding}-{self.sequence}"


@dataclass(frozen=True, slots=True)
class Delivery:
    """What a channel knows of a problem, and what it is to be told, not before ``due_at``.

    ``told`` 0: it knows nothing.  ``is_dead``: given up until something new happens.
    ``is_claimed``: a deliverer is at it, or died at it.  ``in_doubt``: it was sent, and nobody knows
    whether it arrived.
    """

    finding: int
    channel: str
    told: int
    told_event: Event | None
    told_at: datetime | None
    wanted: int | None
    due_at: datetime
    attempts: int
    error: str | None
    is_dead: bool
    batch: str | None
    is_claimed: bool = False
    in_doubt: bool = False

    @property
    def knows_it_open(self) -> bool:
        """True if the channel was told of the problem, and not that it is over."""
        return self.told > 0 and self.told_event is not Event.RESOLVED

    @property
    def may_know_it_open(self) -> bool:
        """The same, or it was perhaps told, or is right now."""
        return self.knows_it_open or self.is_claimed or self.in_doubt


@dataclass(frozen=True, slots=True)
class ChannelBacklog:
    """Of one channel: what ``waits``, and of that what ``failed`` before; what was given up.

    ``told_at`` is when the channel took something last.
    """

    waits: int = 0
    failed: int = 0
    given_up: int = 0
    told_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Silence:
    """Nobody is told of what fits until it ends; None fits all, ``server``, ``relationship`` and
    ``tag`` are patterns as in routes.
    """

    id: int
    reason: str
    who: str
    starts_at: datetime
    ends_at: datetime
    kind: Kind | None = None
    matter: Matter | None = None
    server: str | None = None
    relationship: str | None = None
    ended_by: str | None = None
    tag: str | None = None
