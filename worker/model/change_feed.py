"""What the machine applied, and how far each channel was told of it.

The lines of OperationTracker are what is told: they were written with the fact (rule R11), so all
that is kept beside them is a time for each channel.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from reconcile.model.nouns import Operation
from reconcile.model.record import Planned


@dataclass(frozen=True, slots=True)
class AppliedOperation:
    """A line of OperationTracker that policy applied ``at`` this time. ``run`` recorded it."""

    number: int
    run: int
    at: datetime
    planned: Planned


@dataclass(frozen=True, slots=True)
class ChangeSpan:
    """The period of one message to a channel: from ``since`` on and before ``until``.

    The span and its ``batch`` stay the same however often that is tried. ``attempts`` failed.
    """

    since: datetime
    until: datetime
    batch: str
    attempts: int


@dataclass(frozen=True, slots=True)
class AppliedLine:
    """The values of an applied operation by which channels are chosen. ``servers`` are names."""

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
    """The number of operations that a channel still has to get, or never got (``given_up``).

    ``next_try`` is the time of the next message, after so many ``attempts`` that failed, None if
    nothing waits. ``error`` is the last failure since the channel's last success.
    """

    waits: int = 0
    next_try: datetime | None = None
    attempts: int = 0
    given_up: int = 0
    error: str | None = None
