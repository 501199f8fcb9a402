"""Failover records: rows, their scopes, and the memberships that go with them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from typing import Any, Final

from sqlalchemy import BindParameter, ColumnElement, and_, bindparam, delete, or_, select, update

from reconcile.model.names import fold_relationship
from reconcile.model.nouns import Evidence, Mode, Scope, State
from reconcile.model.record import Record
from reconcile.planning.moves import Membership
from worker.model.errors import RecordRefused
from worker.store.connection import AnyRow, chunks
from worker.store.errors import translated
from worker.store.repositories.memberships import (
    MembershipReading,
    MembershipWriting,
    memberships_of,
)
from worker.store.tables.failover import NAME_LIMIT, failover, failover_scope

#: Attributes of Record that are columns of the same name.
_COLUMNS: Final = tuple(
    f.name for f in fields(Record) if f.name not in {"key", "scopes", "changed_at"}
)


class RecordReading(MembershipReading):
    """Loads records."""

    def records(self, servers: Collection[int] | None = None) -> tuple[Record, ...]:
        asked = select(failover).order_by(failover.c.id)
        if servers is None:
            return self._records(self._rows(asked), self._all_scopes())
        one, two = failover.c.server1_record_id, failover.c.server2_record_id
        return self._records_where(or_(one.in_(c), two.in_(c)) for c in chunks(servers))

    def half_mapped(self, servers: Collection[int]) -> tuple[Record, ...]:
        one, two = failover.c.server1_record_id, failover.c.server2_record_id
        return self._records_where(
            or_(and_(one.in_(c), two.is_(None)), and_(two.in_(c), one.is_(None)))
            for c in chunks(servers)
        )

    def records_by_key(self, keys: Collection[int]) -> tuple[Record, ...]:
        return self._records_where(failover.c.id.in_(chunk) for chunk in chunks(keys))

    def records_named(self, name: str) -> tuple[Record, ...]:
        return self._records_where([failover.c.name_key == name])

    def _records_where(self, conditions: Iterable[ColumnElement[bool]]) -> tuple[Record, ...]:
        """Records that meet one of the conditions, each condition a statement, ordered by key."""
        asked = select(failover)
        rows = {row.id: row for found in conditions for row in self._rows(asked.where(found))}
        return self._records([rows[key] for key in sorted(rows)], self._scopes_of(rows))

    def _records(
        self, rows: Iterable[AnyRow], scopes: Mapping[int, list[Scope]]
    ) -> tuple[Record, ...]:
        return tuple(_record(row, scopes.get(row.id, ())) for row in rows)

    def _all_scopes(self) -> dict[int, list[Scope]]:
        return _grouped(self._rows(select(failover_scope.c.failover_id, failover_scope.c.scope)))

    def _scopes_of(self, records: Collection[int]) -> dict[int, list[Scope]]:
        scopes: dict[int, list[Scope]] = {}
        asked = select(failover_scope.c.failover_id, failover_scope.c.scope)
        for chunk in chunks(records):
            found = asked.where(failover_scope.c.failover_id.in_(chunk))
            scopes.update(_grouped(self._rows(found)))
        return scopes


class RecordWriting(RecordReading, MembershipWriting):
    """Inserts, changes and deletes records, many at a time, all or none."""

    def insert_records(self, records: Sequence[tuple[Record, Collection[Membership]]]) -> list[int]:
        for record, _ in records:
            _must_be_valid(record)
        if not records:
            return []
        keys = self._new_keys(failover, len(records))
        now = self.now()
        wanted = self._unique(
            (membership, key)
            for key, (record, without) in zip(keys, records, strict=True)
            for membership in memberships_of(record)
            if membership not in without
        )
        with self._all_or_none(wanted):
            self._insert(
                failover,
                [
                    {"id": key, "changed_at": now, **_columns(record), **_key_of(record)}
                    for key, (record, _) in zip(keys, records, strict=True)
                ],
            )
            self._add_scopes(
                (key, scope)
                for key, (record, _) in zip(keys, records, strict=True)
                for scope in sorted(record.scopes)
            )
            self._take(wanted)
        return keys

    def update_records(self, changes: Sequence[tuple[Record, Record]]) -> None:
        for _, after in changes:
            _must_be_valid(after)
        given_up, wanted = self._moves(changes)
        with self._all_or_none(wanted, given_up):
            self._give_up(given_up)
            self._update_columns(changes)
            self._remove_scopes(
                (before.key, scope)
                for before, after in changes
                for scope in before.scopes - after.scopes
            )
            self._add_scopes(
                (before.key, scope)
                for before, after in changes
                for scope in sorted(after.scopes - before.scopes)
            )
            self._take(wanted)

    def delete_records(self, keys: Collection[int]) -> None:
        for chunk in chunks(keys):
            self._run(delete(failover).where(failover.c.id.in_(chunk)))

    def set_evidence(self, records: Collection[int], evidence: Evidence) -> None:
        for chunk in chunks(records):
            other = and_(failover.c.id.in_(chunk), failover.c.evidence != evidence)
            self._run(update(failover).where(other).values(evidence=evidence))

    def _moves(
        self, changes: Sequence[tuple[Record, Record]]
    ) -> tuple[list[Membership], dict[Membership, int]]:
        """What is given up and what is taken, seen from what the records really hold."""
        moving = [(b, a) for b, a in changes if b.pending or memberships_of(b) != memberships_of(a)]
        held = self._held_by([before.key for before, _ in moving])
        given_up = [m for b, a in moving for m in held[b.key] - memberships_of(a).keys()]
        free = [
            (b.key, a, [m for m in memberships_of(a) if m not in held[b.key]]) for b, a in moving
        ]
        pending = [m for _, after, missing in free if after.pending for m in missing]
        others = self.holders(pending).keys() - set(given_up)
        return given_up, self._unique(
            (m, key)
            for key, after, missing in free
            for m in missing
            if not (after.pending and m in others)
        )

    def _update_columns(self, changes: Sequence[tuple[Record, Record]]) -> None:
        """One statement for all records of which the same columns change."""
        now = self.now()
        groups: defaultdict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
        for before, after in changes:
            old, new = _columns(before), _columns(after)
            different = tuple(name for name in _COLUMNS if old[name] != new[name])
            if "relationship_name" in different:
                new |= _key_of(after)
                different += ("name_key",)
            if different or before.scopes != after.scopes:
                values = {name: new[name] for name in different}
                groups[different].append({"changed_at": now, **values, "of_record": before.key})
        for names, rows in groups.items():
            columns: dict[str, BindParameter[Any]] = {
                name: bindparam(name) for name in (*names, "changed_at")
            }
            changed = update(failover).where(failover.c.id == bindparam("of_record"))
            if self._run(changed.values(columns), rows).rowcount != len(rows):
                raise RecordRefused("A record that was to be changed is gone; run it again.")

    def _add_scopes(self, scopes: Iterable[tuple[int, Scope]]) -> None:
        rows = [{"failover_id": key, "scope": scope} for key, scope in scopes]
        self._insert_keys(failover_scope, rows)

    def _remove_scopes(self, scopes: Iterable[tuple[int, Scope]]) -> None:
        rows = [{"of_record": key, "gone": scope} for key, scope in scopes]
        if rows:
            one = and_(
                failover_scope.c.failover_id == bindparam("of_record"),
                failover_scope.c.scope == bindparam("gone"),
            )
            self._run(delete(failover_scope).where(one), rows)

    @contextmanager
    def _all_or_none(
        self, wanted: Mapping[Membership, int], released: Collection[Membership] = ()
    ) -> Iterator[None]:
        """A savepoint; what a broken key means is asked only when it broke."""
        with translated(self._database.place):
            savepoint = self._connection.begin_nested()
        try:
            yield
        except RecordRefused as refusal:
            with translated(self._database.place):
                savepoint.rollback()
            raise self._conflict(wanted, released) or refusal from refusal
        with translated(self._database.place):
            savepoint.commit()


def _columns(record: Record) -> dict[str, Any]:
    return {name: getattr(record, name) for name in _COLUMNS}


def _key_of(record: Record) -> dict[str, str]:
    return {"name_key": fold_relationship(record.relationship_name)}


def _record(row: AnyRow, scopes: Iterable[Scope]) -> Record:
    values = {name: getattr(row, name) for name in _COLUMNS}
    values["mode"] = Mode(row.mode)
    values["server1_state"] = State(row.server1_state)
    values["server2_state"] = State(row.server2_state)
    values["evidence"] = Evidence(row.evidence)
    return Record(key=row.id, scopes=frozenset(scopes), changed_at=row.changed_at, **values)


def _grouped(rows: Iterable[AnyRow]) -> dict[int, list[Scope]]:
    grouped: defaultdict[int, list[Scope]] = defaultdict(list)
    for record, scope in rows:
        grouped[record].append(scope)
    return grouped


def _must_be_valid(record: Record) -> None:
    """[MS-IPAMM2] 3.1.4.16 and 3.1.1.1.44: the rules of a DhcpFailover row."""
    name = record.relationship_name
    percentage = record.server1_percentage
    if not name.strip():
        why = "it has no name"
    elif len(name) > NAME_LIMIT:
        why = f"its name is longer than {NAME_LIMIT} characters"
    elif record.mode in (None, Mode.NONE):
        why = "it has no mode"
    elif percentage is not None and not 0 <= percentage <= 100:  # noqa: PLR2004 - per cent
        why = f"its percentage is {percentage}, not 0 to 100"
    else:
        return
    raise RecordRefused(f"Relationship {name[:NAME_LIMIT]!r} cannot be stored: {why}.")
