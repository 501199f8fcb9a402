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
    """A person's note that a problem is known.

    It is not repeated ``until`` then (None: until it is over).
    """

    by: str
    note: str
    at: datetime
    until: datetime | None = None

    def in_force(self, now: datetime) -> bool:
        """True while its time is not over."""
        return self.until is None or self.until > now


@dataclass(frozen=True, slots=True)
class OpenFinding:
    """A problem in the store. It is over since ``resolved_at``.

    ``caused_by`` is the problem that explains it. ``sequence`` counts its events, and
    ``told_severity`` is its severity when the last event was routed.
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
    """An event of a problem, to be routed at the close of ``run`` or at ``not_before``."""

    finding: int
    event: Event
    snapshot: Snapshot
    not_before: datetime
    run: int | None = None
    who: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class PastEvent:
    """An event in the store. ``outcome`` has the decision by channel, None before it is made."""

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
        """Return the key by which receivers recognise a duplicate."""
        return f"{self.finding}-{self.sequence}"


@dataclass(frozen=True, slots=True)
class Delivery:
    """A channel's knowledge of a problem, and the event that it gets, not before ``due_at``.

    ``told`` 0: it knows nothing. ``is_dead``: a dead letter until something new happens.
    ``is_claimed``: a deliverer is sending it, or died while it did. ``in_doubt``: it was sent, and
    it is not known whether it arrived.
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
        """Return whether the channel knows of the problem, or perhaps does."""
        return self.knows_it_open or self.is_claimed or self.in_doubt


@dataclass(frozen=True, slots=True)
class ChannelBacklog:
    """The backlog of a channel: what ``waits``, the part of it that ``failed`` before, dead
    letters.

    ``told_at`` is the time of the channel's last successful delivery.
    """

    waits: int = 0
    failed: int = 0
    given_up: int = 0
    told_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Silence:
    """A filter of problems that no channel gets until it ends.

    None fits all. ``server``, ``relationship`` and ``tag`` are patterns as in routes.
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
