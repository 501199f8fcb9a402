"""Retention: removes old runs, sightings, events and problems, a bounded number of rows at a time.

Some rows stay, however old they are: the evidence of open operations and open findings, each
server's last two readings and its last sighting, and runs that OperationTracker or a finding refers
to. A reading is removed when no sighting refers to it any more.

Of an open problem the last event of each kind stays, and so do the events that channels received
last. Of any problem the events that are pending for a channel stay. An unrouted event is removed
like any other one, because without channels no event is ever routed.
A resolved problem is removed after its events, together with its deliveries.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Select, and_, delete, exists, func, or_, select, tuple_

from reconcile.model.record import EntryStatus
from worker.store.connection import Repository, chunks
from worker.store.repositories.sighting_rows import SightingKind
from worker.store.tables.alerts import delivery, finding_event
from worker.store.tables.failover import finding, finding_server, reading, run, sighting, tracker

#: The latest reading of a server, and the one that it is compared with.
_READINGS_KEPT: Final = 2


class RetentionRepository(Repository):
    """The rows that are old enough to be removed."""

    def prune(self, before: datetime, most: int) -> dict[str, int]:
        """Remove old rows, at most ``most`` sightings, events, problems and runs each.

        Return the number of removed rows by table. Problems are removed before runs, because a
        problem keeps its run.
        """
        sightings = self._connection.rows(_old_sightings(before).limit(most))
        self._remove_sightings([(row.run_id, row.server_id) for row in sightings])
        readings = self._remove_readings({row.reading_id for row in sightings if row.reading_id})
        removed = {"sighting": len(sightings), "reading": readings}
        for table, query in (
            (finding_event, _old_events(before)),
            (finding, _old_findings(before)),
            (run, _old_runs(before)),
        ):
            keys = [row.id for row in self._connection.rows(query.limit(most))]
            for chunk in chunks(keys):
                self._connection.run(delete(table).where(table.c.id.in_(chunk)))
            removed[table.name] = len(keys)
        return removed

    def _remove_sightings(self, keys: Collection[tuple[int, int]]) -> None:
        key = tuple_(sighting.c.run_id, sighting.c.server_id)
        for chunk in chunks(keys):
            self._connection.run(delete(sighting).where(key.in_(chunk)))

    def _remove_readings(self, readings: Collection[int]) -> int:
        is_used = exists().where(sighting.c.reading_id == reading.c.id)
        return sum(
            self._connection.run(delete(reading).where(reading.c.id.in_(chunk), ~is_used)).rowcount
            for chunk in chunks(readings)
        )


def _old_sightings(before: datetime) -> Select[int, int, int | None]:
    columns = sighting.c.run_id, sighting.c.server_id, sighting.c.reading_id
    return (
        select(*columns)
        .join(run, run.c.id == sighting.c.run_id)
        .where(
            _is_old(before),
            ~_is_last_sighting(),
            ~_is_recent_reading(),
            ~_is_evidence_of_an_operation(),
            ~_is_evidence_of_a_finding(),
        )
        .order_by(sighting.c.run_id, sighting.c.server_id)
    )


def _old_events(before: datetime) -> Select[int]:
    is_of_problem = finding.c.id == finding_event.c.finding_id
    is_kept = and_(
        finding.c.resolved_at.is_(None), or_(_is_last_of_its_kind(), _is_last_received())
    )
    return (
        select(finding_event.c.id)
        .join(finding, is_of_problem)
        .where(
            finding_event.c.at < before,
            ~_is_pending(),
            ~is_kept,
        )
        .order_by(finding_event.c.id)
    )


def _is_last_of_its_kind() -> ColumnElement[bool]:
    later = finding_event.alias()
    return ~exists().where(
        later.c.finding_id == finding_event.c.finding_id,
        later.c.event == finding_event.c.event,
        later.c.sequence > finding_event.c.sequence,
    )


def _is_pending() -> ColumnElement[bool]:
    return exists().where(
        delivery.c.finding_id == finding_event.c.finding_id,
        delivery.c.wanted_sequence == finding_event.c.sequence,
    )


def _is_last_received() -> ColumnElement[bool]:
    """Return the condition that a channel received the event last.

    The event may have to be delivered again.
    """
    return exists().where(
        delivery.c.finding_id == finding_event.c.finding_id,
        delivery.c.told_sequence == finding_event.c.sequence,
    )


def _old_findings(before: datetime) -> Select[int]:
    causes = select(finding.alias().c.caused_by)
    causes = causes.where(causes.selected_columns.caused_by.is_not(None))
    return (
        select(finding.c.id)
        .where(
            finding.c.resolved_at < before,
            ~exists().where(finding_event.c.finding_id == finding.c.id),
            finding.c.id.not_in(causes),
        )
        .order_by(finding.c.id)
    )


def _old_runs(before: datetime) -> Select[int]:
    """Return the query of old runs that no foreign key refers to."""
    return (
        select(run.c.id)
        .where(
            _is_old(before),
            ~exists().where(sighting.c.run_id == run.c.id),
            ~exists().where(tracker.c.run_id == run.c.id),
            ~exists().where(finding.c.opened_run_id == run.c.id),
        )
        .order_by(run.c.id)
    )


def _is_old(before: datetime) -> ColumnElement[bool]:
    """Return the condition that a run is old. An open run never is."""
    return run.c.ended_at < before


def _is_last_sighting() -> ColumnElement[bool]:
    other_sighting = sighting.alias()
    last_run = select(func.max(other_sighting.c.run_id)).where(
        other_sighting.c.server_id == sighting.c.server_id
    )
    return sighting.c.run_id == last_run.correlate(sighting).scalar_subquery()


def _is_recent_reading() -> ColumnElement[bool]:
    other_sighting = sighting.alias()
    recent = (
        select(other_sighting.c.run_id)
        .where(
            other_sighting.c.server_id == sighting.c.server_id,
            other_sighting.c.outcome == SightingKind.SEEN,
        )
        .order_by(other_sighting.c.read_at.desc(), other_sighting.c.run_id.desc())
        .limit(_READINGS_KEPT)
        .correlate(sighting)
    )
    return and_(sighting.c.outcome == SightingKind.SEEN, sighting.c.run_id.in_(recent))


def _is_evidence_of_an_operation() -> ColumnElement[bool]:
    """Return the condition that a sighting is evidence of an open operation.

    Pending operations and rejections in force are open. The witnesses are the partners.
    """
    is_open = or_(tracker.c.status == EntryStatus.PENDING, tracker.c.stands)
    is_witness = or_(
        tracker.c.server1_id == sighting.c.server_id, tracker.c.server2_id == sighting.c.server_id
    )
    return exists().where(tracker.c.run_id == sighting.c.run_id, is_open, is_witness)


def _is_evidence_of_a_finding() -> ColumnElement[bool]:
    return exists().where(
        finding.c.opened_run_id == sighting.c.run_id,
        finding.c.resolved_at.is_(None),
        finding_server.c.finding_id == finding.c.id,
        finding_server.c.server_id == sighting.c.server_id,
    )
