"""What the machine applied, and how far each channel was told of it; as ports of the store.

The lines of OperationTracker are what is told: they were written with the fact (rule R11), so all
that is kept beside them is a time for each channel.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

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


class AppliedReading(Protocol):
    """Looks at what was applied, and at what is to be told of it."""

    def applied_is_due(self, channel: str, collect: timedelta) -> bool:
        """True if the channel may have to be told, or nothing is known of it yet.

        It has to be told when what is new to it began to be applied ``collect`` ago.
        """

    def applied(
        self, since: datetime, until: datetime, most: int
    ) -> tuple[tuple[AppliedOperation, ...], int]:
        """What the machine applied in a span, the first so many, and how many there are in all.

        Updates of nothing but states are left out.
        """


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

    def applied_untold(self, claim: str, due_at: datetime, *, is_dead: bool) -> None:
        """The channel does not have it: then again, or, given up, never.  Frees the claim."""

    def forget_applied(self, besides: Collection[str]) -> None:
        """Channels that are not told any more; one that comes back is new."""
