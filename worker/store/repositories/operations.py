"""OperationTracker: pending and decided operations, the lines of runs, and the guard's ledger."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, and_, func, or_, select, update

from reconcile.model.nouns import Operation
from reconcile.model.record import Contest, Entry, EntryStatus, Hold, Planned
from reconcile.planning.guard import Counts, Ledger
from worker.model.errors import NotPending
from worker.store.connection import AnyRow, Repository, chunks
from worker.store.repositories.codecs import contested_column, operation_columns, operation_of
from worker.store.tables.failover import failover, failover_scope, tracker
from worker.store.tables.runs import run_line

_ITS_LINE: Final = tracker.c.number == run_line.c.number
#: How long operations that policy applied count for the guard (rule R4).
_GUARD_PERIOD: Final = timedelta(hours=24)
#: The only statuses that can matter for a judgement.
_RELEVANT: Final = (EntryStatus.PENDING, EntryStatus.REJECTED)
_PENDING: Final = tracker.c.status == EntryStatus.PENDING
_DESTRUCTIVE: Final = or_(tracker.c.takes_relationships > 0, tracker.c.takes_scopes > 0)


class OperationRepository(Repository):
    """The operations of OperationTracker, pending and decided."""

    def in_force(self, servers: Collection[int] | None = None) -> tuple[Entry, ...]:
        """Return pending entries and rejections in force about the servers, by number."""
        current_time = self._connection.now()
        query = select(tracker).where(
            tracker.c.status.in_(_RELEVANT), or_(_PENDING, _stands(current_time))
        )
        if servers is None:
            rows = self._connection.rows(query.order_by(tracker.c.number))
            return tuple(entry_of(row, current_time) for row in rows)
        rows_by_number: dict[int, AnyRow] = {}
        for chunk in chunks(servers):
            # Two queries, each by its own index. With OR a planner may use the status index alone.
            for condition in _partner_conditions(chunk):
                rows_by_number.update(
                    (row.number, row) for row in self._connection.rows(query.where(condition))
                )
        return tuple(
            entry_of(rows_by_number[number], current_time) for number in sorted(rows_by_number)
        )

    def partners_in_rejections(self, servers: Collection[int]) -> frozenset[int]:
        """Return the partners that rejections in force about these servers name."""
        standing = select(tracker.c.server1_id, tracker.c.server2_id).where(
            _stands(self._connection.now())
        )
        return frozenset(
            partner
            for chunk in chunks(servers)
            for condition in _partner_conditions(chunk)
            for row in self._connection.rows(standing.where(condition))
            for partner in row
            if partner is not None
        )

    def by_number(self, numbers: Collection[int]) -> tuple[Entry, ...]:
        """Return the entries with these numbers, whatever their status, by number."""
        current_time = self._connection.now()
        query = select(tracker)
        rows_by_number = {
            row.number: row
            for chunk in chunks(numbers)
            for row in self._connection.rows(query.where(tracker.c.number.in_(chunk)))
        }
        return tuple(
            entry_of(rows_by_number[number], current_time) for number in sorted(rows_by_number)
        )

    def pending_contested(self) -> tuple[Entry, ...]:
        """Return every pending entry that waits for a name or a scope, by number."""
        current_time = self._connection.now()
        query = (
            select(tracker).where(_PENDING, tracker.c.contested != []).order_by(tracker.c.number)
        )
        return tuple(entry_of(row, current_time) for row in self._connection.rows(query))

    def pending_destructive(self) -> tuple[Entry, ...]:
        """Return every pending entry that removes something, by number."""
        current_time = self._connection.now()
        query = select(tracker).where(_PENDING, _DESTRUCTIVE).order_by(tracker.c.number)
        return tuple(entry_of(row, current_time) for row in self._connection.rows(query))

    def waiting_for_people(self, *, every: bool) -> tuple[tuple[Entry, ...], int]:
        """Return the pending entries that need a decision by people, and a number of Creates.

        The entries come by number. Creates are only counted, and changes of states alone are left
        out. An entry needs a decision if it has one witness only. With ``every`` policy leaves all
        entries to people, except those that the guard holds.
        """
        has_one_witness = tracker.c.hold == Hold.ONE_WITNESS
        is_for_people = has_one_witness if not every else tracker.c.hold != Hold.GUARD
        is_waiting = and_(_PENDING, tracker.c.contested == [], is_for_people)
        is_creation = tracker.c.operation == Operation.CREATE
        count = select(func.count()).select_from(tracker).where(is_waiting, is_creation)
        current_time = self._connection.now()
        rows = self._connection.rows(
            select(tracker).where(is_waiting, ~is_creation).order_by(tracker.c.number)
        )
        entries = (entry_of(row, current_time) for row in rows)
        ((creations,),) = self._connection.rows(count)
        return tuple(e for e in entries if not e.planned.state_only), creations

    def ledger(self) -> Ledger:
        """Return the counts that the guard compares."""
        recent = and_(
            tracker.c.status == EntryStatus.APPLIED,
            tracker.c.decided_at > self._connection.now() - _GUARD_PERIOD,
            tracker.c.by_machine,
        )
        return Ledger(
            self._stored(), applied=self._removals(recent), pending=self._removals(_PENDING)
        )

    def _stored(self) -> Counts:
        """Return the numbers of relationships and scope memberships, without pending Creates."""
        count_of = select(func.count()).select_from
        is_pending = failover.c.pending
        scopes_of_records = failover_scope.join(
            failover, failover.c.id == failover_scope.c.failover_id
        )
        row = self._connection.rows(
            select(
                count_of(failover).scalar_subquery()
                - count_of(failover).where(is_pending).scalar_subquery(),
                count_of(failover_scope).scalar_subquery()
                - count_of(scopes_of_records).where(is_pending).scalar_subquery(),
            )
        )[0]
        return Counts(row[0], row[1])

    def _removals(self, condition: ColumnElement[bool]) -> Counts:
        sums = (tracker.c.takes_relationships, tracker.c.takes_scopes)
        query = select(*(func.coalesce(func.sum(column), 0) for column in sums))
        row = self._connection.rows(query.where(condition, _DESTRUCTIVE))[0]
        return Counts(int(row[0]), int(row[1]))

    def add(self, run: int, planned: Sequence[Planned]) -> list[int]:
        """Add pending operations, and return their numbers in the same order."""
        numbers = self._connection.new_keys(tracker, len(planned))
        columns = {
            "run_id": run,
            "status": EntryStatus.PENDING,
            "stands": False,
            "by_machine": False,
            "recorded_at": self._connection.now(),
        }
        self._connection.insert(
            tracker,
            [
                {"number": number, **columns, **operation_columns(operation)}
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
        """Decide pending entries as applied, superseded or rejected, by ``who`` and now.

        A rejection then stands, until ``stands_until`` if it is set.

        Raises:
            NotPending: an entry is not pending any more. Then none of them is decided.
        """
        stands = status is EntryStatus.REJECTED
        decision = {
            "status": status,
            "decided_at": self._connection.now(),
            "decided_by": who,
            "by_machine": by_machine,
            "stands": stands,
            "stands_until": stands_until if stands else None,
        }
        self._must_be_pending(numbers)
        for chunk in chunks(numbers):
            self._connection.run(
                update(tracker).where(tracker.c.number.in_(chunk)).values(**decision)
            )

    def end_acceptance(self, numbers: Collection[int]) -> None:
        """End the force of rejections, so that the operations may be needed again."""
        for chunk in chunks(numbers):
            is_in_force = and_(tracker.c.number.in_(chunk), tracker.c.stands)
            self._connection.run(update(tracker).where(is_in_force).values(stands=False))

    def hold(self, numbers: Collection[int], hold: Hold) -> None:
        """Set why pending entries are held."""
        for chunk in chunks(numbers):
            is_changed = and_(tracker.c.number.in_(chunk), _PENDING, tracker.c.hold != hold)
            self._connection.run(update(tracker).where(is_changed).values(hold=hold))

    def set_contests(self, contested: Mapping[int, tuple[Contest, ...]]) -> None:
        """Set what pending entries wait for, by number. An empty tuple ends the wait."""
        for number, contests in contested.items():
            statement = update(tracker).where(tracker.c.number == number, _PENDING)
            self._connection.run(statement.values(contested=contested_column(contests)))

    def lines_of_run(self, run: int) -> Mapping[int, bool]:
        """Return whether the run recorded the line, for each line that it touched, by number."""
        rows = self._connection.rows(select(run_line).where(run_line.c.run_id == run))
        return {row.number: row.is_new for row in rows}

    def counts_of_run(self, run: int) -> Mapping[tuple[EntryStatus, bool], int]:
        """Return how many lines the run touched, by status and ``is_new``."""
        columns = (tracker.c.status, run_line.c.is_new)
        query = select(*columns, func.count().label("lines")).join(run_line, _ITS_LINE)
        rows = self._connection.rows(query.where(run_line.c.run_id == run).group_by(*columns))
        return {(EntryStatus(row.status), row.is_new): row.lines for row in rows}

    def records_changed_by(self, run: int) -> tuple[frozenset[int], int]:
        """Return the records that lines of the run created or changed, and how many it deleted."""
        query = select(tracker.c.record, tracker.c.operation, tracker.c.status, run_line.c.is_new)
        rows = self._connection.rows(
            query.join(run_line, _ITS_LINE).where(run_line.c.run_id == run)
        )
        applied = [row for row in rows if row.status == EntryStatus.APPLIED]
        created = [row for row in rows if row.is_new and row.operation == Operation.CREATE]
        deleted = sum(row.operation == Operation.DELETE for row in applied)
        return frozenset(row.record for row in (*applied, *created) if row.record), deleted

    def pending_of_run(self, run: int, *, confirmed: bool = False) -> tuple[Entry, ...]:
        """Return the pending entries that the run touched, by number.

        With ``confirmed`` only those for which the run had its own evidence.
        """
        query = select(tracker).join(run_line, _ITS_LINE)
        query = query.where(run_line.c.run_id == run, tracker.c.status == EntryStatus.PENDING)
        if confirmed:
            query = query.where(run_line.c.confirmed)
        current_time = self._connection.now()
        return tuple(
            entry_of(row, current_time)
            for row in self._connection.rows(query.order_by(tracker.c.number))
        )

    def add_lines(self, run: int, confirmed: Mapping[int, bool], new: Collection[int]) -> None:
        """Record the lines that the run touched, of which it recorded ``new``.

        ``confirmed`` says by number whether the run had its own evidence. A line found before may
        be confirmed now.
        """
        stored: dict[int, bool] = {}
        for chunk in chunks(confirmed.keys() - set(new)):
            is_stored = and_(run_line.c.run_id == run, run_line.c.number.in_(chunk))
            rows = self._connection.rows(
                select(run_line.c.number, run_line.c.confirmed).where(is_stored)
            )
            stored.update((row.number, row.confirmed) for row in rows)
        newly_confirmed = [n for n in stored if confirmed[n] and not stored[n]]
        for chunk in chunks(newly_confirmed):
            is_in_chunk = and_(run_line.c.run_id == run, run_line.c.number.in_(chunk))
            self._connection.run(update(run_line).where(is_in_chunk).values(confirmed=True))
        self._connection.insert(
            run_line,
            [
                {"run_id": run, "number": n, "is_new": n in new, "confirmed": is_confirmed}
                for n, is_confirmed in confirmed.items()
                if n not in stored
            ],
        )

    def _must_be_pending(self, numbers: Collection[int]) -> None:
        not_pending = set(numbers)
        for chunk in chunks(numbers):
            query = select(tracker.c.number).where(tracker.c.number.in_(chunk), _PENDING)
            not_pending.difference_update(row.number for row in self._connection.rows(query))
        if not_pending:
            raise NotPending(
                f"Operation {min(not_pending)} is not pending any more: it was decided before. "
                "Nothing was decided; look again with `ipam-sync operations list`."
            )


def entry_of(row: AnyRow, now: datetime) -> Entry:
    """Return the entry of a row. A rejection stands until its end date."""
    stands_until = row.stands_until
    stands = row.stands and (stands_until is None or stands_until > now)
    return Entry(row.number, operation_of(row), EntryStatus(row.status), stands)


def _partner_conditions(servers: list[int]) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Return two disjoint conditions: a server is the first partner, or else the second."""
    first_partner, second = tracker.c.server1_id, tracker.c.server2_id
    return first_partner.in_(servers), and_(
        second.in_(servers), or_(first_partner.is_(None), first_partner.not_in(servers))
    )


def _stands(now: datetime) -> ColumnElement[bool]:
    is_in_time = or_(tracker.c.stands_until.is_(None), tracker.c.stands_until > now)
    return and_(tracker.c.status == EntryStatus.REJECTED, tracker.c.stands, is_in_time)
