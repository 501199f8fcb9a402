"""What people do not want to be told of for a while."""

from __future__ import annotations

from dataclasses import asdict

from sqlalchemy import and_, insert, select, update

from reconcile.model.findings import Kind, Matter
from worker.model.alerts import Silence
from worker.store.connection import AnyRow, Session
from worker.store.tables.alerts import silence as silence_table
from worker.store.tables.failover import finding as finding_table


class SilenceReading(Session):
    """Looks at them."""

    def silences(self, *, every: bool = False) -> tuple[Silence, ...]:
        now = self.now()
        in_force = and_(silence_table.c.starts_at <= now, silence_table.c.ends_at > now)
        asked = select(silence_table).order_by(silence_table.c.id)
        return tuple(_silence(r) for r in self._rows(asked if every else asked.where(in_force)))


class SilenceWriting(SilenceReading):
    """Begins and ends them; they are kept."""

    def add_silence(self, silence: Silence) -> int:
        columns = {name: value for name, value in asdict(silence).items() if name != "id"}
        added = self._run(insert(silence_table).values(columns))
        return int((added.inserted_primary_key or (0,))[0])

    def end_silence(self, silence: int, who: str) -> bool:
        now = self.now()
        this = and_(silence_table.c.id == silence, silence_table.c.ends_at > now)
        ended = update(silence_table).where(this).values(ends_at=now, ended_by=who)
        was_in_force = self._run(ended).rowcount > 0
        if was_in_force:
            waiting = finding_table.c.remind_at > now
            self._run(update(finding_table).where(waiting).values(remind_at=now))
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
