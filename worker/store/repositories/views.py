"""Views: records, operations and servers with everything that is shown beside them."""

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
from worker.model.servers import ServerView
from worker.store.connection import AnyRow, Connection, chunks
from worker.store.repositories.inventory import InventoryRepository
from worker.store.repositories.operations import entry_of
from worker.store.repositories.readings import ReadingRepository
from worker.store.repositories.records import RecordRepository
from worker.store.repositories.sighting_rows import sighting_of
from worker.store.tables.failover import failover, sighting, tracker
from worker.store.tables.inventory import server


class ViewRepository:
    """The records, operations and servers as people see them.

    Each view takes a bounded number of statements.
    """

    def __init__(
        self,
        connection: Connection,
        inventory: InventoryRepository,
        readings: ReadingRepository,
        records: RecordRepository,
    ) -> None:
        self._connection = connection
        self._inventory = inventory
        self._readings = readings
        self._records = records

    def operations(self, selection: EntryFilter) -> tuple[EntryView, ...]:
        """Return the operations that a filter selects, by number."""
        current_time = self._connection.now()
        rows = {
            row.number: row for query in _queries(selection) for row in self._connection.rows(query)
        }
        witnesses = {witness for row in rows.values() for witness in row.witnesses}
        judged_at = self._readings.read_at(witnesses, by_run_of_everything=True)
        recorded_on = self._readings.read_in({row.run_id for row in rows.values()}, witnesses)
        return tuple(
            _entry_view(rows[number], current_time, judged_at, recorded_on)
            for number in sorted(rows)
        )

    def records(self) -> tuple[RecordView, ...]:
        """Return every record with its pending operations, by folded name, then key."""
        records = self._records.load()
        pending = self._trackers()
        seen_at = self._readings.read_at(
            {server for record in records for server in record.partners}
        )
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

    def servers(self) -> tuple[ServerView, ...]:
        """Return every server, ordered by name."""
        servers = self._inventory.servers()
        ids = [server.id for server in servers]
        last_sightings = self._last_sightings(ids)
        seen_at = self._readings.read_at(ids)
        endpoints = self._inventory.endpoints()
        counts = self._relationship_counts()
        return tuple(
            ServerView(
                server,
                endpoints[server.id],
                counts[server.id],
                last_sightings.get(server.id),
                seen_at[server.id],
            )
            for server in servers
        )

    def _trackers(self) -> Mapping[int, list[Entry]]:
        """Return the pending entries of each record, by number."""
        pending: defaultdict[int, list[Entry]] = defaultdict(list)
        current_time = self._connection.now()
        query = select(tracker).where(tracker.c.status == EntryStatus.PENDING)
        for row in self._connection.rows(query.order_by(tracker.c.number)):
            pending[row.record].append(entry_of(row, current_time))
        return pending

    def _last_sightings(self, servers: Collection[int]) -> dict[int, Seen | Unseen | Skipped]:
        other_sighting = sighting.alias()
        last_run = (
            select(func.max(other_sighting.c.run_id))
            .where(other_sighting.c.server_id == server.c.id)
            .correlate(server)
            .scalar_subquery()
        )
        is_last = and_(sighting.c.server_id == server.c.id, sighting.c.run_id == last_run)
        query = select(sighting).select_from(server.join(sighting, is_last))
        return {
            row.server_id: sighting_of(row)
            for chunk in chunks(servers)
            for row in self._connection.rows(query.where(server.c.id.in_(chunk)))
        }

    def _relationship_counts(self) -> Counter[int]:
        """Return the number of stored relationships by server, without pending Creates."""
        counts: Counter[int] = Counter()
        for partner in (failover.c.server1_record_id, failover.c.server2_record_id):
            stored = and_(partner.is_not(None), failover.c.pending.is_(False))
            query = select(partner, func.count()).where(stored).group_by(partner)
            counts.update({row[0]: row[1] for row in self._connection.rows(query)})
        return counts


def _queries(selection: EntryFilter) -> Iterator[Select[Any]]:
    """Return the queries of a filter.

    There is more than one only if the filter lists very many numbers or records.
    """
    line = tracker.c
    query = select(tracker)
    if selection.run is not None:
        query = query.where(line.run_id == selection.run)
    if selection.server is not None:
        query = query.where(
            or_(line.server1_id == selection.server, line.server2_id == selection.server)
        )
    if selection.operation is not None:
        query = query.where(line.operation == selection.operation)
    if selection.statuses:
        query = query.where(line.status.in_(selection.statuses))
    by_number: list[ColumnElement[bool]] = [true()]
    if selection.numbers is not None:
        by_number = [line.number.in_(c) for c in chunks(selection.numbers)]
    by_record: list[ColumnElement[bool]] = [true()]
    if selection.records is not None:
        by_record = [line.record.in_(c) for c in chunks(selection.records)]
    return (query.where(n, r) for n in by_number for r in by_record)


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


def _later(first: datetime | None, second: datetime | None) -> datetime | None:
    return max((t for t in (first, second) if t is not None), default=None)


def _oldest(times: Iterable[datetime | None]) -> datetime | None:
    """Return the oldest time, or None if there is none or one is unknown."""
    all_times = list(times)
    known_times = [time for time in all_times if time is not None]
    return min(known_times, default=None) if len(known_times) == len(all_times) else None


def _time(seen_at: Mapping[int, datetime | None], server: int | None) -> datetime | None:
    return None if server is None else seen_at.get(server)


def _by_name(view: RecordView) -> tuple[str, int]:
    return fold_relationship(view.record.relationship_name), view.record.key
