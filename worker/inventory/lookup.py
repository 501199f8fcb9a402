"""Find the server or the records that a person named."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from reconcile.model.names import Ambiguous, Known, NameMap, Unknown, fold_relationship
from reconcile.model.nouns import Server
from reconcile.model.record import Record
from worker.store.repositories.inventory import InventoryRepository
from worker.store.unit_of_work import Transaction

#: Digits of a 64-bit number that surely fits; a longer one is a name.
_LONGEST_ID: Final = 18


class UnknownTarget(Exception):
    """A person named a server or a relationship that is not there, or not only one."""

    code = "unknown_target"


def find_server(servers: Iterable[Server], text: str) -> Server:
    """The server a person means: by name, alias, address or a short name that is unique.

    Raises UnknownTarget with what could have been meant.
    """
    server_of = {s.id: s for s in servers}
    match NameMap(server_of.values()).resolve((text,), asker=0):
        case Known(server, _):
            return server_of[server]
        case Ambiguous(_, candidates):
            names = ", ".join(sorted(server_of[c].name for c in candidates))
            raise UnknownTarget(f"{text!r} could be {names}: give the full name.")
        case Unknown():
            raise UnknownTarget(f"IPAM has no server {text!r}. See: ipam-sync servers list")


def find_records(reading: Transaction, text: str) -> tuple[Record, ...]:
    """Return the records that ``ID``, ``NAME`` or ``NAME@SERVER`` means, maybe none.

    Raises UnknownTarget if an id or a server does not exist.
    """
    if text.isascii() and text.isdigit() and len(text) <= _LONGEST_ID:
        records = tuple(r for r in reading.records.by_key([int(text)]) if not r.pending)
        if records:
            return records
    named_records = reading.records.named(fold_relationship(text))
    if named_records or "@" not in text:
        return named_records
    relationship, server = at_server(reading.inventory, text)
    same_name = reading.records.named(fold_relationship(relationship))
    return tuple(r for r in same_name if server.id in r.partners)


def at_server(inventory: InventoryRepository, text: str) -> tuple[str, Server]:
    """Split at the last @: a relationship's name may have some of its own."""
    relationship, _, server = text.rpartition("@")
    return relationship, find_server(inventory.servers(), server)
