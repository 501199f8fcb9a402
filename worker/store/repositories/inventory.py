"""Servers, their other names and addresses, and how they are contacted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from sqlalchemy import and_, bindparam, delete, func, insert, select, update

from reconcile.model.names import fold, key_of
from reconcile.model.nouns import Alias, Provenance, Server, Standing
from worker.model.errors import NameTaken, StoreError
from worker.model.servers import Endpoint
from worker.store.connection import AnyRow, Session, chunks
from worker.store.tables.inventory import logon, server_alias, writer
from worker.store.tables.inventory import server as server_table


class InventoryReading(Session):
    """Looks at the inventory."""

    _version: int | None = None  # of what this unit of work changed
    _found: int | None = None

    def servers(self) -> tuple[Server, ...]:
        if self._version is not None:  # perhaps never committed: not for the shelf
            return self._load()
        if self._found is None:  # nobody else changes it within a transaction of ours
            self._found = self._rows(select(writer.c.inventory))[0].inventory
        return self._database.shelf.servers(self._found, self._load, self._renewed)

    def endpoint(self, server: int) -> Endpoint:
        return self._endpoints([server])[server]

    def _endpoints(self, servers: Collection[int]) -> dict[int, Endpoint]:
        rows = self._rows(select(server_table).where(server_table.c.id.in_(servers)))
        return {row.id: Endpoint(row.url, row.transport, row.credential) for row in rows}

    def _load(self, servers: Collection[int] | None = None) -> tuple[Server, ...]:
        asked = select(server_table)
        names = select(server_alias).order_by(server_alias.c.id)
        if servers is None:
            return _built(self._rows(asked), self._rows(names))
        rows: list[AnyRow] = []
        aliases: list[AnyRow] = []
        for chunk in chunks(servers):
            rows += self._rows(asked.where(server_table.c.id.in_(chunk)))
            aliases += self._rows(names.where(server_alias.c.server_id.in_(chunk)))
        return _built(rows, aliases)

    def _renewed(self, known: tuple[Server, ...], since: int) -> tuple[Server, ...] | None:
        """With what was changed since that version; None if that is not known of every change."""
        changed = select(server_table.c.id).where(server_table.c.version > since)
        new = {s.id: s for s in self._load([row.id for row in self._rows(changed)])}
        (count,) = self._rows(select(func.count()).select_from(server_table))[0]
        names = {s.id: s.name for s in known}
        every = {s.id: s for s in known} | new
        if not new or len(every) != count:  # changed by hand, or one was removed
            return None
        if all(names.get(s.id) == s.name for s in new.values()):
            return tuple(every.values())
        return _in_order(every.values())

    def _server_names(self, servers: Collection[int]) -> dict[int, str]:
        """The names of some servers, for sentences."""
        names: dict[int, str] = {}
        for chunk in chunks(servers):
            asked = select(server_table.c.id, server_table.c.name)
            rows = self._rows(asked.where(server_table.c.id.in_(chunk)))
            names.update((row.id, row.name) for row in rows)
        return names


def _built(rows: Iterable[AnyRow], alias_rows: Iterable[AnyRow]) -> tuple[Server, ...]:
    addresses: defaultdict[int, list[str]] = defaultdict(list)
    aliases: defaultdict[int, list[Alias]] = defaultdict(list)
    for row in alias_rows:
        if row.is_address:
            addresses[row.server_id].append(row.text)
        else:
            aliases[row.server_id].append(Alias(row.text, Provenance(row.provenance)))
    return _in_order(
        Server(
            id=row.id,
            name=row.name,
            addresses=tuple(addresses[row.id]),
            aliases=tuple(aliases[row.id]),
            standing=Standing(row.standing),
            changed_at=row.changed_at,
            machine_id=row.machine_id,
            tags=tuple(row.tags),
        )
        for row in rows
    )


def _in_order(servers: Iterable[Server]) -> tuple[Server, ...]:
    """By name, on whatever database."""
    return tuple(sorted(servers, key=lambda server: fold(server.name)))


class InventoryWriting(InventoryReading):
    """Changes the inventory; what is so already is not written."""

    def add_server(
        self, name: str, addresses: Sequence[str] = (), endpoint: Endpoint = Endpoint()
    ) -> int:
        self._name_must_be_free(name, for_server=None)
        row = {
            "name": name,
            "name_key": fold(name),
            "standing": Standing.ENABLED,
            "changed_at": self.now(),
            "version": self._new_version(),
        }
        added = self._run(insert(server_table).values(**row, **_columns(endpoint)))
        key = int((added.inserted_primary_key or (0,))[0])
        self._add_texts({(key, k): text for k, text in _keyed(addresses).items()}, address=True)
        return key

    def rename_server(self, server: int, name: str) -> None:
        if self._server_row(server).name != name:
            self._name_must_be_free(name, for_server=server)
            self._change(server, name=name, name_key=fold(name))

    def set_addresses(self, server: int, addresses: Sequence[str]) -> None:
        wanted = _keyed(addresses)
        mine = and_(server_alias.c.server_id == server, server_alias.c.is_address)
        stored = self._rows(select(server_alias.c.text).where(mine).order_by(server_alias.c.id))
        if [row.text for row in stored] != list(wanted.values()):
            self._change(server)
            self._run(delete(server_alias).where(mine))
            self._add_texts({(server, k): text for k, text in wanted.items()}, address=True)

    def set_endpoint(self, server: int, endpoint: Endpoint) -> None:
        row = self._server_row(server)
        if Endpoint(row.url, row.transport, row.credential) != endpoint:
            self._change(server, **_columns(endpoint))
            # What another address or credential said of it is no reason to leave it alone.
            self._run(delete(logon).where(logon.c.server_id == server))

    def set_standing(self, server: int, standing: Standing) -> None:
        if self._server_row(server).standing != standing:
            self._change(server, standing=standing)

    def add_aliases(self, aliases: Iterable[tuple[int, str]], provenance: Provenance) -> None:
        wanted: dict[tuple[int, str], str] = {}
        for server, text in aliases:
            if key := _key(text):
                wanted.setdefault((server, key), text)
        for there in self._alias_keys([s for s, _ in wanted], provenance):
            wanted.pop(there, None)
        self._add_texts(wanted, provenance)
        taught = {server for server, _ in wanted}
        if provenance is Provenance.SELF:
            self._has_changed(taught)
            return
        for server in taught:
            self._change(server)

    def remove_alias(self, server: int, text: str) -> bool:
        found = and_(
            server_alias.c.server_id == server,
            server_alias.c.key == _key(text),
            server_alias.c.is_address.is_(False),
        )
        if self._run(delete(server_alias).where(found)).rowcount == 0:
            return False
        self._change(server)
        return True

    def set_tags(self, server: int, tags: Sequence[str]) -> None:
        if tuple(self._server_row(server).tags) != tuple(tags):
            self._has_changed([server])
            this = server_table.c.id == server
            self._run(update(server_table).where(this).values(tags=list(tags)))

    def remember_machines(self, machines: Mapping[int, str]) -> None:
        if not machines:
            return
        unknown = and_(server_table.c.id == bindparam("key"), server_table.c.machine_id.is_(None))
        remembered = update(server_table).where(unknown).values(machine_id=bindparam("machine"))
        self._has_changed(machines)
        self._run(remembered, [{"key": s, "machine": machine} for s, machine in machines.items()])

    def confirm_machine(self, server: int, machine_id: str) -> None:
        self._change(server, machine_id=machine_id)

    def _alias_keys(
        self, servers: Collection[int], provenance: Provenance
    ) -> list[tuple[int, str]]:
        keys: list[tuple[int, str]] = []
        for chunk in chunks(servers):
            there = select(server_alias.c.server_id, server_alias.c.key).where(
                server_alias.c.server_id.in_(chunk),
                server_alias.c.provenance == provenance,
                server_alias.c.is_address.is_(False),
            )
            keys += [(row.server_id, row.key) for row in self._rows(there)]
        return keys

    def _add_texts(
        self,
        texts: dict[tuple[int, str], str],
        provenance: Provenance = Provenance.INVENTORY,
        *,
        address: bool = False,
    ) -> None:
        self._insert(
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
        """Write columns of a server, and that a person changed it now."""
        values = {**columns, "changed_at": self.now(), "version": self._new_version()}
        changed = update(server_table).where(server_table.c.id == server).values(**values)
        if self._run(changed).rowcount == 0:
            raise _gone(server)

    def _has_changed(self, servers: Collection[int]) -> None:
        """By what a machine told."""
        for chunk in chunks(servers):
            these = server_table.c.id.in_(chunk)
            self._run(update(server_table).where(these).values(version=self._new_version()))

    def _new_version(self) -> int:
        """Tell everybody, once per unit of work, that what they loaded is of the past."""
        if self._version is None:
            new = update(writer).values(inventory=writer.c.inventory + 1)
            self._version = int(self._run(new.returning(writer.c.inventory)).scalar_one())
        return self._version

    def _server_row(self, server: int) -> AnyRow:
        rows = self._rows(select(server_table).where(server_table.c.id == server))
        if not rows:
            raise _gone(server)
        return rows[0]

    def _name_must_be_free(self, name: str, for_server: int | None) -> None:
        same = select(server_table.c.id, server_table.c.name)
        for row in self._rows(same.where(server_table.c.name_key == fold(name))):
            if row.id != for_server:
                raise NameTaken(f"There is a server {row.name} already; choose another name.")


def _key(text: str) -> str:
    """What a name is found by; loopback addresses and the like are kept, but found by nobody."""
    return key_of(text) or fold(text)


def _keyed(texts: Iterable[str]) -> dict[str, str]:
    keyed: dict[str, str] = {}
    for text in texts:
        if key := _key(text):
            keyed.setdefault(key, text)
    return keyed


def _columns(endpoint: Endpoint) -> dict[str, str | None]:
    return {
        "url": endpoint.url,
        "transport": endpoint.transport,
        "credential": endpoint.credential,
    }


def _gone(server: int) -> StoreError:
    return StoreError(f"There is no server number {server}; somebody removed it.")
