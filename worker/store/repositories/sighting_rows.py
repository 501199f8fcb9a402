"""Rows of sightings: their kinds, their optional columns, and the values of rows.

Pure. Used by the repositories that read or write sightings.
"""

from __future__ import annotations

from enum import StrEnum

from reconcile.model.nouns import ReadFailure, Seen, Skipped, SkipReason, Unseen
from worker.store.connection import AnyRow
from worker.store.tables.failover import sighting


class SightingKind(StrEnum):
    """The kind of a sighting in its table."""

    SEEN = "seen"
    UNSEEN = "unseen"
    SKIPPED = "skipped"


#: NULL for each optional column, so that one statement takes sightings of every kind.
NULL_COLUMNS = dict.fromkeys(c.name for c in sighting.c if c.nullable)


def sighting_of(row: AnyRow) -> Seen | Unseen | Skipped:
    """Return the sighting of a row, a Seen without its stories."""
    match SightingKind(row.outcome):
        case SightingKind.SEEN:
            return Seen(row.server_id, row.read_at, ())
        case SightingKind.UNSEEN:
            failure = ReadFailure(
                row.error_code, row.error_message, row.error_remedy, row.error_retry
            )
            return Unseen(row.server_id, row.read_at, failure)
        case SightingKind.SKIPPED:
            return Skipped(row.server_id, SkipReason(row.skip_reason))
