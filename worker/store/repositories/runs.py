"""Runs, and since when something was told to be empty."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import delete, insert, select, tuple_, update

from worker.model.runs import RunView, Trigger
from worker.store.connection import AnyRow, Session, chunks
from worker.store.tables.failover import absence_watch
from worker.store.tables.failover import run as run_table


class RunReading(Session):
    """Looks at runs and watches."""

    def runs(self, limit: int) -> tuple[RunView, ...]:
        latest = select(run_table).order_by(run_table.c.id.desc()).limit(limit)
        return tuple(_view(row) for row in self._rows(latest))

    def run(self, number: int) -> RunView | None:
        rows = self._rows(select(run_table).where(run_table.c.id == number))
        return _view(rows[0]) if rows else None

    def watches(self, servers: Collection[int]) -> Mapping[tuple[int, str], datetime]:
        since: dict[tuple[int, str], datetime] = {}
        for chunk in chunks(servers):
            asked = select(absence_watch).where(absence_watch.c.server_id.in_(chunk))
            since.update(((row.server_id, row.name_key), row.since) for row in self._rows(asked))
        return since


class RunWriting(RunReading):
    """Opens and closes runs, starts and ends watches."""

    def open_run(self, trigger: Trigger, who: str, target: str) -> int:
        opened = self._run(
            insert(run_table).values(
                started_by=trigger, who=who, target=target, started_at=self.now(), summary={}
            )
        )
        return int((opened.inserted_primary_key or (0,))[0])

    def close_run(self, run: int, outcome: str, summary: Mapping[str, object]) -> None:
        closed = update(run_table).where(run_table.c.id == run)
        self._run(closed.values(ended_at=self.now(), outcome=outcome, summary=dict(summary)))

    def start_watches(self, watches: Mapping[tuple[int, str], datetime]) -> None:
        started = self.watches([server for server, _ in watches])
        self._insert(
            absence_watch,
            [
                {"server_id": server, "name_key": name, "since": since}
                for (server, name), since in watches.items()
                if (server, name) not in started
            ],
        )

    def end_watches(self, watches: Collection[tuple[int, str]]) -> None:
        key = tuple_(absence_watch.c.server_id, absence_watch.c.name_key)
        for chunk in chunks(watches):
            self._run(delete(absence_watch).where(key.in_(chunk)))


def _view(row: AnyRow) -> RunView:
    return RunView(
        id=row.id,
        trigger=row.started_by,
        who=row.who,
        target=row.target,
        started_at=row.started_at,
        ended_at=row.ended_at,
        outcome=row.outcome,
        summary=row.summary,
    )
