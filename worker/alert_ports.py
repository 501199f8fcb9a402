"""What is told of problems: events, what each channel knows, silences; as ports of the store."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Final, Protocol

from reconcile.findings import Finding, Kind, Matter, Severity
from reconcile.life import Event, Life, Step
from reconcile.model import Evidence

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


class AlertsReading(Protocol):
    """Looks at problems and what is told of them."""

    def problems(self, ids: Collection[int] | None = None) -> Mapping[int, OpenFinding]:
        """By id, over or not; None: all that are not over."""

    def explained(self) -> tuple[OpenFinding, ...]:
        """Those that are not over and that another one explains."""

    def openings(self, fingerprints: Collection[str]) -> Mapping[str, tuple[datetime, ...]]:
        """When problems that are over opened before; those that never were are left out."""

    def unrouted(self, most: int) -> tuple[PastEvent, ...]:
        """The oldest events of which it is to be decided who is told, and whose time has come."""

    def events(self, findings: Collection[int]) -> tuple[PastEvent, ...]:
        """All that happened to these, oldest first."""

    def latest_events(
        self,
        most: int,
        *,
        since: datetime | None = None,
        server: int | None = None,
        relationship: str | None = None,
    ) -> tuple[PastEvent, ...]:
        """Of all problems, or of those about a server and a relationship (a folded name), over or
        not; newest first.
        """

    def events_at(self, keys: Collection[tuple[int, int]]) -> tuple[PastEvent, ...]:
        """Single events, by (problem, sequence); those that were forgotten are left out."""

    def changes_told(
        self, findings: Collection[int], since: datetime
    ) -> Mapping[int, tuple[int, datetime]]:
        """How often these changed since then, and when last, as far as somebody was to be told."""

    def deliveries(
        self, findings: Collection[int] | None = None, *, undone: bool = False
    ) -> tuple[Delivery, ...]:
        """Of these problems, or of all; ``undone``: only what is to be told, or was given up."""

    def backlogs(self) -> Mapping[str, ChannelBacklog]:
        """By channel, of all that were ever to be told something."""

    def undone(
        self, most: int, *, channel: str | None = None, dead: bool = False
    ) -> tuple[Delivery, ...]:
        """What is to be told, what is due first first, then what was given up; ``dead``: that only."""

    def undecided(self) -> int:
        """So many events of which it is to be decided who is told, whether their time has come or not."""

    def to_remind(self, most: int) -> tuple[int, ...]:
        """Problems that are open and at which it is time to look again."""

    def is_due(self, channel: str) -> bool:
        """True if there may be something that the channel is to be told now, and it may be told."""

    def is_paused(self, channel: str) -> bool:
        """True while the channel asked to be left alone."""

    def pauses(self) -> Mapping[str, datetime]:
        """Until when, by channel, of those that ask for it now."""

    def silences(self, *, every: bool = False) -> tuple[Silence, ...]:
        """Those in force now, or every one."""


class AlertsKeeping(AlertsReading, Protocol):
    """Writes them."""

    def begin_findings(self, run: int, steps: Sequence[Step]) -> Mapping[str, int]:
        """Keep problems that begin, or are back; their ids by fingerprint.

        Raises RecordRefused if one of them is there and not over.
        """

    def go_on_findings(self, steps: Iterable[tuple[int, Step]]) -> None:
        """What became of problems, by id; one that is over is not acknowledged any more."""

    def add_events(self, events: Sequence[NewEvent]) -> None: ...

    def explain(self, causes: Mapping[int, int | None]) -> None:
        """By problem, the one that explains it; None: it is one of its own, and may have to be told."""

    def acknowledge(self, finding: int, acknowledgement: Acknowledgement | None) -> None:
        """A person knows of it, or does not any more: then it is time to look at it again."""

    def decide_event(self, key: tuple[int, int], outcome: Mapping[str, str]) -> None:
        """What became of an event, by (problem, sequence); adds to what is known of it."""

    def remind(self, finding: int, at: datetime | None, severity: Severity | None) -> None:
        """When to look at a problem again, and how loud it was told."""

    def want(self, finding: int, channel: str, sequence: int, due_at: datetime) -> int | None:
        """A channel is to be told this; the event that it was to be told and now is not."""

    def drop(self, finding: int, channel: str) -> None:
        """A channel need not be told."""

    def claim_deliveries(
        self, channel: str, claim: str, until: datetime, most: int
    ) -> tuple[Delivery, ...]:
        """Those of a channel that are due, oldest first, for one deliverer until then; none in a
        pause.  ``is_claimed`` is told of the one before, who died.

        What was tried before comes first, in the batch it was in, and alone.
        """

    def delivered(self, claim: str, told: Mapping[int, tuple[int, Event]]) -> None:
        """By problem, the number and kind of the event that the channel was told; frees the claim.

        A claim that was taken over meanwhile changes nothing.
        """

    def undelivered(
        self,
        claim: str,
        tried: Mapping[int, int],
        error: str,
        due_at: datetime,
        *,
        is_dead: bool,
        in_doubt: bool = False,
    ) -> None:
        """None of these (problem, number) was told, unless it is ``in_doubt``; then again, in the
        same batch, unless given up.  Frees the claim.
        """

    def pause(self, channel: str, until: datetime) -> None:
        """The channel asked to be left alone."""

    def end_pause(self, channel: str) -> None:
        """A person knows that it may be told all the same."""

    def let_go(self, claim: str, findings: Collection[int]) -> None:
        """Of what was claimed this was not tried; anybody may."""

    def want_again(self, channel: str, told_before: datetime) -> None:
        """The channel is told again what it knows of open problems and was told before then."""

    def look_again(self) -> None:
        """It is time to look at every open problem."""

    def add_silence(self, silence: Silence) -> int:
        """Its id."""

    def end_silence(self, silence: int, who: str) -> bool:
        """True if it was in force; it is time to look at what it may have silenced."""
