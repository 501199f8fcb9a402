"""Which alert goes where, and not before when: pure, for whoever fills the outbox."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from fnmatch import fnmatchcase
from typing import Protocol
from zoneinfo import ZoneInfo

from reconcile.model.findings import Kind, Matter, Severity, at_least
from reconcile.model.nouns import Operation
from worker.alerts.message import Alert
from worker.model.change_feed import AppliedLine


class Matched(Protocol):
    """The values of an alert or problem that patterns match.

    ``servers`` are names, and ``tags`` are the tags of these servers.
    """

    @property
    def kind(self) -> Kind: ...

    @property
    def matter(self) -> Matter: ...

    @property
    def severity(self) -> Severity: ...

    @property
    def servers(self) -> tuple[str, ...]: ...

    @property
    def relationship(self) -> str | None: ...

    @property
    def tags(self) -> tuple[str, ...]: ...


@dataclass(frozen=True, slots=True)
class Match:
    """The conditions under which a route takes an alert. None and nothing fit all.

    ``server``, ``relationship`` and ``tag`` are patterns with ``*`` and ``?``, without case. A
    single server that fits is enough, and so is a single tag of one of them. An alert without a
    relationship fits no pattern of one.
    """

    kind: frozenset[Kind] = frozenset()
    matter: frozenset[Matter] = frozenset()
    severity_at_least: Severity = Severity.INFO
    server: str | None = None
    relationship: str | None = None
    tag: str | None = None

    def fits(self, told: Matched) -> bool:
        return (
            (not self.kind or told.kind in self.kind)
            and (not self.matter or told.matter in self.matter)
            and at_least(told.severity, self.severity_at_least)
            and (self.server is None or any(_like(s, self.server) for s in told.servers))
            and (self.relationship is None or _like(told.relationship, self.relationship))
            and (self.tag is None or any(_like(tag, self.tag) for tag in told.tags))
        )


@dataclass(frozen=True, slots=True)
class MatchChange:
    """The conditions under which an applied operation is reported. None and nothing fit all.

    Patterns are those of ``Match``. A single partner that fits is enough.
    """

    operation: frozenset[Operation] = frozenset()
    server: str | None = None
    relationship: str | None = None

    def fits(self, line: AppliedLine) -> bool:
        return (
            (not self.operation or line.operation in self.operation)
            and (self.server is None or any(_like(s, self.server) for s in line.servers))
            and (self.relationship is None or _like(line.relationship, self.relationship))
        )


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From one time of day to another in a time zone, over midnight if ``to`` is the earlier one."""

    start: time
    end: time
    timezone: ZoneInfo
    except_critical: bool = True

    def over_at(self, now: datetime) -> datetime | None:
        """Return the end of the quiet hours that ``now`` is in, or None outside of them."""
        local = now.astimezone(self.timezone)
        for day in (local.date() - timedelta(days=1), local.date()):
            last_day = day if self.start < self.end else day + timedelta(days=1)
            start = datetime.combine(day, self.start, self.timezone).astimezone(UTC)
            end = datetime.combine(last_day, self.end, self.timezone).astimezone(UTC)
            if start <= now.astimezone(UTC) < end:
                return end
        return None


@dataclass(frozen=True, slots=True)
class AlertRoute:
    """A match, and the channels that get the alerts that fit it."""

    match: Match
    channels: tuple[str, ...]
    quiet_hours: QuietHours | None = None


@dataclass(frozen=True, slots=True)
class PlannedDelivery:
    """An alert's way: over this channel, not before this time."""

    channel: str
    not_before: datetime


@dataclass(frozen=True, slots=True)
class ChannelDecision:
    """Whether a channel is told, why (not) in a few words, and from when on if not at once."""

    channel: str
    is_told: bool
    why: str
    not_before: datetime | None = None


def channels_for(
    alert: Alert, routes: Iterable[AlertRoute], at: datetime
) -> tuple[PlannedDelivery, ...]:
    """The ways of an alert: those of every route that takes it, each channel once.

    In quiet hours it waits for their end; where two routes lead over one channel the earlier counts.
    """
    start_times: dict[str, datetime] = {}
    for route in routes:
        if not route.match.fits(alert):
            continue
        start = _not_before(alert, route.quiet_hours, at)
        for channel in route.channels:
            start_times[channel] = min(start, start_times.get(channel, start))
    return tuple(PlannedDelivery(channel, start) for channel, start in start_times.items())


def _not_before(alert: Alert, quiet: QuietHours | None, at: datetime) -> datetime:
    if quiet is None or (quiet.except_critical and alert.severity is Severity.CRITICAL):
        return at
    return quiet.over_at(at) or at


def _like(name: str | None, pattern: str) -> bool:
    return name is not None and fnmatchcase(name.casefold(), pattern.casefold())
