"""Channels, what waits for them, and what would be sent, for people and for programs.

Never a secret: of a channel its name and type are shown, and nothing of how it is reached.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from reconcile.findings import Finding, Severity
from worker.alert_ports import ChannelBacklog, Delivery, PastEvent
from worker.alerts.config import Alerting
from worker.alerts.routes import Match, QuietHours, Route
from worker.alerts.words import HAPPENED
from worker.present.operations import Json, server_name
from worker.present.screen import Cell, Screen
from worker.present.text import counted, iso, moment

_NOTHING: Final = ChannelBacklog()


@dataclass(frozen=True, slots=True)
class Undone:
    """What a channel is still to be told, or was not: ``event`` is what happened to the problem."""

    delivery: Delivery
    finding: Finding
    event: PastEvent | None
    in_file: bool


def channel_json(name: str, alerting: Alerting, backlog: ChannelBacklog | None) -> Json:
    """One channel of the file."""
    known = backlog or _NOTHING
    return {
        "name": name,
        "type": alerting.types.get(name),
        "read_by": _readers(alerting, name),
        "routes": list(_routes_to(name, alerting.routes)),
        "applied": name in alerting.applied.channels,
        "waiting": known.waits,
        "failed": known.failed,
        "given_up": known.given_up,
        "told_at": iso(known.told_at),
    }


def show_channels(
    screen: Screen, alerting: Alerting, backlogs: Mapping[str, ChannelBacklog]
) -> None:
    """One row each."""
    rows = (
        (
            name,
            (alerting.types.get(name, ""), f"read by {_readers(alerting, name)}"),
            _gets(name, alerting),
            _waits(backlogs.get(name, _NOTHING)),
            moment(backlogs.get(name, _NOTHING).told_at),
        )
        for name in alerting.channels
    )
    screen.table(("channel", "type", "gets", "undone", "told last"), rows)


def undone_json(undone: Undone, names: Mapping[int, str]) -> Json:
    """One thing that a channel is to be told, or was given up."""
    delivery, finding, event = undone.delivery, undone.finding, undone.event
    return {
        "problem": delivery.finding,
        "kind": finding.kind.value,
        "relationship": finding.relationship,
        "servers": [server_name(names, s) for s in finding.servers],
        "channel": delivery.channel,
        "in_file": undone.in_file,
        "event": None if event is None else event.event.value,
        "key": None if event is None else event.key,
        "since": None if event is None else iso(event.at),
        "state": "given_up" if delivery.is_dead else "waiting",
        "attempts": delivery.attempts,
        "next_try": None if delivery.is_dead else iso(delivery.due_at),
        "error": delivery.error,
    }


def show_undone(
    screen: Screen, undone: Iterable[Undone], names: Mapping[int, str], now: datetime
) -> None:
    """One row each."""
    rows = (
        (
            str(one.delivery.finding),
            _about(one.finding, names),
            one.delivery.channel if one.in_file else (one.delivery.channel, "not in the file"),
            _event(one.event),
            _next(one.delivery, now),
            one.delivery.error or "",
        )
        for one in undone
    )
    screen.table(("problem", "about", "channel", "event", "next try", "last error"), rows)


def _gets(name: str, alerting: Alerting) -> Cell:
    told = list(_routes_to(name, alerting.routes)) or ["no route leads there"]
    if name in alerting.applied.channels:
        minutes = counted(int(alerting.applied.every.total_seconds() // 60), "minute")
        told.append(f"what policy auto applied, of {minutes} at once")
    return told


def _routes_to(channel: str, routes: Iterable[Route]) -> Iterator[str]:
    """In words."""
    for route in routes:
        if channel in route.channels:
            quiet = "" if route.quiet_hours is None else f"; {_quiet(route.quiet_hours)}"
            yield f"{_taken(route.match)}{quiet}"


def _readers(alerting: Alerting, name: str) -> str:
    return "people" if alerting.channels[name].for_people else "programs"


def _waits(backlog: ChannelBacklog) -> Sequence[str]:
    failed = f", {backlog.failed} after a failure" if backlog.failed else ""
    waits = (f"{backlog.waits} waiting{failed}",) if backlog.waits else ()
    given_up = (f"critical: {backlog.given_up} given up",) if backlog.given_up else ()
    return (*waits, *given_up) or ("nothing",)


def _taken(match: Match) -> str:
    parts = [
        " or ".join(sorted(match.kind)),
        " or ".join(sorted(match.matter)),
        _loudness(match.severity_at_least),
        "" if match.server is None else f"about a server like {match.server}",
        "" if match.relationship is None else f"about a relationship like {match.relationship}",
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


def _about(finding: Finding, names: Mapping[int, str]) -> Cell:
    servers = ", ".join(server_name(names, s) for s in finding.servers)
    about = [finding.relationship or finding.about or "", servers]
    return (finding.kind.replace("_", " "), *(part for part in about if part))


def _event(event: PastEvent | None) -> Cell:
    return "" if event is None else (HAPPENED[event.event], moment(event.at))


def _next(delivery: Delivery, now: datetime) -> Cell:
    if delivery.is_dead:
        return ("critical: given up", f"after {counted(delivery.attempts, 'attempt')}")
    when = "now" if delivery.due_at <= now else moment(delivery.due_at)
    return (
        when if not delivery.attempts else (when, f"after {counted(delivery.attempts, 'attempt')}")
    )
