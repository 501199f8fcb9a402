"""What is told of problems: looked at and kept."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from reconcile.findings.life import Event, Step
from reconcile.model.findings import Severity
from worker.model.alerts import (
    Acknowledgement,
    ChannelBacklog,
    Delivery,
    NewEvent,
    OpenFinding,
    PastEvent,
    Silence,
)


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
