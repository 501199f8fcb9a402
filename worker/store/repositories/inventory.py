"""Servers, their other names and addresses, and how they are contacted."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from sqlalchemy import and_, bindparam, delete, func, insert, select, update

from reconcile.model.names import fold
from reconcile.model.nouns import Provenance, Server, Standing
from worker.model.errors import NameTaken, StoreError
from worker.model.roster import Roster
from worker.model.servers import Endpoint
from worker.store.connection import AnyRow, Connection, chunks
from worker.store.repositories.server_rows import (
    endpoint_columns,
    in_name_order,
    lookup_key,
    servers_of,
    texts_by_key,
)
from worker.store.tables.inventory import logon, server_alias, writer
from worker.store.tables.inventory import server as server_table


class InventoryRepository:
    """The servers of the inventory, with aliases, addresses, tags and endpoints."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._version: int | None = (
            None  # the version that this unit of work writes, if it changed anything
        )
        self._stored_version: int | None = None

    def servers(self) -> tuple[Server, ...]:
        """Return every server, with addresses and aliases, ordered by name."""
        if self._version is not None:  # may be rolled back, so keep it out of the cache
            return self._load()
        if self._stored_version is None:  # constant within this transaction
            self._stored_version = self._connection.rows(select(writer.c.inventory))[0].inventory
        return self._connection.cache.servers(self._stored_version, self._load, self._renewed)

    def roster(self) -> Roster:
        """Return every server, indexed by everything that it is looked up by."""
        return self._connection.cache.index(self.servers(), _indexed)

    def endpoints(self, servers: Collection[int] | None = None) -> dict[int, Endpoint]:
        """Return the endpoints of these servers, or of all, by server."""
        query = select(server_table)
        if servers is not None:
            query = query.where(server_table.c.id.in_(servers))
        return {
            row.id: Endpoint(row.url, row.transport, row.credential)
            for row in self._connection.rows(query)
        }

    def _load(self, servers: Collection[int] | None = None) -> tuple[Server, ...]:
        query = select(server_table)
        alias_query = select(server_alias).order_by(server_alias.c.id)
        if servers is None:
            return servers_of(self._connection.rows(query), self._connection.rows(alias_query))
        rows: list[AnyRow] = []
        aliases: list[AnyRow] = []
        for chunk in chunks(servers):
            rows += self._connection.rows(query.where(server_table.c.id.in_(chunk)))
            aliases += self._connection.rows(alias_query.where(server_alias.c.server_id.in_(chunk)))
        return servers_of(rows, aliases)

    def _renewed(self, cached: tuple[Server, ...], since: int) -> tuple[Server, ...] | None:
        """Return the servers with the changes since a version, or None if changes are untraceable.

        A change by hand and a removal leave no version behind. Then all servers must be loaded.
        """
        query = select(server_table.c.id).where(server_table.c.version > since)
        changed_servers = {
            s.id: s for s in self._load([row.id for row in self._connection.rows(query)])
        }
        (count,) = self._connection.rows(select(func.count()).select_from(server_table))[0]
        names = {s.id: s.name for s in cached}
        merged = {s.id: s for s in cached} | changed_servers
        if not changed_servers or len(merged) != count:  # a change by hand, or a removal
            return None
        if all(names.get(s.id) == s.name for s in changed_servers.values()):
            return tuple(merged.values())
        return in_name_order(merged.values())

    def add(self, name: str, addresses: Sequence[str] = (), endpoint: Endpoint = Endpoint()) -> int:
        """Add an enabled server and return its number.

        Raises:
            NameTaken: another server has the name.
        """
        self._name_must_be_free(name, for_server=None)
        row = {
            "name": name,
            "name_key": fold(name),
            "standing": Standing.ENABLED,
            "changed_at": self._connection.now(),
            "version": self._new_version(),
        }
        result = self._connection.run(
            insert(server_table).values(**row, **endpoint_columns(endpoint))
        )
        key = int((result.inserted_primary_key or (0,))[0])
        self._add_texts(
            {(key, k): text for k, text in texts_by_key(addresses).items()}, address=True
        )
        return key

    def rename(self, server: int, name: str) -> None:
        """Change the name of a server.

        Raises:
            NameTaken: another server has the name.
            StoreError: the server does not exist.
        """
        if self._server_row(server).name != name:
            self._name_must_be_free(name, for_server=server)
            self._change(server, name=name, name_key=fold(name))

    def set_addresses(self, server: int, addresses: Sequence[str]) -> None:
        """Replace the addresses of a server, in their order.

        Raises:
            StoreError: the server does not exist.
        """
        texts = texts_by_key(addresses)
        is_address = and_(server_alias.c.server_id == server, server_alias.c.is_address)
        stored = self._connection.rows(
            select(server_alias.c.text).where(is_address).order_by(server_alias.c.id)
        )
        if [row.text for row in stored] != list(texts.values()):
            self._change(server)
            self._connection.run(delete(server_alias).where(is_address))
            self._add_texts({(server, k): text for k, text in texts.items()}, address=True)

    def set_endpoint(self, server: int, endpoint: Endpoint) -> None:
        """Replace the endpoint of a server, and forget its logons if that is a change.

        Raises:
            StoreError: the server does not exist.
        """
        row = self._server_row(server)
        if Endpoint(row.url, row.transport, row.credential) != endpoint:
            self._change(server, **endpoint_columns(endpoint))
            # A refusal at another address or of another credential is no reason to pause logons.
            self._connection.run(delete(logon).where(logon.c.server_id == server))

    def set_standing(self, server: int, standing: Standing) -> None:
        """Change the standing of a server.

        Raises:
            StoreError: the server does not exist.
        """
        if self._server_row(server).standing != standing:
            self._change(server, standing=standing)

    def add_aliases(self, aliases: Iterable[tuple[int, str]], provenance: Provenance) -> None:
        """Add the (server, text) pairs that are not stored yet.

        Aliases of provenance ``self`` leave ``changed_at`` as it is.
        """
        missing: dict[tuple[int, str], str] = {}
        for server, text in aliases:
            if key := lookup_key(text):
                missing.setdefault((server, key), text)
        for pair in self._alias_keys([s for s, _ in missing], provenance):
            missing.pop(pair, None)
        self._add_texts(missing, provenance)
        servers = {server for server, _ in missing}
        if provenance is Provenance.SELF:
            self._mark_changed(servers)
            return
        for server in servers:
            self._change(server)

    def remove_alias(self, server: int, text: str) -> bool:
        """Remove an alias of a server, and return whether it existed."""
        is_alias = and_(
            server_alias.c.server_id == server,
            server_alias.c.key == lookup_key(text),
            server_alias.c.is_address.is_(False),
        )
        if self._connection.run(delete(server_alias).where(is_alias)).rowcount == 0:
            return False
        self._change(server)
        return True

    def set_tags(self, server: int, tags: Sequence[str]) -> None:
        """Replace the tags of a server, which are sorted and without duplicates.

        No judgement depends on tags, so ``changed_at`` stays as it is.

        Raises:
            StoreError: the server does not exist.
        """
        if tuple(self._server_row(server).tags) != tuple(tags):
            self._mark_changed([server])
            is_server = server_table.c.id == server
            self._connection.run(update(server_table).where(is_server).values(tags=list(tags)))

    def remember_machines(self, machines: Mapping[int, str]) -> None:
        """Store machine ids by server where none is stored, without a new ``changed_at``."""
        if not machines:
            return
        is_unknown = and_(
            server_table.c.id == bindparam("key"), server_table.c.machine_id.is_(None)
        )
        statement = update(server_table).where(is_unknown).values(machine_id=bindparam("machine"))
        self._mark_changed(machines)
        self._connection.run(
            statement, [{"key": s, "machine": machine} for s, machine in machines.items()]
        )

    def confirm_machine(self, server: int, machine_id: str) -> None:
        """Set the machine id that a person confirmed for a server.

        Raises:
            StoreError: the server does not exist.
        """
        self._change(server, machine_id=machine_id)

    def _alias_keys(
        self, servers: Collection[int], provenance: Provenance
    ) -> list[tuple[int, str]]:
        keys: list[tuple[int, str]] = []
        for chunk in chunks(servers):
            query = select(server_alias.c.server_id, server_alias.c.key).where(
                server_alias.c.server_id.in_(chunk),
                server_alias.c.provenance == provenance,
                server_alias.c.is_address.is_(False),
            )
            keys += [(row.server_id, row.key) for row in self._connection.rows(query)]
        return keys

    def _add_texts(
        self,
        texts: dict[tuple[int, str], str],
        provenance: Provenance = Provenance.INVENTORY,
        *,
        address: bool = False,
    ) -> None:
        self._connection.insert(
            server_alias,
            [
                {
                    "server_id": server,
                    "text": text,
                    "key": key,
                    "provenance": provenance,
                    "is_address": address,
                }
                for (server, key), text in texts.items()
            ],
        )

    def _change(self, server: int, **columns: str | None) -> None:
        """Write columns of a server, and the current time as that of a change by a person."""
        values = {**columns, "changed_at": self._connection.now(), "version": self._new_version()}
        statement = update(server_table).where(server_table.c.id == server).values(**values)
        if self._connection.run(statement).rowcount == 0:
            raise _gone(server)

    def _mark_changed(self, servers: Collection[int]) -> None:
        """Record a change that no person made, which leaves ``changed_at`` as it is."""
        for chunk in chunks(servers):
            is_in_chunk = server_table.c.id.in_(chunk)
            self._connection.run(
                update(server_table).where(is_in_chunk).values(version=self._new_version())
            )

    def _new_version(self) -> int:
        """Return the new version of the inventory, which makes every older cache outdated.

        The version grows once per unit of work.
        """
        if self._version is None:
            statement = update(writer).values(inventory=writer.c.inventory + 1)
            self._version = int(
                self._connection.run(statement.returning(writer.c.inventory)).scalar_one()
            )
        return self._version

    def _server_row(self, server: int) -> AnyRow:
        rows = self._connection.rows(select(server_table).where(server_table.c.id == server))
        if not rows:
            raise _gone(server)
        return rows[0]

    def _name_must_be_free(self, name: str, for_server: int | None) -> None:
        query = select(server_table.c.id, server_table.c.name)
        for row in self._connection.rows(query.where(server_table.c.name_key == fold(name))):
            if row.id != for_server:
                raise NameTaken(f"There is a server {row.name} already; choose another name.")


def _gone(server: int) -> StoreError:
    return StoreError(f"There is no server number {server}; it was removed.")


def _indexed(servers: tuple[Server, ...], before: Roster | None) -> Roster:
    return Roster.of(servers) if before is None else before.renewed(servers)
