"""From an inventory file to the servers of the store: adds and changes, never removes.

Used by ``ipam-sync servers import``.  What the file states is made so; what it leaves out stays
and is listed.  A server without addresses or tags in the file keeps those it has.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from reconcile.model.names import fold, key_of
from reconcile.model.nouns import Alias, Provenance
from worker.inventory.file import Inventory, InventoryServer
from worker.model.audit import Action, AuditedDecision, Person
from worker.model.servers import Endpoint, ServerView
from worker.store.repositories.inventory import InventoryRepository
from worker.store.unit_of_work import Transaction, UnitOfWork


@dataclass(frozen=True, slots=True)
class Changed:
    """A server that the file changed, and what of it."""

    name: str
    changes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Imported:
    """The result of an import.

    ``absent`` are servers of the store that the file does not have. ``kept`` are aliases of an
    earlier import (server, text) that it no longer has. ``credentials`` are the names of new and
    changed ones.
    """

    added: tuple[str, ...]
    changed: tuple[Changed, ...]
    unchanged: tuple[str, ...]
    absent: tuple[str, ...]
    kept: tuple[tuple[str, str], ...]
    credentials: tuple[str, ...] = ()

    @property
    def wrote(self) -> bool:
        """True if there is something to commit."""
        return bool(self.added or self.changed or self.credentials)


def import_by(uow: UnitOfWork, by: Person, inventory: Inventory, source: str) -> Imported:
    """Import and audit an inventory for a person. ``source`` is the name of the file."""
    counts_before = _counts(uow)
    imported = import_inventory(uow, inventory)
    if imported.wrote:
        audit_values = {
            **_counts(uow),
            "added": list(imported.added),
            "changed": {c.name: list(c.changes) for c in imported.changed},
            "credentials_written": list(imported.credentials),
        }
        uow.audit.add(by, [AuditedDecision(Action.IMPORT, source, counts_before, audit_values)])
    return imported


def _counts(reading: Transaction) -> dict[str, object]:
    return {
        "servers": len(reading.inventory.servers()),
        "credentials": len(reading.credentials.views()),
    }


def import_inventory(uow: UnitOfWork, inventory: Inventory) -> Imported:
    """Make the store's credentials and servers those of the file, as far as it states them."""
    stored = {view.credential.name: view.credential for view in uow.credentials.views()}
    new = [one for one in inventory.credentials if stored.get(one.name) != one]
    for credential in new:
        uow.credentials.save(credential)
    imported = import_servers(uow, inventory.servers)
    return replace(imported, credentials=tuple(one.name for one in new))


def import_servers(uow: UnitOfWork, listed: Sequence[InventoryServer]) -> Imported:
    """The servers alone."""
    stored = {fold(v.server.name): v for v in uow.views.servers()}
    added: list[str] = []
    changed: list[Changed] = []
    unchanged: list[str] = []
    kept_aliases: list[tuple[str, str]] = []
    for listed_server in listed:
        view = stored.get(fold(listed_server.name))
        if view is None:
            _add(uow.inventory, listed_server)
            added.append(listed_server.name)
            continue
        kept_aliases.extend(
            (view.server.name, text) for text in _no_longer_listed(view, listed_server)
        )
        if changes := _change(uow, view, listed_server):
            changed.append(Changed(listed_server.name, changes))
        else:
            unchanged.append(listed_server.name)
    names = {fold(listed_server.name) for listed_server in listed}
    absent = tuple(v.server.name for key, v in stored.items() if key not in names)
    return Imported(tuple(added), tuple(changed), tuple(unchanged), absent, tuple(kept_aliases))


def _add(inventory: InventoryRepository, one: InventoryServer) -> None:
    server = inventory.add(one.name, one.addresses, one.endpoint)
    inventory.add_aliases(((server, text) for text in one.aliases), Provenance.INVENTORY)
    inventory.set_tags(server, one.tags or ())


def _change(uow: UnitOfWork, view: ServerView, one: InventoryServer) -> tuple[str, ...]:
    """Write the differences of a server, and return them in words for people."""
    server = view.server
    changes = []
    if server.name != one.name:
        uow.inventory.rename(server.id, one.name)
        changes.append(f"name: {server.name} -> {one.name}")
    if one.addresses and _keys(server.addresses) != _keys(one.addresses):
        uow.inventory.set_addresses(server.id, one.addresses)
        changes.append(f"addresses: {_listed(server.addresses)} -> {_listed(one.addresses)}")
    if view.endpoint != one.endpoint:
        uow.inventory.set_endpoint(server.id, one.endpoint)
        changes.append(f"winrm: {_where(view.endpoint)} -> {_where(one.endpoint)}")
    have = {_key(a.text) for a in _inventory_aliases(view)}
    if new := [text for text in one.aliases if _key(text) not in have]:
        uow.inventory.add_aliases(((server.id, text) for text in new), Provenance.INVENTORY)
        changes.append(f"aliases: + {', '.join(new)}")
    if one.tags is not None and server.tags != one.tags:
        uow.inventory.set_tags(server.id, one.tags)
        uow.outbox.remind_all()  # other routes may take what is open, and other silences fit
        changes.append(f"tags: {_listed(server.tags)} -> {_listed(one.tags)}")
    return tuple(changes)


def _no_longer_listed(view: ServerView, one: InventoryServer) -> list[str]:
    listed = {_key(text) for text in one.aliases}
    return [a.text for a in _inventory_aliases(view) if _key(a.text) not in listed]


def _inventory_aliases(view: ServerView) -> Iterable[Alias]:
    return (a for a in view.server.aliases if a.provenance is Provenance.INVENTORY)


def _key(text: str) -> str:
    return key_of(text) or fold(text)


def _keys(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(map(_key, texts)))


def _listed(texts: Sequence[str]) -> str:
    return ", ".join(texts) or "none"


def _where(endpoint: Endpoint) -> str:
    parts = (endpoint.url, endpoint.transport, endpoint.credential)
    return " ".join(p for p in parts if p) or "default"
