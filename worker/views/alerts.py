"""Channels, what waits for them, and what would be sent, for people and for programs.

Never a secret: of a channel its name and type are shown, and nothing of how it is reached.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from reconcile.model.findings import Severity
from worker.alerts.alerting import Alerting
from worker.alerts.rules import AlertRoute, Match, MatchChange, QuietHours
from worker.model.alerts import ChannelBacklog
from worker.model.change_feed import AppliedBacklog
from worker.views.operations import Json
from worker.views.screen import Cell, Screen
from worker.views.text import counted, iso, moment


@dataclass(frozen=True, slots=True)
class ChannelStatus:
    """The backlog of a channel.

    ``paused_until`` is the end of a pause that its receiver asked for.
    """

    backlog: ChannelBacklog
    changes: AppliedBacklog
    paused_until: datetime | None


def channel_json(name: str, alerting: Alerting, standing: ChannelStatus) -> Json:
    """Return a channel of the file."""
    backlog = standing.backlog
    return {
        "name": name,
        "type": alerting.types.get(name),
        "read_by": _readers(alerting, name),
        "routes": list(_routes_to(name, alerting.routes)),
        "applied": name in alerting.applied.channels,
        "waiting": backlog.waits,
        "failed": backlog.failed,
        "given_up": backlog.given_up,
        "changes_waiting": standing.changes.waits,
        "changes_given_up": standing.changes.given_up,
        "told_at": iso(backlog.told_at),
        "paused_until": iso(standing.paused_until),
    }


def show_channels(
    screen: Screen, alerting: Alerting, standings: Mapping[str, ChannelStatus]
) -> None:
    """Show one row for each channel."""
    rows = (
        (
            name,
            (alerting.types.get(name, ""), f"read by {_readers(alerting, name)}"),
            _gets(name, alerting),
            _waits(standings[name]),
            moment(standings[name].backlog.told_at),
        )
        for name in alerting.channels
    )
    screen.table(("channel", "type", "gets", "undone", "told last"), rows)


def _gets(name: str, alerting: Alerting) -> Cell:
    routes = list(_routes_to(name, alerting.routes)) or ["no route leads there"]
    if name in alerting.applied.channels:
        minutes = counted(int(alerting.applied.every.total_seconds() // 60), "minute")
        which = _chosen(alerting.applied.match)
        routes.append(f"what policy auto applied{which}, of {minutes} at once")
    return routes


def _chosen(match: MatchChange) -> str:
    parts = [" or ".join(sorted(match.operation)), *_like(match.server, match.relationship)]
    return "".join(f", {part}" for part in parts if part)


def _like(server: str | None, relationship: str | None) -> tuple[str, str]:
    return (
        "" if server is None else f"about a server like {server}",
        "" if relationship is None else f"about a relationship like {relationship}",
    )


def _routes_to(channel: str, routes: Iterable[AlertRoute]) -> Iterator[str]:
    """In words."""
    for route in routes:
        if channel in route.channels:
            suffix = "" if route.quiet_hours is None else f"; {_quiet(route.quiet_hours)}"
            yield f"{_taken(route.match)}{suffix}"


def _readers(alerting: Alerting, name: str) -> str:
    return "people" if alerting.channels[name].for_people else "programs"


def _waits(standing: ChannelStatus) -> Sequence[str]:
    backlog, changes = standing.backlog, standing.changes
    pause_end = standing.paused_until
    failed = f", {backlog.failed} after a failure" if backlog.failed else ""
    lines = (
        f"{backlog.waits} waiting{failed}" if backlog.waits else "",
        f"critical: {backlog.given_up} given up" if backlog.given_up else "",
        f"{counted(changes.waits, 'change')} waiting" if changes.waits else "",
        f"critical: {counted(changes.given_up, 'change')} given up" if changes.given_up else "",
        "" if pause_end is None else f"asked to be left alone until {moment(pause_end)}",
    )
    return tuple(line for line in lines if line) or ("nothing",)


def _taken(match: Match) -> str:
    parts = [
        " or ".join(sorted(match.kind)),
        " or ".join(sorted(match.matter)),
        _loudness(match.severity_at_least),
        *_like(match.server, match.relationship),
    ]
    return ", ".join(part for part in parts if part) or "everything"


def _loudness(least: Severity) -> str:
    match least:
        case Severity.INFO:
            return ""
        case Severity.WARNING:
            return "warning or critical"
        case Severity.CRITICAL:
            return "critical"


def _quiet(quiet: QuietHours) -> str:
    but = ", but not for what is critical" if quiet.except_critical else ""
    return f"quiet from {quiet.start:%H:%M} to {quiet.end:%H:%M} {quiet.timezone.key}{but}"
