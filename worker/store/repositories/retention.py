"""Forgetting runs and what they saw, and problems that are over, a bounded number of rows at a time.

Kept, however old: what an open operation or an open finding rests on, each server's last two
readings and its last sighting, and runs that anything in OperationTracker or among the findings
tells of.  A reading goes when no sighting points to it any more.

Of an open problem the last event of each kind stays and what a channel knows, and of any what a
channel is still to be told.  That nobody decided who is told keeps an event no longer: without
channels nobody ever does.
A problem that is over goes after its events, with all that channels knew of it.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Select, and_, delete, exists, func, or_, select, tuple_

from reconcile.model.record import EntryStatus
from worker.store.connection import Session, chunks
from worker.store.repositories.readings import Outcome
from worker.store.tables.alerts import delivery, finding_event
from worker.store.tables.failover import finding, finding_server, reading, run, sighting, tracker

#: The latest reading, and the one that it is compared with.
_READINGS_KEPT: Final = 2


class PruningWriting(Session):
    """Removes what is old."""

    def prune(self, before: datetime, most: int) -> dict[str, int]:
        """Remove at most so many rows of each table, which were over before; rows by table.

        Problems come before runs, which they keep.
        """
        gone = self._rows(_old_sightings(before).limit(most))
        self._remove_sightings([(row.run_id, row.server_id) for row in gone])
        readings = self._remove_readings({row.reading_id for row in gone if row.reading_id})
        removed = {"sighting": len(gone), "reading": readings}
        for table, old in (
            (finding_event, _old_events(before)),
            (finding, _old_findings(before)),
            (run, _old_runs(before)),
        ):
            keys = [row.id for row in self._rows(old.limit(most))]
            for chunk in chunks(keys):
                self._run(delete(table).where(table.c.id.in_(chunk)))
            removed[table.name] = len(keys)
        return removed

    def _remove_sightings(self, keys: Collection[tuple[int, int]]) -> None:
        key = tuple_(sighting.c.run_id, sighting.c.server_id)
        for chunk in chunks(keys):
            self._run(delete(sighting).where(key.in_(chunk)))

    def _remove_readings(self, readings: Collection[int]) -> int:
        used = exists().where(sighting.c.reading_id == reading.c.id)
        return sum(
            self._run(delete(reading).where(reading.c.id.in_(chunk), ~used)).rowcount
            for chunk in chunks(readings)
        )


def _old_sightings(before: datetime) -> Select[int, int, int | None]:
    its_own = sighting.c.run_id, sighting.c.server_id, sighting.c.reading_id
    return (
        select(*its_own)
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
    of_problem = finding.c.id == finding_event.c.finding_id
    stays = and_(finding.c.resolved_at.is_(None), or_(_is_last_of_its_kind(), _is_known()))
    return (
        select(finding_event.c.id)
        .join(finding, of_problem)
        .where(
            finding_event.c.at < before,
            ~_is_wanted(),
            ~stays,
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


def _is_wanted() -> ColumnElement[bool]:
    return exists().where(
        delivery.c.finding_id == finding_event.c.finding_id,
        delivery.c.wanted_sequence == finding_event.c.sequence,
    )


def _is_known() -> ColumnElement[bool]:
    """What a channel knows may have to be told again."""
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
    """FKs: whatever still tells of a run keeps it."""
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
    """A run that workers are at is never old; one of a command that was killed stays open."""
    killed = and_(run.c.ended_at.is_(None), run.c.lane.is_(None), run.c.started_at < before)
    return or_(run.c.ended_at < before, killed)


def _is_last_sighting() -> ColumnElement[bool]:
    other = sighting.alias()
    last = select(func.max(other.c.run_id)).where(other.c.server_id == sighting.c.server_id)
    return sighting.c.run_id == last.correlate(sighting).scalar_subquery()


def _is_recent_reading() -> ColumnElement[bool]:
    other = sighting.alias()
    recent = (
        select(other.c.run_id)
        .where(other.c.server_id == sighting.c.server_id, other.c.outcome == Outcome.SEEN)
        .order_by(other.c.read_at.desc(), other.c.run_id.desc())
        .limit(_READINGS_KEPT)
        .correlate(sighting)
    )
    return and_(sighting.c.outcome == Outcome.SEEN, sighting.c.run_id.in_(recent))


def _is_evidence_of_an_operation() -> ColumnElement[bool]:
    """Pending, or rejected as an accepted difference; its witnesses are its partners."""
    is_open = or_(tracker.c.status == EntryStatus.PENDING, tracker.c.stands)
    about = or_(
        tracker.c.server1_id == sighting.c.server_id, tracker.c.server2_id == sighting.c.server_id
    )
    return exists().where(tracker.c.run_id == sighting.c.run_id, is_open, about)


def _is_evidence_of_a_finding() -> ColumnElement[bool]:
    return exists().where(
        finding.c.opened_run_id == sighting.c.run_id,
        finding.c.resolved_at.is_(None),
        finding_server.c.finding_id == finding.c.id,
        finding_server.c.server_id == sighting.c.server_id,
    )
