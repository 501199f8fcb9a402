"""What the doors show: records, operations and servers with all that belongs beside them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, true

from reconcile.model.names import fold_relationship
from reconcile.model.nouns import Seen, Skipped, Unseen
from reconcile.model.record import Entry, EntryStatus
from worker.model.operations import EntryFilter, EntryView
from worker.model.runs import RecordView
from worker.model.servers import Endpoint, ServerView
from worker.store.connection import AnyRow, chunks
from worker.store.repositories.operations import TrackerReading, entry_of
from worker.store.repositories.readings import SightingReading, sighting_of
from worker.store.repositories.records import RecordReading
from worker.store.tables.failover import failover, sighting, tracker
from worker.store.tables.inventory import server


class ViewReading(RecordReading, TrackerReading, SightingReading):
    """Looks at everything; a bounded number of statements each."""

    def entry_views(self, wanted: EntryFilter) -> tuple[EntryView, ...]:
        now = self.now()
        rows = {row.number: row for asked in _asked(wanted) for row in self._rows(asked)}
        witnesses = {witness for row in rows.values() for witness in row.witnesses}
        judged_at = self._seen_at(witnesses, by_run_of_everything=True)
        recorded_on = self._read_in({row.run_id for row in rows.values()}, witnesses)
        return tuple(
            _entry_view(rows[number], now, judged_at, recorded_on) for number in sorted(rows)
        )

    def record_views(self) -> tuple[RecordView, ...]:
        records = self.records()
        pending = self._trackers()
        seen_at = self._seen_at({server for record in records for server in record.partners})
        views = (
            RecordView(
                record,
                tuple(pending[record.key]),
                _time(seen_at, record.server1_record_id),
                _time(seen_at, record.server2_record_id),
            )
            for record in records
        )
        return tuple(sorted(views, key=_by_name))

    def server_views(self) -> tuple[ServerView, ...]:
        servers = self.servers()
        ids = [server.id for server in servers]
        last = self._last_sightings(ids)
        seen_at = self._seen_at(ids)
        endpoints = {row.id: _endpoint(row) for row in self._rows(select(server))}
        counts = self._relationship_counts()
        return tuple(
            ServerView(one, endpoints[one.id], counts[one.id], last.get(one.id), seen_at[one.id])
            for one in servers
        )

    def _trackers(self) -> Mapping[int, list[Entry]]:
        """The pending lines of each record."""
        pending: defaultdict[int, list[Entry]] = defaultdict(list)
        now = self.now()
        asked = select(tracker).where(tracker.c.status == EntryStatus.PENDING)
        for row in self._rows(asked.order_by(tracker.c.number)):
            pending[row.record].append(entry_of(row, now))
        return pending

    def _last_sightings(self, servers: Collection[int]) -> dict[int, Seen | Unseen | Skipped]:
        other = sighting.alias()
        last_run = (
            select(func.max(other.c.run_id))
            .where(other.c.server_id == server.c.id)
            .correlate(server)
            .scalar_subquery()
        )
        is_last = and_(sighting.c.server_id == server.c.id, sighting.c.run_id == last_run)
        asked = select(sighting).select_from(server.join(sighting, is_last))
        return {
            row.server_id: sighting_of(row)
            for chunk in chunks(servers)
            for row in self._rows(asked.where(server.c.id.in_(chunk)))
        }

    def _relationship_counts(self) -> Counter[int]:
        """Stored relationships by server, pending Creates apart."""
        counts: Counter[int] = Counter()
        for partner in (failover.c.server1_record_id, failover.c.server2_record_id):
            stored = and_(partner.is_not(None), failover.c.pending.is_(False))
            asked = select(partner, func.count()).where(stored).group_by(partner)
            counts.update({row[0]: row[1] for row in self._rows(asked)})
        return counts


def _asked(wanted: EntryFilter) -> Iterator[Select[Any]]:
    """The statements of a filter: more than one only if it lists very many numbers or records."""
    line = tracker.c
    asked = select(tracker)
    if wanted.run is not None:
        asked = asked.where(line.run_id == wanted.run)
    if wanted.server is not None:
        asked = asked.where(or_(line.server1_id == wanted.server, line.server2_id == wanted.server))
    if wanted.operation is not None:
        asked = asked.where(line.operation == wanted.operation)
    if wanted.statuses:
        asked = asked.where(line.status.in_(wanted.statuses))
    by_number: list[ColumnElement[bool]] = [true()]
    if wanted.numbers is not None:
        by_number = [line.number.in_(c) for c in chunks(wanted.numbers)]
    by_record: list[ColumnElement[bool]] = [true()]
    if wanted.records is not None:
        by_record = [line.record.in_(c) for c in chunks(wanted.records)]
    return (asked.where(n, r) for n in by_number for r in by_record)


def _entry_view(
    row: AnyRow,
    now: datetime,
    judged_at: Mapping[int, datetime | None],
    recorded_on: Mapping[tuple[int, int], datetime],
) -> EntryView:
    return EntryView(
        entry=entry_of(row, now),
        run=row.run_id,
        recorded_at=row.recorded_at,
        evidence_at=_oldest(
            _later(judged_at.get(witness), recorded_on.get((row.run_id, witness)))
            for witness in row.witnesses
        ),
        decided_at=row.decided_at,
        decided_by=row.decided_by,
        stands_until=row.stands_until,
    )


def _later(one: datetime | None, two: datetime | None) -> datetime | None:
    return max((t for t in (one, two) if t is not None), default=None)


def _oldest(times: Iterable[datetime | None]) -> datetime | None:
    """None if there is none, or if one of them is not known."""
    every = list(times)
    known = [time for time in every if time is not None]
    return min(known, default=None) if len(known) == len(every) else None


def _time(seen_at: Mapping[int, datetime | None], server: int | None) -> datetime | None:
    return None if server is None else seen_at.get(server)


def _by_name(view: RecordView) -> tuple[str, int]:
    return fold_relationship(view.record.relationship_name), view.record.key


def _endpoint(row: AnyRow) -> Endpoint:
    return Endpoint(row.url, row.transport, row.credential)
