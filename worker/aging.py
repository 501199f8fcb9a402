"""What grew old before it could be applied is judged again first, by the next run (rule R6)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from reconcile.model import Seen, Sighting
from reconcile.record import Planned


def fresh(
    entries: Mapping[int, Planned], sightings: Iterable[Sighting], now: datetime, limit: timedelta
) -> dict[int, Planned]:
    """The entries, by number, that rest on none of these readings that is older than the limit."""
    old = {s.server for s in sightings if isinstance(s, Seen) and now - s.read_at > limit}
    return {n: p for n, p in entries.items() if old.isdisjoint(p.witnesses)}
