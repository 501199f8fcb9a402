"""Which lines of OperationTracker a run in progress, or one that was, recorded or found."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from sqlalchemy import and_, func, select, update

from reconcile.record import Entry, EntryStatus
from worker.run_ports import RunLine
from worker.store.run_tables import run_line
from worker.store.session import chunks
from worker.store.tables import tracker
from worker.store.tracker import TrackerReading, entry_of

_ITS_LINE: Final = tracker.c.number == run_line.c.number


class LineReading(TrackerReading):
    """Looks at the lines of a run."""

    def lines_of(self, run: int) -> Mapping[int, RunLine]:
        rows = self._rows(select(run_line).where(run_line.c.run_id == run))
        return {row.number: RunLine(row.number, row.is_new, row.confirmed) for row in rows}

    def line_counts(self, run: int) -> Mapping[tuple[EntryStatus, bool], int]:
        by = (tracker.c.status, run_line.c.is_new)
        counted = select(*by, func.count().label("lines")).join(run_line, _ITS_LINE)
        rows = self._rows(counted.where(run_line.c.run_id == run).group_by(*by))
        return {(EntryStatus(row.status), row.is_new): row.lines for row in rows}

    def pending_of(self, run: int, *, confirmed: bool = False) -> tuple[Entry, ...]:
        asked = select(tracker).join(run_line, _ITS_LINE)
        asked = asked.where(run_line.c.run_id == run, tracker.c.status == EntryStatus.PENDING)
        if confirmed:
            asked = asked.where(run_line.c.confirmed)
        now = self.now()
        return tuple(entry_of(row, now) for row in self._rows(asked.order_by(tracker.c.number)))


class LineWriting(LineReading):
    """Adds to them."""

    def add_lines(self, run: int, lines: Collection[RunLine]) -> None:
        there: dict[int, bool] = {}
        for chunk in chunks([line.number for line in lines if not line.is_new]):
            known = and_(run_line.c.run_id == run, run_line.c.number.in_(chunk))
            rows = self._rows(select(run_line.c.number, run_line.c.confirmed).where(known))
            there.update((row.number, row.confirmed) for row in rows)
        news = [n.number for n in lines if n.confirmed and not there.get(n.number, True)]
        for chunk in chunks(news):
            these = and_(run_line.c.run_id == run, run_line.c.number.in_(chunk))
            self._run(update(run_line).where(these).values(confirmed=True))
        self._insert(
            run_line,
            [
                {"run_id": run, "number": n.number, "is_new": n.is_new, "confirmed": n.confirmed}
                for n in lines
                if n.number not in there
            ],
        )
