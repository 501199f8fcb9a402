"""The life of a problem: seen, confirmed and so open, flapping, over; and what of it is told.

A problem is one row for ever, found by its fingerprint.  What is seen of it comes from ``drift``;
here it is decided when that is worth telling, by the times of readings and judgements (rule R11).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from reconcile.kinds.table import KINDS
from reconcile.model.findings import Event, Finding


@dataclass(frozen=True, slots=True)
class Drift:
    """The findings that opened, changed, persist or are resolved, each group by fingerprint."""

    opened: tuple[Finding, ...]
    changed: tuple[Finding, ...]
    persisting: tuple[Finding, ...]
    resolved: tuple[Finding, ...]

    @property
    def now(self) -> tuple[Finding, ...]:
        """Everything that is true after this run."""
        return tuple(
            sorted((*self.opened, *self.changed, *self.persisting), key=lambda f: f.fingerprint)
        )


#: Times of opening that are remembered.
_OPENINGS_KEPT: Final = 10


@dataclass(frozen=True, slots=True)
class Patience:
    """How long problems take to be confirmed and to end.

    Confirming readings are ``apart``. A problem that opened ``flaps`` times within ``window`` is
    over only after it was away for ``calm``.
    """

    apart: timedelta = timedelta(minutes=7.5)
    flaps: int = 3
    window: timedelta = timedelta(hours=24)
    calm: timedelta = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Life:
    """Where a problem stands.

    ``seen`` readings count for its confirmation, the latest begun at ``counted_at``.  It is open for
    people since ``confirmed_at``.  ``absent_since``: it was not there any more, but flaps.
    ``openings`` are the latest times at which it was confirmed, this one included.
    """

    first_seen: datetime
    changed_at: datetime
    seen: int
    counted_at: datetime
    confirmed_at: datetime | None = None
    absent_since: datetime | None = None
    openings: tuple[datetime, ...] = ()

    def flaps(self, now: datetime, patience: Patience) -> int:
        """How often it opened within the window."""
        return sum(1 for opening in self.openings if now - opening <= patience.window)


@dataclass(frozen=True, slots=True)
class LifeStep:
    """The next state of a problem, and the event to report.

    ``life`` is None when the problem is over.
    """

    finding: Finding
    life: Life | None
    event: Event | None = None


def begin(
    finding: Finding,
    now: datetime,
    openings: Iterable[datetime] = (),
    *,
    read_at: datetime | None = None,
) -> LifeStep:
    """Return the first step of a problem that is new, or that is there again after it was over.

    ``openings`` are the times at which it opened before. ``read_at`` is the begin of the reading
    that shows it (None: it was found just now).
    """
    life = Life(now, now, 1, read_at or now, openings=tuple(openings))
    return _confirmed(finding, life, now)


def go_on(
    drift: Drift,
    present: Mapping[str, datetime],
    lives: Mapping[str, Life],
    now: datetime,
    patience: Patience,
) -> tuple[LifeStep, ...]:
    """Return the steps of the problems that have a life. An unchanged problem gives no step.

    ``present`` are the fingerprints that were seen now, with the begin of the readings that show
    them. A problem that persists without being present was not judged. Only another reading
    confirms a problem.
    """
    steps = [
        *(
            _changed(f, lives[f.fingerprint], now, present.get(f.fingerprint), patience)
            for f in drift.changed
        ),
        *(
            step
            for f in drift.persisting
            if (read_at := present.get(f.fingerprint)) is not None
            and (step := _seen_again(f, lives[f.fingerprint], now, read_at, patience)) is not None
        ),
        *(
            step
            for f in drift.resolved
            if (step := _gone(f, lives[f.fingerprint], now, patience)) is not None
        ),
    ]
    return tuple(steps)


def _changed(
    finding: Finding, life: Life, now: datetime, read_at: datetime | None, patience: Patience
) -> LifeStep:
    """Return the step of a problem with other values. Another grade may need no confirmation."""
    life = replace(life, changed_at=now, absent_since=None)
    if life.confirmed_at is not None:
        return LifeStep(finding, life, Event.CHANGED)
    if read_at is not None and _counts(life, read_at, patience):
        life = replace(life, seen=life.seen + 1, counted_at=read_at)
    return _confirmed(finding, life, now)


def _seen_again(
    finding: Finding, life: Life, now: datetime, read_at: datetime, patience: Patience
) -> LifeStep | None:
    if life.absent_since is not None:
        return LifeStep(finding, replace(life, absent_since=None))
    if life.confirmed_at is not None or not _counts(life, read_at, patience):
        return None
    return _confirmed(finding, replace(life, seen=life.seen + 1, counted_at=read_at), now)


def _counts(life: Life, read_at: datetime, patience: Patience) -> bool:
    """Readings soon after each other are one, however late they are judged."""
    return read_at - life.counted_at >= patience.apart


def _confirmed(finding: Finding, life: Life, now: datetime) -> LifeStep:
    if life.seen < KINDS[finding.kind].grade(finding.grade).confirmations:
        return LifeStep(finding, life)
    openings = (*life.openings, now)[-_OPENINGS_KEPT:]
    return LifeStep(finding, replace(life, confirmed_at=now, openings=openings), Event.OPENED)


def _gone(finding: Finding, life: Life, now: datetime, patience: Patience) -> LifeStep | None:
    """Return the step of a problem that is not there any more, or None while it has to wait.

    A problem that was never confirmed ends without an event. One that flaps ends only after it was
    away for a while.
    """
    if life.confirmed_at is None:
        return LifeStep(finding, None)
    if life.flaps(now, patience) < patience.flaps:
        return LifeStep(finding, None, Event.RESOLVED)
    if life.absent_since is None:
        return LifeStep(finding, replace(life, absent_since=now))
    if now - life.absent_since < patience.calm:
        return None
    return LifeStep(finding, None, Event.RESOLVED)
