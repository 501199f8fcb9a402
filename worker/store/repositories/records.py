"""Failover records: rows, their scopes, and the memberships that go with them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, and_, bindparam, delete, or_, select, update

from reconcile.model.nouns import Evidence, Scope
from reconcile.model.record import Membership, Record
from worker.model.errors import RecordRefused
from worker.model.records import Outline
from worker.store.connection import AnyRow, Connection, chunks
from worker.store.repositories.memberships import Memberships, memberships_of
from worker.store.repositories.record_rows import (
    RECORD_COLUMNS,
    check_record,
    name_key_column,
    record_columns,
    record_of,
    scopes_by_record,
)
from worker.store.repositories.server_groups import groups_of, link_query
from worker.store.tables.failover import failover, failover_scope, sighting


class RecordRepository:
    """The failover records, with their scopes and the memberships of their servers."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._memberships = Memberships(connection)

    def load(self, servers: Collection[int] | None = None) -> tuple[Record, ...]:
        """Return the records, pending ones included, that name one of the servers, by key.

        Without ``servers`` all records are returned.
        """
        query = select(failover).order_by(failover.c.id)
        if servers is None:
            return self._records(self._connection.rows(query), self._all_scopes())
        server1, server2 = failover.c.server1_record_id, failover.c.server2_record_id
        return self._records_where(or_(server1.in_(c), server2.in_(c)) for c in chunks(servers))

    def half_mapped(self, servers: Collection[int]) -> tuple[Record, ...]:
        """Return these servers' records whose other partner is not in the inventory, by key."""
        server1, server2 = failover.c.server1_record_id, failover.c.server2_record_id
        return self._records_where(
            or_(and_(server1.in_(c), server2.is_(None)), and_(server2.in_(c), server1.is_(None)))
            for c in chunks(servers)
        )

    def by_key(self, keys: Collection[int]) -> tuple[Record, ...]:
        """Return the records with these keys, by key. Keys without a record are left out."""
        return self._records_where(failover.c.id.in_(chunk) for chunk in chunks(keys))

    def named(self, name: str) -> tuple[Record, ...]:
        """Return the records of a folded name, of any servers, by key."""
        return self._records_where([failover.c.name_key == name])

    def _records_where(self, conditions: Iterable[ColumnElement[bool]]) -> tuple[Record, ...]:
        """Return the records that meet a condition, by key, with one query for each condition."""
        query = select(failover)
        rows = {
            row.id: row
            for condition in conditions
            for row in self._connection.rows(query.where(condition))
        }
        return self._records([rows[key] for key in sorted(rows)], self._scopes_of(rows))

    def _records(
        self, rows: Iterable[AnyRow], scopes: Mapping[int, list[Scope]]
    ) -> tuple[Record, ...]:
        return tuple(record_of(row, scopes.get(row.id, ())) for row in rows)

    def _all_scopes(self) -> dict[int, list[Scope]]:
        return scopes_by_record(
            self._connection.rows(select(failover_scope.c.failover_id, failover_scope.c.scope))
        )

    def _scopes_of(self, records: Collection[int]) -> dict[int, list[Scope]]:
        scopes: dict[int, list[Scope]] = {}
        query = select(failover_scope.c.failover_id, failover_scope.c.scope)
        for chunk in chunks(records):
            chunk_query = query.where(failover_scope.c.failover_id.in_(chunk))
            scopes.update(scopes_by_record(self._connection.rows(chunk_query)))
        return scopes

    def partners(self, servers: Collection[int]) -> frozenset[int]:
        """Return these servers and their partners, as far as they have stored relationships."""
        server1, server2 = failover.c.server1_record_id, failover.c.server2_record_id
        query = select(server1, server2).distinct()
        return frozenset(
            partner
            for chunk in chunks(servers)
            for row in self._connection.rows(
                query.where(or_(server1.in_(chunk), server2.in_(chunk)))
            )
            for partner in row
            if partner is not None
        )

    def outlines(self, run: int) -> tuple[Outline, ...]:
        """Return the outlines of the records that name a server of which the run has a sighting."""
        server1, server2 = failover.c.server1_record_id, failover.c.server2_record_id
        of_run = select(sighting.c.server_id).where(sighting.c.run_id == run)
        columns = (failover.c.id, failover.c.name_key, server1, server2, failover.c.changed_at)
        # A subquery instead of a list, because a run may have thousands of servers.
        query = select(*columns).where(or_(server1.in_(of_run), server2.in_(of_run)))
        return tuple(
            Outline(row[0], row[1], tuple(s for s in row[2:4] if s is not None), row[4])
            for row in self._connection.rows(query)
        )

    def connected(self, servers: Collection[int]) -> tuple[frozenset[int], ...]:
        """Return the groups of servers that stored relationships connect to these servers.

        Connected servers share a group.
        """
        groups: list[frozenset[int]] = []
        remaining = set(servers)
        for chunk in chunks(sorted(servers)):
            start = remaining.intersection(chunk)
            chunk_groups = tuple(groups_of(start, self._links(start))) if start else ()
            groups += chunk_groups
            remaining.difference_update(*chunk_groups)
        return tuple(groups)

    def _links(self, start: Collection[int]) -> list[tuple[int, int]]:
        """Return the partners of each relationship that can be reached from these servers."""
        return [(row[0], row[1]) for row in self._connection.rows(link_query(start))]

    def holders(self, memberships: Collection[Membership]) -> Mapping[Membership, int]:
        """Return the keys of the records that hold these names (folded) and scopes (numbers)."""
        return self._memberships.holders(memberships)

    def insert(self, records: Sequence[tuple[Record, Collection[Membership]]]) -> list[int]:
        """Insert records with their memberships, and return their keys in the same order.

        ``key`` and ``changed_at`` of a record are ignored. The memberships beside a record are
        left out, because another record still holds them. An error inserts none of the records.

        Raises:
            MembershipTaken: another record of a server holds a name or scope.
            RecordRefused: a record breaks a rule.
        """
        for record, _ in records:
            check_record(record)
        if not records:
            return []
        keys = self._connection.new_keys(failover, len(records))
        current_time = self._connection.now()
        memberships = self._memberships.unique(
            (membership, key)
            for key, (record, without) in zip(keys, records, strict=True)
            for membership in memberships_of(record)
            if membership not in without
        )
        with self._all_or_none(memberships):
            self._connection.insert(
                failover,
                [
                    {
                        "id": key,
                        "changed_at": current_time,
                        **record_columns(record),
                        **name_key_column(record),
                    }
                    for key, (record, _) in zip(keys, records, strict=True)
                ],
            )
            self._add_scopes(
                (key, scope)
                for key, (record, _) in zip(keys, records, strict=True)
                for scope in sorted(record.scopes)
            )
            self._memberships.take(memberships)
        return keys

    def update(self, changes: Sequence[tuple[Record, Record]]) -> None:
        """Write the columns, scopes and memberships that differ in (before, after).

        A record with a difference gets a new ``changed_at``. Memberships are given up first and
        then taken, so records may swap them. A pending record takes only free memberships. Any
        other record, and one that ceases to be pending, takes all of its memberships. An error
        changes none of the records.

        Raises:
            MembershipTaken: another record of a server holds a name or scope.
            RecordRefused: a record breaks a rule or does not exist any more.
        """
        for _, new_record in changes:
            check_record(new_record)
        released, claimed = self._moves(changes)
        with self._all_or_none(claimed, released):
            self._memberships.give_up(released)
            self._update_columns(changes)
            self._remove_scopes(
                (old_record.key, scope)
                for old_record, new_record in changes
                for scope in old_record.scopes - new_record.scopes
            )
            self._add_scopes(
                (old_record.key, scope)
                for old_record, new_record in changes
                for scope in sorted(new_record.scopes - old_record.scopes)
            )
            self._memberships.take(claimed)

    def remove(self, keys: Collection[int]) -> None:
        """Remove records with their scopes and memberships."""
        for chunk in chunks(keys):
            self._connection.run(delete(failover).where(failover.c.id.in_(chunk)))

    def set_evidence(self, records: Collection[int], evidence: Evidence) -> None:
        """Set the evidence of records without a change of their values or of ``changed_at``."""
        for chunk in chunks(records):
            has_other_evidence = and_(failover.c.id.in_(chunk), failover.c.evidence != evidence)
            self._connection.run(
                update(failover).where(has_other_evidence).values(evidence=evidence)
            )

    def _moves(
        self, changes: Sequence[tuple[Record, Record]]
    ) -> tuple[list[Membership], dict[Membership, int]]:
        """Return the memberships to give up and those to take.

        What the records hold in the database decides, not what ``before`` implies.
        """
        moves = [(b, a) for b, a in changes if b.pending or memberships_of(b) != memberships_of(a)]
        held = self._memberships.held_by([old_record.key for old_record, _ in moves])
        released = [m for b, a in moves for m in held[b.key] - memberships_of(a).keys()]
        missing_by_record = [
            (b.key, a, [m for m in memberships_of(a) if m not in held[b.key]]) for b, a in moves
        ]
        pending = [
            m for _, new_record, missing in missing_by_record if new_record.pending for m in missing
        ]
        taken_by_others = self.holders(pending).keys() - set(released)
        return released, self._memberships.unique(
            (m, key)
            for key, new_record, missing in missing_by_record
            for m in missing
            if not (new_record.pending and m in taken_by_others)
        )

    def _update_columns(self, changes: Sequence[tuple[Record, Record]]) -> None:
        """Write the columns that differ, in one statement for all records with the same columns."""
        current_time = self._connection.now()
        groups: defaultdict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
        for old_record, new_record in changes:
            old_columns, new_columns = record_columns(old_record), record_columns(new_record)
            different = tuple(
                name for name in RECORD_COLUMNS if old_columns[name] != new_columns[name]
            )
            if "relationship_name" in different:
                new_columns |= name_key_column(new_record)
                different += ("name_key",)
            if different or old_record.scopes != new_record.scopes:
                values = {name: new_columns[name] for name in different}
                groups[different].append(
                    {"changed_at": current_time, **values, "of_record": old_record.key}
                )
        for names, rows in groups.items():
            columns: dict[str, BindParameter[Any]] = {
                name: bindparam(name) for name in (*names, "changed_at")
            }
            statement = update(failover).where(failover.c.id == bindparam("of_record"))
            if self._connection.run(statement.values(columns), rows).rowcount != len(rows):
                raise RecordRefused("A record that was to be changed is gone; run it again.")

    def _add_scopes(self, scopes: Iterable[tuple[int, Scope]]) -> None:
        rows = [{"failover_id": key, "scope": scope} for key, scope in scopes]
        self._connection.insert_keys(failover_scope, rows)

    def _remove_scopes(self, scopes: Iterable[tuple[int, Scope]]) -> None:
        rows = [{"of_record": key, "gone": scope} for key, scope in scopes]
        if rows:
            is_scope = and_(
                failover_scope.c.failover_id == bindparam("of_record"),
                failover_scope.c.scope == bindparam("gone"),
            )
            self._connection.run(delete(failover_scope).where(is_scope), rows)

    @contextmanager
    def _all_or_none(
        self, wanted: Mapping[Membership, int], released: Collection[Membership] = ()
    ) -> Iterator[None]:
        """Open a savepoint, and name the holder if a membership is taken.

        The holder is looked up only after a broken key, so the usual case costs no query.
        """
        try:
            with self._connection.savepoint():
                yield
        except RecordRefused as refusal:
            raise self._memberships.conflict(wanted, released) or refusal from refusal
