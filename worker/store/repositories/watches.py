"""Watches: since when a server reports nothing, or a relationship has no scope (rule R3)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import delete, select, tuple_

from worker.store.connection import Repository, chunks
from worker.store.tables.failover import absence_watch


class WatchRepository(Repository):
    """The watches by (server, folded relationship name), with "" for the whole server."""

    def since(self, servers: Collection[int]) -> Mapping[tuple[int, str], datetime]:
        """Return since when each server reports nothing ("") or a relationship has no scope."""
        started_at: dict[tuple[int, str], datetime] = {}
        for chunk in chunks(servers):
            query = select(absence_watch).where(absence_watch.c.server_id.in_(chunk))
            for row in self._connection.rows(query):
                started_at[row.server_id, row.name_key] = row.since
        return started_at

    def start(self, watches: Mapping[tuple[int, str], datetime]) -> None:
        """Start the watches that are not running."""
        running = self.since([server for server, _ in watches])
        self._connection.insert(
            absence_watch,
            [
                {"server_id": server, "name_key": name, "since": started_at}
                for (server, name), started_at in watches.items()
                if (server, name) not in running
            ],
        )

    def end(self, watches: Collection[tuple[int, str]]) -> None:
        """End watches."""
        key = tuple_(absence_watch.c.server_id, absence_watch.c.name_key)
        for chunk in chunks(watches):
            self._connection.run(delete(absence_watch).where(key.in_(chunk)))
