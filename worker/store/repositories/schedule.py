"""The schedule: when servers are due, and how their last readings went."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import and_, or_, select

from reconcile.model.nouns import Standing
from worker.model.runs import Poll
from worker.store.connection import AnyRow, Repository, chunks
from worker.store.tables.inventory import server
from worker.store.tables.runs import server_poll


class ScheduleRepository(Repository):
    """The due time and the failures in a row of each server."""

    def polls(self, servers: Collection[int]) -> Mapping[int, Poll]:
        """Return polls by server. Servers that no worker has ever read are left out."""
        return {
            row.server_id: _poll(row)
            for chunk in chunks(servers)
            for row in self._connection.rows(
                select(server_poll).where(server_poll.c.server_id.in_(chunk))
            )
        }

    def due(self, by: datetime) -> Mapping[int, datetime | None]:
        """Return the enabled servers that are due by then, each with its due time.

        None means due at once, because no worker has ever read the server.
        """
        at = server_poll.c.due_at
        query = select(server.c.id, at).outerjoin(
            server_poll, server_poll.c.server_id == server.c.id
        )
        is_due = and_(server.c.standing == Standing.ENABLED, or_(at.is_(None), at <= by))
        return {row.id: row.due_at for row in self._connection.rows(query.where(is_due))}

    def save(self, polls: Sequence[Poll]) -> None:
        """Insert or replace polls, at most one for each server."""
        rows = [
            {("server_id" if k == "server" else k): v for k, v in asdict(poll).items()}
            for poll in polls
        ]
        self._connection.replace(server_poll, rows)


def _poll(row: AnyRow) -> Poll:
    return Poll(row.server_id, row.due_at, row.failures, row.tried_at, row.read_at)
