"""Silences: patterns of problems without alerts for some time."""

from __future__ import annotations

from dataclasses import asdict

from sqlalchemy import and_, insert, select, update

from reconcile.model.findings import Kind, Matter
from worker.model.alerts import Silence
from worker.store.connection import AnyRow, Repository
from worker.store.tables.alerts import silence as silence_table
from worker.store.tables.failover import finding as finding_table


class SilenceRepository(Repository):
    """The silences, in force and ended."""

    def load(self, *, every: bool = False) -> tuple[Silence, ...]:
        """Return the silences in force now, or with ``every`` all of them, by id."""
        current_time = self._connection.now()
        in_force = and_(
            silence_table.c.starts_at <= current_time, silence_table.c.ends_at > current_time
        )
        query = select(silence_table).order_by(silence_table.c.id)
        return tuple(
            _silence(r) for r in self._connection.rows(query if every else query.where(in_force))
        )

    def add(self, silence: Silence) -> int:
        """Add a silence and return its id. The id in ``silence`` is ignored."""
        columns = {name: value for name, value in asdict(silence).items() if name != "id"}
        result = self._connection.run(insert(silence_table).values(columns))
        return int((result.inserted_primary_key or (0,))[0])

    def end(self, silence: int, who: str) -> bool:
        """End a silence now, and return whether it was in force or still to come.

        Reminders are then due at once, because problems may have been silenced.
        """
        current_time = self._connection.now()
        has_not_ended = and_(silence_table.c.id == silence, silence_table.c.ends_at > current_time)
        statement = (
            update(silence_table).where(has_not_ended).values(ends_at=current_time, ended_by=who)
        )
        was_in_force = self._connection.run(statement).rowcount > 0
        if was_in_force:
            is_future = finding_table.c.remind_at > current_time
            self._connection.run(
                update(finding_table).where(is_future).values(remind_at=current_time)
            )
        return was_in_force


def _silence(row: AnyRow) -> Silence:
    return Silence(
        row.id,
        row.reason,
        row.who,
        row.starts_at,
        row.ends_at,
        None if row.kind is None else Kind(row.kind),
        None if row.matter is None else Matter(row.matter),
        row.server,
        row.relationship,
        row.ended_by,
        row.tag,
    )
