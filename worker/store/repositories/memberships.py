"""Memberships: the relationship names (folded) and scopes that a server can have only once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final, TypeAlias

from sqlalchemy import ColumnElement, Table, delete, select, tuple_

from reconcile.model.formatting import dotted
from reconcile.model.names import fold_relationship
from reconcile.model.record import Membership, Record
from worker.model.errors import MembershipTaken
from worker.store.connection import CHUNK, Repository, chunks
from worker.store.tables.failover import failover, name_membership, scope_membership
from worker.store.tables.inventory import server as server_table

_Key: TypeAlias = tuple[ColumnElement[int], ColumnElement[Any]]
_NAME: Final[_Key] = (name_membership.c.server_id, name_membership.c.name_key)
_SCOPE: Final[_Key] = (scope_membership.c.server_id, scope_membership.c.scope)


def memberships_of(record: Record) -> dict[Membership, None]:
    """Return the memberships of a record, in stable order."""
    memberships: dict[Membership, None] = {}
    name = fold_relationship(record.relationship_name)
    scopes = sorted(record.scopes)
    for server in record.partners:
        memberships[server, name] = None
        for scope in scopes:
            memberships[server, scope] = None
    return memberships


class Memberships(Repository):
    """The memberships of servers and the records that hold them."""

    def holders(self, memberships: Collection[Membership]) -> Mapping[Membership, int]:
        """Return the keys of the records that hold these names (folded) and scopes (numbers)."""
        names = {m for m in memberships if isinstance(m[1], str)}
        return {
            **self._holders_in(name_membership, _NAME, names),
            **self._holders_in(scope_membership, _SCOPE, set(memberships) - names),
        }

    def _holders_in(
        self, table: Table, key: _Key, wanted: set[Membership]
    ) -> dict[Membership, int]:
        """Return the holders of memberships of one kind.

        The query selects by server, and by name or scope if these are few. The remaining rows are
        filtered here, because a condition on very many pairs costs more than the rows it saves.
        """
        holders: dict[Membership, int] = {}
        values = {value for _, value in wanted}
        for servers in chunks({server for server, _ in wanted}):
            query = select(*key, table.c.failover_id).where(key[0].in_(servers))
            if len(values) <= CHUNK:
                query = query.where(key[1].in_(values))
            rows = ((row[0], row[1], row[2]) for row in self._connection.rows(query))
            holders.update(
                ((s, value), record) for s, value, record in rows if (s, value) in wanted
            )
        return holders

    def held_by(self, records: Collection[int]) -> dict[int, set[Membership]]:
        """Return the memberships that each of the records holds."""
        held: dict[int, set[Membership]] = {key: set() for key in records}
        for table, key in ((name_membership, _NAME), (scope_membership, _SCOPE)):
            for chunk in chunks(records):
                query = select(table.c.failover_id, *key)
                for row in self._connection.rows(query.where(table.c.failover_id.in_(chunk))):
                    held[row[0]].add((row[1], row[2]))
        return held

    def take(self, wanted: Mapping[Membership, int]) -> None:
        """Insert memberships with the records that take them."""
        for table, column, kind in (
            (name_membership, "name_key", str),
            (scope_membership, "scope", int),
        ):
            self._connection.insert_keys(
                table,
                [
                    {"server_id": server, column: value, "failover_id": record}
                    for (server, value), record in wanted.items()
                    if isinstance(value, kind)
                ],
            )

    def give_up(self, memberships: Collection[Membership]) -> None:
        """Delete memberships, whichever records hold them."""
        for table, key, is_name in (
            (name_membership, _NAME, True),
            (scope_membership, _SCOPE, False),
        ):
            of_kind = [m for m in memberships if isinstance(m[1], str) is is_name]
            for chunk in chunks(of_kind):
                self._connection.run(delete(table).where(tuple_(*key).in_(chunk)))

    def unique(self, wanted: Iterable[tuple[Membership, int]]) -> dict[Membership, int]:
        """Return the record that takes each membership.

        Raises:
            MembershipTaken: two records want the same membership.
        """
        holder: dict[Membership, int] = {}
        for membership, record in wanted:
            if holder.setdefault(membership, record) != record:
                raise self._error(membership, "another relationship of the same step")
        return holder

    def conflict(
        self, wanted: Mapping[Membership, int], released: Collection[Membership]
    ) -> MembershipTaken | None:
        """Return the error that another record holds a wanted membership, or None.

        Memberships that this step releases do not count.
        """
        contested = wanted.keys() - set(released)
        for membership, record in self.holders(contested).items():
            if wanted[membership] != record:
                query = select(failover.c.relationship_name).where(failover.c.id == record)
                name = self._connection.rows(query)[0].relationship_name
                return self._error(membership, f"relationship {name} (record {record})")
        return None

    def _error(self, membership: Membership, holder: str) -> MembershipTaken:
        server, value = membership
        rows = self._connection.rows(select(server_table.c.name).where(server_table.c.id == server))
        name = rows[0].name if rows else f"number {server}"
        thing = f"the name {value}" if isinstance(value, str) else f"the scope {dotted(value)}"
        return MembershipTaken(
            f"Server {name} has {thing} already, in {holder}; a server can have it once only. "
            "Remove it there first."
        )
