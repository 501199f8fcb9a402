"""Runs, in progress and closed."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import insert, select, update

from worker.model.runs import Lane, MemberStage, OpenRun, RunScope, RunView, Trigger
from worker.store.connection import AnyRow, Repository
from worker.store.repositories.member_queries import IN_PROGRESS, RUN, open_run_of
from worker.store.tables.failover import run as run_table
from worker.store.tables.runs import run_member


class RunRepository(Repository):
    """Every run, with what it was about and how it ended."""

    def latest(self, limit: int) -> tuple[RunView, ...]:
        """Return the latest runs, newest first."""
        query = select(run_table).order_by(run_table.c.id.desc()).limit(limit)
        return tuple(_view(row) for row in self._connection.rows(query))

    def find(self, number: int) -> RunView | None:
        """Return the run of this number, or None."""
        rows = self._connection.rows(select(run_table).where(run_table.c.id == number))
        return _view(rows[0]) if rows else None

    def in_progress(self) -> tuple[OpenRun, ...]:
        """Return every run in progress, the oldest first."""
        query = select(*RUN).where(IN_PROGRESS).order_by(run_table.c.id)
        return tuple(open_run_of(row) for row in self._connection.rows(query))

    def find_in_progress(self, run: int) -> OpenRun | None:
        """Return the run if it is in progress, else None."""
        rows = self._connection.rows(select(*RUN).where(IN_PROGRESS, run_table.c.id == run))
        return open_run_of(rows[0]) if rows else None

    def open(
        self,
        trigger: Trigger,
        who: str,
        target: str,
        scope: RunScope,
        lane: Lane,
        process: int | None = None,
    ) -> int:
        """Open a run, and return its number.

        ``process`` works at the run by itself. Without one, messages dispatch it to any worker.
        """
        statement = insert(run_table).values(
            started_by=trigger,
            who=who,
            target=target,
            targets=None if scope.targets is None else sorted(scope.targets),
            only_name=scope.only,
            lane=lane,
            process_id=process,
            started_at=self._connection.now(),
            summary={},
        )
        return int((self._connection.run(statement).inserted_primary_key or (0,))[0])

    def release(self, run: int) -> None:
        """Let messages dispatch a run to any worker, after its process died."""
        statement = update(run_table).where(run_table.c.id == run)
        self._connection.run(statement.values(process_id=None))

    def close(self, run: int, outcome: str, summary: Mapping[str, object]) -> None:
        """Record how a run ended, with the numbers of its summary."""
        columns = {
            "ended_at": self._connection.now(),
            "outcome": outcome,
            "summary": dict(summary),
        }
        self._connection.run(update(run_table).where(run_table.c.id == run).values(columns))

    def add_counts(self, run: int, counts: Mapping[str, int]) -> None:
        """Add to the numbers of a run in progress."""
        is_run = run_table.c.id == run
        rows = self._connection.rows(select(run_table.c.summary).where(is_run))
        summary = dict(rows[0][0])
        for name, count in counts.items():
            summary[name] = summary.get(name, 0) + count
        self._connection.run(update(run_table).where(is_run).values(summary=summary))

    def close_if_done(self, run: int) -> bool:
        """Close a run by one conditional update (R8).

        Return False if a member is open or the run is over.
        """
        is_in_run = run_member.c.run_id == run
        unfinished_member = select(run_member.c.server_id).where(
            is_in_run, (run_member.c.state != MemberStage.JUDGED) | run_member.c.unresolved
        )
        statement = update(run_table).where(
            run_table.c.id == run, IN_PROGRESS, ~unfinished_member.exists()
        )
        return self._connection.run(statement.values(ended_at=self._connection.now())).rowcount > 0


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
