"""OperationTracker: what is wanted of the records, what became of it, and what the guard counts."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, and_, func, or_, select, update

from reconcile.model.nouns import Operation
from reconcile.model.record import Contest, Entry, EntryStatus, Hold, Planned
from worker.model.errors import NotPending
from worker.model.runs import Ledger, RunLine
from worker.store.connection import AnyRow, Session, chunks
from worker.store.repositories.codecs import contested_column, operation_columns, operation_of
from worker.store.tables.failover import failover, failover_scope, tracker
from worker.store.tables.runs import run_line

#: How long what the machine applied counts for the guard (rule R4).
_REMEMBERED: Final = timedelta(hours=24)
#: The only statuses that may matter for a judgement.
_COUNTS: Final = (EntryStatus.PENDING, EntryStatus.REJECTED)
_PENDING: Final = tracker.c.status == EntryStatus.PENDING
_DESTRUCTIVE: Final = or_(tracker.c.takes_relationships > 0, tracker.c.takes_scopes > 0)


class TrackerReading(Session):
    """Looks at the lines that matter for a judgement."""

    def entries(self, servers: Collection[int] | None = None) -> tuple[Entry, ...]:
        now = self.now()
        asked = select(tracker).where(tracker.c.status.in_(_COUNTS), or_(_PENDING, _stands(now)))
        if servers is None:
            rows = self._rows(asked.order_by(tracker.c.number))
            return tuple(entry_of(row, now) for row in rows)
        found: dict[int, AnyRow] = {}
        for chunk in chunks(servers):
            # one after the other, each by its index: with OR a planner may go by status alone
            for named in _named(chunk):
                found.update((row.number, row) for row in self._rows(asked.where(named)))
        return tuple(entry_of(found[number], now) for number in sorted(found))

    def entries_by_number(self, numbers: Collection[int]) -> tuple[Entry, ...]:
        now = self.now()
        asked = select(tracker)
        found = {
            row.number: row
            for chunk in chunks(numbers)
            for row in self._rows(asked.where(tracker.c.number.in_(chunk)))
        }
        return tuple(entry_of(found[number], now) for number in sorted(found))

    def pending_contested(self) -> tuple[Entry, ...]:
        now = self.now()
        asked = (
            select(tracker).where(_PENDING, tracker.c.contested != []).order_by(tracker.c.number)
        )
        return tuple(entry_of(row, now) for row in self._rows(asked))

    def pending_destructive(self) -> tuple[Entry, ...]:
        now = self.now()
        asked = select(tracker).where(_PENDING, _DESTRUCTIVE).order_by(tracker.c.number)
        return tuple(entry_of(row, now) for row in self._rows(asked))

    def waiting_for_people(self, *, every: bool) -> tuple[tuple[Entry, ...], int]:
        held = tracker.c.hold == Hold.ONE_WITNESS
        mine = held if not every else tracker.c.hold != Hold.GUARD
        waits = and_(_PENDING, tracker.c.contested == [], mine)
        is_creation = tracker.c.operation == Operation.CREATE
        count = select(func.count()).select_from(tracker).where(waits, is_creation)
        now = self.now()
        rows = self._rows(select(tracker).where(waits, ~is_creation).order_by(tracker.c.number))
        entries = (entry_of(row, now) for row in rows)
        return tuple(e for e in entries if not e.planned.state_only), self._rows(count)[0][0]

    def ledger(self) -> Ledger:
        stored, scopes = self._stored_sums()
        recent = and_(
            tracker.c.status == EntryStatus.APPLIED,
            tracker.c.decided_at > self.now() - _REMEMBERED,
            tracker.c.by_machine,
        )
        pending = self._taken_sums(_PENDING)
        applied = self._taken_sums(recent)
        return Ledger(stored, scopes, *pending, *applied)

    def _stored_sums(self) -> tuple[int, int]:
        """Relationships and scope memberships, pending Creates apart."""
        every = select(func.count()).select_from
        unborn = failover.c.pending
        of_unborn = failover_scope.join(failover, failover.c.id == failover_scope.c.failover_id)
        row = self._rows(
            select(
                every(failover).scalar_subquery() - every(failover).where(unborn).scalar_subquery(),
                every(failover_scope).scalar_subquery()
                - every(of_unborn).where(unborn).scalar_subquery(),
            )
        )[0]
        return row[0], row[1]

    def _taken_sums(self, which: ColumnElement[bool]) -> tuple[int, int]:
        sums = (tracker.c.takes_relationships, tracker.c.takes_scopes)
        asked = select(*(func.coalesce(func.sum(column), 0) for column in sums))
        row = self._rows(asked.where(which, _DESTRUCTIVE))[0]
        return int(row[0]), int(row[1])


class TrackerWriting(TrackerReading):
    """Fills OperationTracker and decides its lines."""

    def add_entries(self, run: int, planned: Sequence[Planned]) -> list[int]:
        numbers = self._new_keys(tracker, len(planned))
        new = {
            "run_id": run,
            "status": EntryStatus.PENDING,
            "stands": False,
            "by_machine": False,
            "recorded_at": self.now(),
        }
        self._insert(
            tracker,
            [
                {"number": number, **new, **operation_columns(operation)}
                for number, operation in zip(numbers, planned, strict=True)
            ],
        )
        return numbers

    def decide(
        self,
        numbers: Collection[int],
        status: EntryStatus,
        who: str,
        *,
        by_machine: bool,
        stands_until: datetime | None = None,
    ) -> None:
        stands = status is EntryStatus.REJECTED
        decision = {
            "status": status,
            "decided_at": self.now(),
            "decided_by": who,
            "by_machine": by_machine,
            "stands": stands,
            "stands_until": stands_until if stands else None,
        }
        self._must_be_pending(numbers)
        for chunk in chunks(numbers):
            self._run(update(tracker).where(tracker.c.number.in_(chunk)).values(**decision))

    def end_acceptance(self, numbers: Collection[int]) -> None:
        for chunk in chunks(numbers):
            ended = and_(tracker.c.number.in_(chunk), tracker.c.stands)
            self._run(update(tracker).where(ended).values(stands=False))

    def hold(self, numbers: Collection[int], hold: Hold) -> None:
        for chunk in chunks(numbers):
            held = and_(tracker.c.number.in_(chunk), _PENDING, tracker.c.hold != hold)
            self._run(update(tracker).where(held).values(hold=hold))

    def wait_for(self, contested: Mapping[int, tuple[Contest, ...]]) -> None:
        for number, waits in contested.items():
            this = update(tracker).where(tracker.c.number == number, _PENDING)
            self._run(this.values(contested=contested_column(waits)))

    def _must_be_pending(self, numbers: Collection[int]) -> None:
        decided = set(numbers)
        for chunk in chunks(numbers):
            asked = select(tracker.c.number).where(tracker.c.number.in_(chunk), _PENDING)
            decided.difference_update(row.number for row in self._rows(asked))
        if decided:
            raise NotPending(
                f"Operation {min(decided)} is not pending any more: somebody else decided it. "
                "Nothing was decided; look again with `ipam-sync operations list`."
            )


def entry_of(row: AnyRow, now: datetime) -> Entry:
    """The entry of a row; a rejection stands until its end date."""
    until = row.stands_until
    stands = row.stands and (until is None or until > now)
    return Entry(row.number, operation_of(row), EntryStatus(row.status), stands)


def _named(servers: list[int]) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Named as the first partner, or else as the second."""
    one, two = tracker.c.server1_id, tracker.c.server2_id
    return one.in_(servers), and_(two.in_(servers), or_(one.is_(None), one.not_in(servers)))


def _stands(now: datetime) -> ColumnElement[bool]:
    in_time = or_(tracker.c.stands_until.is_(None), tracker.c.stands_until > now)
    return and_(tracker.c.status == EntryStatus.REJECTED, tracker.c.stands, in_time)


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
