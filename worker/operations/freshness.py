"""How old things are: readings that an operation rests on (rule R6), and open findings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from reconcile.model.findings import Finding
from reconcile.model.nouns import Seen, Sighting
from reconcile.model.record import Planned
from worker.store.unit_of_work import Transaction


def fresh(
    entries: Mapping[int, Planned], sightings: Iterable[Sighting], now: datetime, limit: timedelta
) -> dict[int, Planned]:
    """The entries, by number, that rest on none of these readings that is older than the limit.

    What is left out is judged again first, by the next run.
    """
    old = {s.server for s in sightings if isinstance(s, Seen) and now - s.read_at > limit}
    return {n: p for n, p in entries.items() if old.isdisjoint(p.witnesses)}


def ages(reading: Transaction, findings: Iterable[Finding]) -> dict[str, timedelta]:
    """For how long these findings are open, by fingerprint: of those that get louder with time."""
    patient = [f for f in findings if f.patience is not None]
    if not patient:
        return {}
    current_time = reading.now()
    servers, kinds = {s for f in patient for s in f.servers}, {f.kind for f in patient}
    return {
        o.finding.fingerprint: current_time - o.first_seen
        for o in reading.findings.unresolved(servers, kinds)
    }
