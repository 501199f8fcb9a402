"""Small texts: names from the network made harmless, times, ages, and why something is held.

Used by everything that shows something to people.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from collectors.quote import escaped
from reconcile.model.record import Hold


def safe(text: str) -> str:
    """The whole text on one line, with everything unprintable spelt out."""
    return escaped(text, len(text))


def iso(time: datetime | None) -> str | None:
    """A time for programs: ISO 8601 in UTC, whole seconds, ``Z``."""
    if time is None:
        return None
    return time.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def moment(time: datetime | None) -> str:
    """A time for people."""
    return "never" if time is None else f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def when_and_who(
    starts_at: datetime, ends_at: datetime, who: str, ended_by: str | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Two cells of a table, for what people began for a time and may have ended before it."""
    end_words = () if ended_by is None else (f"ended by {ended_by}",)
    return (f"from {moment(starts_at)}", f"to {moment(ends_at)}"), (who, *end_words)


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """``1 server``, ``2 servers``."""
    return f"{number} {noun if number == 1 else plural or f'{noun}s'}"


#: Why an operation waits for a person.
HELD_BECAUSE: Final = {
    Hold.GUARD: "the guard held it: too much would be taken away within 24 hours",
    Hold.ONE_WITNESS: "only one partner is there to tell that it is gone",
}
