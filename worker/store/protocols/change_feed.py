"""Reads and keeps what the machine applied, and how far each channel was told of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Protocol

from worker.model.change_feed import AppliedCursor, AppliedLine, AppliedOperation, Span


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
