"""OperationTracker: nothing lost, decided once, counted right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconcile.model.nouns import Operation
from reconcile.model.record import EntryStatus, Hold, Planned, PropertyChange, Record
from reconcile.planning.guard import Counts, Ledger
from tests.worker.store.samples import (
    a_create,
    a_plan,
    a_record,
    add_servers,
    an_update,
    insert,
    open_run,
)
from tests.worker.store.strategies import operations
from worker.model.errors import NotPending, RecordRefused
from worker.model.operations import EntryFilter
from worker.store.repositories.codecs import operation_columns
from worker.store.tables.failover import tracker
from worker.store.unit_of_work import Store, UnitOfWork

APPLIED, REJECTED, SUPERSEDED = EntryStatus.APPLIED, EntryStatus.REJECTED, EntryStatus.SUPERSEDED


@pytest.fixture
def servers(store: Store) -> list[int]:
    return add_servers(store, 4)


@pytest.fixture
def record(store: Store, servers: list[int]) -> Record:
    (stored,) = insert(store, a_record("alpha", servers[0], servers[1], 1, 2, 3))
    return stored


def add(uow: UnitOfWork, *planned: Planned) -> list[int]:
    return uow.operations.add(open_run(uow), planned)


@given(wanted=st.lists(operations, max_size=4, unique_by=lambda planned: planned.record))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_operations_come_back_as_they_were_planned(store: Store, wanted: list[Planned]) -> None:
    """Every example is rolled back, so the one store serves them all."""
    with store.write() as uow:
        numbers = add(uow, *wanted)
        entries = uow.operations.in_force()
    assert [entry.planned for entry in entries] == wanted
    assert [repr(entry.planned) for entry in entries] == list(map(repr, wanted))
    assert [entry.number for entry in entries] == numbers
    assert all(entry.status is EntryStatus.PENDING and not entry.stands for entry in entries)


def test_entries_are_found_by_either_server(store: Store, servers: list[int]) -> None:
    one, two, three, four = servers
    plans = [
        a_create(replace(a_record(name, *pair), key=n))
        for n, (name, pair) in enumerate(
            {"a": (one, two), "b": (two, three), "c": (three, None)}.items()
        )
    ]
    with store.write() as uow:
        a, b, c = add(uow, *plans)
        found = [
            [e.number for e in uow.operations.in_force(s)]
            for s in ([two], [one, three, one], [four], [])
        ]
    assert found == [[a, b], [a, b, c], [], []]


def test_a_number_is_never_given_twice(store: Store, record: Record) -> None:
    with store.write() as uow:
        first = add(uow, an_update(record, 1), an_update(record, 2))
        second = add(uow, an_update(record, 3))
        uow.commit()
    with store.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM operation_tracker")
    with store.write() as uow:
        third = add(uow, an_update(record, 4))
    assert first + second + third == sorted({*first, *second, *third})


def test_entries_outlive_their_record(store: Store, record: Record) -> None:
    with store.write() as uow:
        (number,) = add(uow, a_plan(Operation.DELETE, record))
        uow.records.remove([record.key])
        uow.operations.decide([number], APPLIED, "ipam-sync", by_machine=True)
        (view,) = uow.views.operations(EntryFilter(records=(record.key,), statuses=()))
    assert (view.entry.planned.record, view.entry.planned.scopes) == (record.key, (1, 2, 3))


def test_the_same_need_is_pending_once(store: Store, record: Record) -> None:
    """The store itself refuses a second line: two runs at once cannot fill the tracker twice."""
    need = an_update(record, 1800)
    with store.write() as uow:
        (first,) = add(uow, need)
        with pytest.raises(RecordRefused):
            add(uow, replace(need, reason="said in other words"))
    with store.write() as uow:
        (first,) = add(uow, need)
        uow.operations.decide([first], SUPERSEDED, "ipam-sync", by_machine=True)
        (second,) = add(uow, need)
        assert [entry.number for entry in uow.operations.in_force()] == [second]


@pytest.mark.parametrize(
    "other",
    [
        lambda p: replace(p, operation=Operation.CREATE),
        lambda p: replace(p, record=99),
        lambda p: replace(p, relationship="beta"),
        lambda p: replace(p, server1=p.server2, server2=p.server1),
        lambda p: replace(p, changes=(PropertyChange("MCLT", 3600, 900),)),
        lambda p: replace(p, scopes=(1,)),
    ],
)
def test_a_fingerprint_tells_apart_what_operations_do(
    other: Callable[[Planned], Planned],
) -> None:
    need = an_update(replace(a_record("alpha", 1, 2), key=7), 1800)
    assert fingerprint(other(need)) != fingerprint(need)


@pytest.mark.parametrize(
    "same",
    [
        lambda p: replace(p, relationship="ALPHA"),
        lambda p: replace(p, reason="in other words"),
        lambda p: replace(p, hold=Hold.GUARD),
        lambda p: replace(p, witnesses=()),
        lambda p: replace(p, server1=replace(p.server1, name="renamed")),
    ],
)
def test_a_fingerprint_is_about_nothing_else(same: Callable[[Planned], Planned]) -> None:
    need = an_update(replace(a_record("alpha", 1, 2), key=7), 1800)
    assert fingerprint(same(need)) == fingerprint(need)


def fingerprint(planned: Planned) -> object:
    return operation_columns(planned)["fingerprint"]


class TestDeciding:
    """A line is decided once, by somebody, at a time."""

    @pytest.mark.parametrize("status", [APPLIED, SUPERSEDED, REJECTED])
    def test_it_says_when_and_by_whom(
        self, store: Store, record: Record, status: EntryStatus
    ) -> None:
        with store.write() as uow:
            (number,) = add(uow, an_update(record, 1800))
            before = uow.now()
            uow.operations.decide([number], status, "CORP\\ada", by_machine=False)
            (view,) = uow.views.operations(EntryFilter(statuses=()))
            after = uow.now()
        assert (view.entry.status, view.decided_by) == (status, "CORP\\ada")
        assert view.decided_at is not None
        assert before <= view.decided_at <= after

    def test_what_is_decided_is_not_decided_again(self, store: Store, record: Record) -> None:
        with store.write() as uow:
            one, two = add(uow, an_update(record, 1), an_update(record, 2))
            uow.operations.decide([one], APPLIED, "ada", by_machine=False)
            with pytest.raises(NotPending, match=f"Operation {one} is not pending any more"):
                uow.operations.decide([two, one], REJECTED, "bob", by_machine=False)
            statuses = [
                view.entry.status for view in uow.views.operations(EntryFilter(statuses=()))
            ]
        assert statuses == [APPLIED, EntryStatus.PENDING]

    def test_of_what_is_decided_only_rejections_still_count(
        self, store: Store, record: Record
    ) -> None:
        with store.write() as uow:
            numbers = add(uow, *(an_update(record, n) for n in range(4)))
            for number, status in zip(numbers, (APPLIED, SUPERSEDED, REJECTED), strict=False):
                uow.operations.decide([number], status, "ada", by_machine=False)
            entries = uow.operations.in_force(record.partners)
        assert [(e.number, e.status, e.stands) for e in entries] == [
            (numbers[2], REJECTED, True),
            (numbers[3], EntryStatus.PENDING, False),
        ]

    def test_a_rejection_stands_until_somebody_or_something_ends_it(
        self, store: Store, record: Record
    ) -> None:
        with store.write() as uow:
            (number,) = add(uow, an_update(record, 1800))
            uow.operations.decide([number], REJECTED, "ada", by_machine=False)
            assert [entry.stands for entry in uow.operations.in_force()] == [True]
            uow.operations.end_acceptance([number])
            assert uow.operations.in_force() == ()
            (view,) = uow.views.operations(EntryFilter(statuses=(REJECTED,)))
        assert view.entry.stands is False

    @pytest.mark.parametrize(("minutes", "stands"), [(1, True), (-1, False), (0, False)])
    def test_a_rejection_stands_until_its_end_date(
        self, store: Store, record: Record, minutes: int, *, stands: bool
    ) -> None:
        with store.write() as uow:
            (number,) = add(uow, an_update(record, 1800))
            until = uow.now() + timedelta(minutes=minutes)
            uow.operations.decide([number], REJECTED, "ada", by_machine=False, stands_until=until)
            (view,) = uow.views.operations(EntryFilter(statuses=(REJECTED,)))
            assert [e.number for e in uow.operations.in_force(record.partners)] == [number] * stands
        assert (view.entry.stands, view.stands_until) == (stands, until)

    def test_only_what_is_pending_can_be_held(self, store: Store, record: Record) -> None:
        with store.write() as uow:
            one, two = add(uow, an_update(record, 1), an_update(record, 2))
            uow.operations.decide([one], APPLIED, "ada", by_machine=False)
            uow.operations.hold([one, two], Hold.GUARD)
            holds = [v.entry.planned.hold for v in uow.views.operations(EntryFilter(statuses=()))]
        assert holds == [Hold.NONE, Hold.GUARD]


class TestLedger:
    """What the guard counts, over the whole store."""

    @pytest.mark.usefixtures("record")
    def test_it_counts_what_is_stored_and_not_what_is_only_wanted(
        self, store: Store, servers: list[int]
    ) -> None:
        insert(
            store,
            a_record("beta", servers[2], servers[3], 4),
            replace(a_record("gamma", servers[2], servers[3], 5, 6), pending=True),
        )
        with store.read() as reading:
            assert reading.operations.ledger() == Ledger(Counts(2, 4))

    def test_an_empty_store_has_nothing_to_lose(self, store: Store) -> None:
        with store.read() as reading:
            assert reading.operations.ledger() == Ledger()

    @pytest.mark.parametrize(
        ("operation", "changes", "taken"),
        [
            (Operation.DELETE, (), (1, 3)),
            (Operation.REMOVE_SCOPES, (), (0, 3)),
            (Operation.UPDATE, (PropertyChange("Server2RecordId", 5, None),), (1, 0)),
            (Operation.UPDATE, (PropertyChange("Server2RecordId", None, 5),), (0, 0)),
            (Operation.UPDATE, (PropertyChange("MCLT", 3600, 1800),), (0, 0)),
            (Operation.ADD_SCOPES, (), (0, 0)),
            (Operation.CREATE, (), (0, 0)),
        ],
    )
    def test_it_counts_what_pending_operations_take(
        self,
        store: Store,
        record: Record,
        operation: Operation,
        changes: tuple[PropertyChange, ...],
        taken: tuple[int, int],
    ) -> None:
        planned = a_plan(operation, record, *changes)
        with store.write() as uow:
            numbers = add(uow, planned)
            ledger = uow.operations.ledger()
            destructive = [entry.number for entry in uow.operations.pending_destructive()]
        assert ledger.pending == Counts(*taken)
        assert ledger.applied == Counts()
        assert destructive == (numbers if planned.destructive else [])

    @pytest.mark.parametrize(
        ("status", "by_machine", "counts"),
        [
            (APPLIED, True, True),
            (APPLIED, False, False),
            (SUPERSEDED, True, False),
            (REJECTED, False, False),
        ],
    )
    def test_of_the_past_only_what_the_machine_applied_counts(
        self,
        store: Store,
        record: Record,
        status: EntryStatus,
        *,
        by_machine: bool,
        counts: bool,
    ) -> None:
        with store.write() as uow:
            numbers = add(uow, a_plan(Operation.DELETE, record))
            uow.operations.decide(numbers, status, "ada", by_machine=by_machine)
            ledger = uow.operations.ledger()
            assert uow.operations.pending_destructive() == ()
        assert ledger.pending == Counts()
        taken = (ledger.applied.relationships, ledger.applied.scopes)
        assert taken == ((1, 3) if counts else (0, 0))

    @pytest.mark.parametrize(("hours", "counts"), [(23, True), (25, False)])
    def test_what_was_applied_a_day_ago_is_forgotten(
        self, store: Store, record: Record, hours: int, *, counts: bool
    ) -> None:
        with store.write() as uow:
            numbers = add(uow, a_plan(Operation.DELETE, record))
            uow.operations.decide(numbers, APPLIED, "ipam-sync", by_machine=True)
            _date_back(uow, uow.now() - timedelta(hours=hours))
            assert uow.operations.ledger().applied.relationships == int(counts)


def _date_back(uow: UnitOfWork, decided_at: datetime) -> None:
    assert isinstance(uow, UnitOfWork)
    uow._connection.run(tracker.update().values(decided_at=decided_at))
