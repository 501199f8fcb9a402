"""What a server can have once only: relationship names (folded) and scopes, and who holds them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final, TypeAlias

from sqlalchemy import ColumnElement, Table, delete, select, tuple_

from reconcile.model.formatting import dotted
from reconcile.model.names import fold_relationship
from reconcile.model.record import Record
from reconcile.planning.moves import Membership
from worker.model.errors import MembershipTaken
from worker.store.connection import CHUNK, chunks
from worker.store.repositories.inventory import InventoryReading
from worker.store.tables.failover import failover, name_membership, scope_membership

_Key: TypeAlias = tuple[ColumnElement[int], ColumnElement[Any]]
_NAME: Final[_Key] = (name_membership.c.server_id, name_membership.c.name_key)
_SCOPE: Final[_Key] = (scope_membership.c.server_id, scope_membership.c.scope)


def memberships_of(record: Record) -> dict[Membership, None]:
    """All that a record has of its servers, in stable order."""
    own: dict[Membership, None] = {}
    name = fold_relationship(record.relationship_name)
    scopes = sorted(record.scopes)
    for server in record.partners:
        own[server, name] = None
        for scope in scopes:
            own[server, scope] = None
    return own


class MembershipReading(InventoryReading):
    """Asks who holds what."""

    def holders(self, memberships: Collection[Membership]) -> Mapping[Membership, int]:
        names = {m for m in memberships if isinstance(m[1], str)}
        return {
            **self._holders_in(name_membership, _NAME, names),
            **self._holders_in(scope_membership, _SCOPE, set(memberships) - names),
        }

    def _holders_in(
        self, table: Table, key: _Key, wanted: set[Membership]
    ) -> dict[Membership, int]:
        """Asked by server, and by name or scope where these are few; the rest is sorted out here:
        a condition on very many pairs costs more than the rows it would save.
        """
        found: dict[Membership, int] = {}
        things = {what for _, what in wanted}
        for servers in chunks({server for server, _ in wanted}):
            asked = select(*key, table.c.failover_id).where(key[0].in_(servers))
            if len(things) <= CHUNK:
                asked = asked.where(key[1].in_(things))
            rows = ((row[0], row[1], row[2]) for row in self._rows(asked))
            found.update(((s, what), record) for s, what, record in rows if (s, what) in wanted)
        return found

    def _held_by(self, records: Collection[int]) -> dict[int, set[Membership]]:
        """What each of the records holds."""
        held: dict[int, set[Membership]] = {key: set() for key in records}
        for table, key in ((name_membership, _NAME), (scope_membership, _SCOPE)):
            for chunk in chunks(records):
                asked = select(table.c.failover_id, *key)
                for row in self._rows(asked.where(table.c.failover_id.in_(chunk))):
                    held[row[0]].add((row[1], row[2]))
        return held


class MembershipWriting(MembershipReading):
    """Takes names and scopes and gives them up."""

    def _take(self, wanted: Mapping[Membership, int]) -> None:
        for table, column, kind in (
            (name_membership, "name_key", str),
            (scope_membership, "scope", int),
        ):
            self._insert_keys(
                table,
                [
                    {"server_id": server, column: what, "failover_id": record}
                    for (server, what), record in wanted.items()
                    if isinstance(what, kind)
                ],
            )

    def _give_up(self, memberships: Collection[Membership]) -> None:
        for table, key, is_name in (
            (name_membership, _NAME, True),
            (scope_membership, _SCOPE, False),
        ):
            given = [m for m in memberships if isinstance(m[1], str) is is_name]
            for chunk in chunks(given):
                self._run(delete(table).where(tuple_(*key).in_(chunk)))

    def _unique(self, wanted: Iterable[tuple[Membership, int]]) -> dict[Membership, int]:
        """Who is to hold what; raises MembershipTaken if two of them want the same."""
        holder: dict[Membership, int] = {}
        for membership, record in wanted:
            if holder.setdefault(membership, record) != record:
                raise self._taken(membership, "another relationship of the same step")
        return holder

    def _conflict(
        self, wanted: Mapping[Membership, int], released: Collection[Membership]
    ) -> MembershipTaken | None:
        """Who holds what is wanted, but for what this step releases; None if nobody does."""
        asked = wanted.keys() - set(released)
        for membership, record in self.holders(asked).items():
            if wanted[membership] != record:
                named = select(failover.c.relationship_name).where(failover.c.id == record)
                name = self._rows(named)[0].relationship_name
                return self._taken(membership, f"relationship {name} (record {record})")
        return None

    def _taken(self, membership: Membership, holder: str) -> MembershipTaken:
        server, what = membership
        name = self._server_names([server]).get(server, f"number {server}")
        thing = f"the name {what}" if isinstance(what, str) else f"the scope {dotted(what)}"
        return MembershipTaken(
            f"Server {name} has {thing} already, in {holder}; a server can have it once only. "
            "Remove it there first."
        )
