"""Maintenance windows for people and for programs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from worker.model.maintenance import Window
from worker.views.operations import Json
from worker.views.screen import Screen
from worker.views.text import iso, moment, when_and_who


def window_json(window: Window, server: str, now: datetime) -> Json:
    """Return a window. ``server`` is the name of its server."""
    return {
        "id": window.id,
        "server": server,
        "relationship": window.relationship,
        "state": _state(window, now),
        "starts_at": iso(window.starts_at),
        "ends_at": iso(window.ends_at),
        "note": window.note,
        "who": window.who,
        "ended_by": window.ended_by,
    }


def show_windows(
    screen: Screen, windows: Iterable[Window], names: Mapping[int, str], now: datetime
) -> None:
    """Show one row for each window."""
    rows = (
        (
            str(window.id),
            _what(window, names[window.server]),
            _state(window, now),
            *when_and_who(window.starts_at, window.ends_at, window.who, window.ended_by),
            window.note,
        )
        for window in windows
    )
    screen.table(("window", "of", "state", "when", "who", "why"), rows)


def until_when(window: Window, server: str, now: datetime) -> str:
    """Return the effect of a window that was just begun."""
    verb = "asked" if window.relationship is None else "judged"
    begin = f" from {moment(window.starts_at)}" if window.starts_at > now else ""
    return (
        f"{_what(window, server)} is not {verb}{begin} until {moment(window.ends_at)}. "
        f"To end that: ipam-sync maintenance end {window.id}"
    )


def _what(window: Window, server: str) -> str:
    return server if window.relationship is None else f"{window.relationship}@{server}"


def _state(window: Window, now: datetime) -> str:
    if window.ends_at <= now:
        return "over"
    return "open" if window.starts_at <= now else "to come"
