"""How values are spelt for people and on the wire of the type: durations, addresses, lists."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from enum import StrEnum

from reconcile.model.nouns import Scope, Value

#: Properties that are stored as seconds and shown as ISO 8601 durations.
_DURATIONS = frozenset({"MCLT", "StateSwitchInterval"})


def iso_duration(seconds: int) -> str:
    """``ser:duration`` of whole seconds, [MS-IPAMM2] 2.2.5.87: ``PT1H``, ``P1DT2H``, ``PT0S``."""
    minutes, s = divmod(seconds, 60)
    hours, m = divmod(minutes, 60)
    days, h = divmod(hours, 24)
    date = f"{days}D" if days else ""
    time = "".join(f"{n}{unit}" for n, unit in ((h, "H"), (m, "M"), (s, "S")) if n)
    if not date and not time:
        return "PT0S"
    return f"P{date}T{time}" if time else f"P{date}"


def span(duration: timedelta) -> str:
    """A duration for people, in its two largest units: ``3 h 20 min``."""
    minutes, seconds = divmod(max(0, int(duration.total_seconds())), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    units = ((days, "d"), (hours, "h"), (minutes, "min"), (seconds, "s"))
    return " ".join([f"{n} {unit}" for n, unit in units if n][:2]) or "0 s"


def dotted(scope: Scope) -> str:
    """A scope's network address as people write it."""
    return f"{scope >> 24}.{scope >> 16 & 255}.{scope >> 8 & 255}.{scope & 255}"


def dotted_all(scopes: Iterable[Scope]) -> tuple[str, ...]:
    """Scopes in numeric order."""
    return tuple(dotted(s) for s in sorted(scopes))


def shown(property: str, value: Value) -> Value:
    """A property's value as the type spells it: durations ISO 8601, all else as it is."""
    if property in _DURATIONS and isinstance(value, int):
        return iso_duration(value)
    return value


def spelt(property: str, value: Value) -> Value:
    """Return the value with a plain str for an enumeration word."""
    word = shown(property, value)
    return word.value if isinstance(word, StrEnum) else word


def said(property: str, value: Value) -> str:
    """A value within a sentence."""
    word = shown(property, value)
    if word is None:
        return "nothing"
    return str(word).lower() if isinstance(word, bool) else str(word)


def listed(items: Iterable[str], most: int = 5) -> str:
    """``a, b and 3 more``: a list that never outgrows its sentence."""
    words = tuple(items)
    head = ", ".join(words[:most])
    return head if len(words) <= most else f"{head} and {len(words) - most} more"
