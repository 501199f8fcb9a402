"""What the machine applied, and how far each channel was told of it; as ports of the store.

The lines of OperationTracker are what is told: they were written with the fact (rule R11), so all
that is kept beside them is a time for each channel.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from reconcile.model import Operation
from reconcile.record import Planned


@dataclass(frozen=True, slots=True)
class AppliedOperation:
    """A line of OperationTracker that the machine applied ``at`` then; ``run`` recorded it."""

    number: int
    run: int
    at: datetime
    planned: Planned


@dataclass(frozen=True, slots=True)
class Span:
    """What a channel is told in one message: all from ``since`` on and before ``until``.

    The span and its ``batch`` stay the same however often that is tried; ``attempts`` failed.
    """

    since: datetime
    until: datetime
    batch: str
    attempts: int


@dataclass(frozen=True, slots=True)
class AppliedLine:
    """As much of it as is needed to choose; ``servers`` are names."""

    number: int
    at: datetime
    operation: Operation
    relationship: str
    servers: tuple[str, str]


@dataclass(frozen=True, slots=True)
class AppliedCursor:
    """How far a channel was told.

    ``next_try`` of a message that is on its way, after so many ``attempts`` that failed, the last
    one with this ``error``; None if there is none.  ``given_up``: from when on, and until when, it
    was not told, and will not be unless a person says so.
    """

    told_until: datetime
    next_try: datetime | None = None
    attempts: int = 0
    error: str | None = None
    given_up: tuple[datetime, datetime] | None = None


@dataclass(frozen=True, slots=True)
class AppliedBacklog:
    """So many operations that a channel is still to be told, and was never told (``given_up``).

    ``next_try`` of the next message, after so many ``attempts`` that failed; None if nothing waits.
    ``error`` of the last one that failed since a channel took one.
    """

    waits: int = 0
    next_try: datetime | None = None
    attempts: int = 0
    given_up: int = 0
    error: str | None = None


class AppliedReading(Protocol):
    """Looks at what was applied, and at what is to be told of it."""

    def applied_is_due(self, channel: str, collect: timedelta) -> bool:
        """True if the channel may have to be told, or nothing is known of it yet.

        It has to be told when what is new to it began to be applied ``collect`` ago.
        """

    def applied_lines(self, since: datetime, until: datetime) -> tuple[AppliedLine, ...]:
        """What the machine applied in a span, oldest first.

        Updates of nothing but states are left out.
        """

    def applied_operations(self, numbers: Collection[int]) -> tuple[AppliedOperation, ...]:
        """These as a whole, in no order."""

    def applied_cursors(self) -> Mapping[str, AppliedCursor]:
        """Of every channel that is told."""


class AppliedKeeping(AppliedReading, Protocol):
    """Keeps how far each channel was told."""

    def claim_applied(
        self, channel: str, claim: str, claimed_until: datetime, collect: timedelta
    ) -> Span | None:
        """What the channel is to be told, for one deliverer until then; None if there is nothing.

        Nobody tells a channel that is new of what was applied before.
        """

    def applied_told(self, claim: str) -> None:
        """The channel has it; frees the claim.  One that was taken over meanwhile changes nothing."""

    def applied_untold(self, claim: str, due_at: datetime, error: str, *, is_dead: bool) -> None:
        """The channel does not have it: then again, or, given up, not unless a person says so.

        Frees the claim.
        """

    def retry_applied(self, channel: str) -> None:
        """What failed is due now; what was given up, too, with all that was applied since."""

    def forget_applied(self, besides: Collection[str]) -> None:
        """Channels that are not told any more; one that comes back is new."""
