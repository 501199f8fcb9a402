"""Rows of servers: their values and columns, and the keys of their names.

Pure functions for the repository of the inventory.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from reconcile.model.names import fold, key_of
from reconcile.model.nouns import Alias, Provenance, Server, Standing
from worker.model.servers import Endpoint
from worker.store.connection import AnyRow


def servers_of(rows: Iterable[AnyRow], alias_rows: Iterable[AnyRow]) -> tuple[Server, ...]:
    """Return the servers of rows, with addresses and aliases from ``alias_rows``, by name."""
    addresses: defaultdict[int, list[str]] = defaultdict(list)
    aliases: defaultdict[int, list[Alias]] = defaultdict(list)
    for row in alias_rows:
        if row.is_address:
            addresses[row.server_id].append(row.text)
        else:
            aliases[row.server_id].append(Alias(row.text, Provenance(row.provenance)))
    return in_name_order(
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


def in_name_order(servers: Iterable[Server]) -> tuple[Server, ...]:
    """Return the servers by name, in the same order on every database."""
    return tuple(sorted(servers, key=lambda server: fold(server.name)))


def lookup_key(text: str) -> str:
    """Return the key by which a name is found.

    Loopback addresses and the like have no key of their own. They are stored but match no lookup.
    """
    return key_of(text) or fold(text)


def texts_by_key(texts: Iterable[str]) -> dict[str, str]:
    """Return names by their lookup key, the first one for each key, in order."""
    keyed: dict[str, str] = {}
    for text in texts:
        if key := lookup_key(text):
            keyed.setdefault(key, text)
    return keyed


def endpoint_columns(endpoint: Endpoint) -> dict[str, str | None]:
    """Return the columns of an endpoint."""
    return {
        "url": endpoint.url,
        "transport": endpoint.transport,
        "credential": endpoint.credential,
    }
