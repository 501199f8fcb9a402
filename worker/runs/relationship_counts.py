"""The numbers of relationships in a run's summary, counted from the store when the run is closed.

Used by ``ending``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime

from reconcile.model.nouns import Seen, Sighting, Skipped, SkipReason
from worker.model.maintenance import paused
from worker.model.records import Outline
from worker.model.runs import OpenRun
from worker.store.unit_of_work import Transaction


def count_relationships(
    reading: Transaction, run: OpenRun, sightings: Mapping[int, Sighting]
) -> dict[str, int]:
    """Return the numbers of relationships that a run judged (``pairs``) and left alone.

    A relationship is judged if one of its partners was read. ``paused`` are left alone for
    maintenance. ``overtaken`` were changed by someone else after a partner was read. Relationships
    that have no record yet do not count. The findings name them.
    """
    # A deleted record has no outline any more, so it is counted by its operation.
    changed, removed = reading.operations.records_changed_by(run.id)
    windows = paused(reading.maintenance.open_windows())
    numbers = Counter({"pairs": removed, "overtaken": 0, "paused": 0})
    for outline in reading.records.outlines(run.id):
        if not _is_covered(outline, run):
            continue
        partners = [sightings[s] for s in outline.partners if s in sightings]
        read_at = [sighting.read_at for sighting in partners if isinstance(sighting, Seen)]
        if windows & {(outline.name_key, server) for server in outline.partners}:
            numbers["paused"] += 1
        elif read_at:
            is_overtaken = _is_overtaken(outline, read_at, changed)
            numbers["overtaken" if is_overtaken else "pairs"] += 1
        elif any(s == Skipped(s.server, SkipReason.MAINTENANCE) for s in partners):
            numbers["paused"] += 1
    return dict(numbers)


def _is_covered(outline: Outline, run: OpenRun) -> bool:
    """Return whether the run is about this relationship."""
    targets, only = run.scope.targets, run.scope.only
    is_of_target = targets is None or not targets.isdisjoint(outline.partners)
    return is_of_target and only in (None, outline.name_key)


def _is_overtaken(outline: Outline, read_at: list[datetime], changed: frozenset[int]) -> bool:
    """Return whether a record is newer than a reading without a change by the run itself."""
    return outline.key not in changed and min(read_at) < outline.changed_at
