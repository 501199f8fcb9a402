"""Silences for people and for programs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from worker.model.alerts import Silence
from worker.views.operations import Json
from worker.views.screen import Screen
from worker.views.text import iso, when_and_who


def silence_json(silence: Silence, now: datetime) -> Json:
    """Return a silence. Null matchers fit all."""
    return {
        "id": silence.id,
        "kind": None if silence.kind is None else silence.kind.value,
        "matter": None if silence.matter is None else silence.matter.value,
        "server": silence.server,
        "relationship": silence.relationship,
        "tag": silence.tag,
        "state": _state(silence, now),
        "reason": silence.reason,
        "who": silence.who,
        "starts_at": iso(silence.starts_at),
        "ends_at": iso(silence.ends_at),
        "ended_by": silence.ended_by,
    }


def show_silences(screen: Screen, silences: Iterable[Silence], now: datetime) -> None:
    """Show one row for each silence."""
    rows = (
        (
            str(silence.id),
            tuple(matchers(silence)),
            _state(silence, now),
            *when_and_who(silence.starts_at, silence.ends_at, silence.who, silence.ended_by),
            silence.reason,
        )
        for silence in silences
    )
    screen.table(("silence", "of", "state", "when", "who", "why"), rows)


def matchers(silence: Silence) -> Iterator[str]:
    """Yield the matchers of a silence as words."""
    values = {
        "kind": silence.kind,
        "matter": silence.matter,
        "server": silence.server,
        "relationship": silence.relationship,
        "tag": silence.tag,
    }
    texts = [f"{name} {value}" for name, value in values.items() if value is not None]
    yield from texts or ["everything"]


def _state(silence: Silence, now: datetime) -> str:
    """Silences begin when they are made."""
    return "over" if silence.ends_at <= now else "in force"
