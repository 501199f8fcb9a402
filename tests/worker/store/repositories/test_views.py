"""What the doors show: complete, in order, filtered as asked."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconcile.model.nouns import (
    Operation,
    ReadFailure,
    Seen,
    Sighting,
    Skipped,
    SkipReason,
    Standing,
    Unseen,
)
from reconcile.model.record import EntryStatus, Record
from tests.worker.store.samples import (
    BEGIN,
    a_create,
    a_plan,
    a_reading,
    a_record,
    add_servers,
    an_update,
    insert,
    minutes,
    open_run,
)
from worker.model.operations import EntryFilter
from worker.model.servers import Endpoint
from worker.store.unit_of_work import Store, UnitOfWork

FAILURE = ReadFailure("unreachable", "it did not answer", "see that it runs", retry=True)


def see(uow: UnitOfWork, run: int, *sightings: Sighting) -> None:
    uow.readings.replace([(run, sighting) for sighting in sightings])


@pytest.fixture
def servers(store: Store) -> list[int]:
    return add_servers(store, 4)


@pytest.fixture
def records(store: Store, servers: list[int]) -> list[Record]:
    one, two, three, _ = servers
    return insert(
        store,
        a_record("beta", one, two, 1),
        a_record("ALPHA", two, three, 2),
        a_record("alpha", one, None, 3),
    )


def test_records_come_by_folded_name_with_their_pending_operations(
    store: Store, records: list[Record]
) -> None:
    beta, upper, lower = records
    with store.write() as uow:
        run = open_run(uow)
        plans = [an_update(beta, 1), a_plan(Operation.REMOVE_SCOPES, beta), an_update(upper, 2)]
        one, two, three = uow.operations.add(run, plans)
        uow.operations.decide([three], EntryStatus.APPLIED, "ada", by_machine=False)
        views = uow.views.records()
    assert [view.record for view in views] == [upper, lower, beta]
    assert [[e.number for e in view.tracker] for view in views] == [[], [], [one, two]]


def test_a_record_tells_when_each_partner_was_last_read(
    store: Store, servers: list[int], records: list[Record]
) -> None:
    one, two, *_ = servers
    with store.write() as uow:
        first, second = open_run(uow), open_run(uow)
        see(uow, first, a_reading(one, BEGIN), a_reading(two, minutes(1)))
        failed = Unseen(one, minutes(10), FAILURE)
        see(uow, second, failed, a_reading(two, minutes(11)))
        views = uow.views.records()
    assert [(v.server1_seen_at, v.server2_seen_at) for v in views] == [
        (minutes(11), None),
        (BEGIN, None),
        (BEGIN, minutes(11)),
    ]


def test_servers_come_with_all_that_is_known_of_them(
    store: Store, servers: list[int], records: list[Record]
) -> None:
    one, two, three, four = servers
    insert(store, replace(a_record("gamma", one, four), pending=True))
    with store.write() as uow:
        uow.inventory.set_endpoint(one, Endpoint(transport="kerberos"))
        uow.inventory.set_standing(four, Standing.DISABLED)
        first, second = open_run(uow), open_run(uow)
        see(uow, first, a_reading(one, BEGIN, "alpha"), a_reading(two, BEGIN))
        failed, skipped = Unseen(one, minutes(5), FAILURE), Skipped(three, SkipReason.BACK_OFF)
        see(uow, second, failed, skipped)
        views = uow.views.servers()
        assert [view.server for view in views] == list(uow.inventory.servers())
    assert [v.endpoint for v in views] == [Endpoint(transport="kerberos"), *[Endpoint()] * 3]
    assert [v.relationships for v in views] == [2, 2, 1, 0]
    assert [v.last_sighting for v in views] == [failed, Seen(two, BEGIN, ()), skipped, None]
    assert [v.last_seen_at for v in views] == [BEGIN, BEGIN, None, None]


class TestEntries:
    """Lines of OperationTracker by everything a person may ask for."""

    @pytest.fixture
    def numbers(self, store: Store, records: list[Record]) -> list[int]:
        beta, upper, lower = records
        with store.write() as uow:
            numbers = uow.operations.add(open_run(uow), [a_create(beta), an_update(upper, 1)])
            numbers += uow.operations.add(open_run(uow), [an_update(lower, 1), an_update(lower, 2)])
            uow.operations.decide(numbers[3:], EntryStatus.APPLIED, "ada", by_machine=False)
            uow.commit()
        return numbers

    def found(self, store: Store, wanted: EntryFilter) -> list[int]:
        with store.read() as reading:
            return [view.entry.number for view in reading.views.operations(wanted)]

    def test_without_a_wish_it_is_all_that_is_pending(
        self, store: Store, numbers: list[int]
    ) -> None:
        assert self.found(store, EntryFilter()) == numbers[:3]
        assert self.found(store, EntryFilter(statuses=())) == numbers

    def test_every_wish_must_hold(
        self, store: Store, numbers: list[int], records: list[Record], servers: list[int]
    ) -> None:
        a, b, c, d = numbers
        every = EntryFilter(statuses=())
        _, upper, lower = records
        wishes = {
            replace(every, numbers=(d, a, 999)): [a, d],
            replace(every, server=servers[1]): [a, b],
            replace(every, records=(lower.key, upper.key)): [b, c, d],
            replace(every, records=()): [],
            replace(every, operation=Operation.CREATE): [a],
            replace(every, statuses=(EntryStatus.APPLIED,)): [d],
            EntryFilter(records=(lower.key,)): [c],
            EntryFilter(numbers=(a, b), records=(upper.key,), server=servers[2]): [b],
            EntryFilter(numbers=(a,), operation=Operation.UPDATE): [],
        }
        assert {wish: self.found(store, wish) for wish in wishes} == wishes
        with store.read() as reading:
            first, *_, last = (view.run for view in reading.views.operations(every))
        assert self.found(store, replace(every, run=first)) == [a, b]
        assert self.found(store, replace(every, run=last)) == [c, d]

    def test_very_many_numbers_may_be_given(self, store: Store, numbers: list[int]) -> None:
        wish = EntryFilter(numbers=tuple(range(2000)) + tuple(numbers), statuses=())
        assert self.found(store, wish) == numbers

    @pytest.mark.usefixtures("numbers")
    def test_the_evidence_is_as_old_as_the_oldest_reading_it_rests_on(
        self, store: Store, servers: list[int]
    ) -> None:
        one, two, _, _ = servers
        with store.write() as uow:
            run = open_run(uow)
            see(uow, run, a_reading(one, BEGIN), a_reading(two, minutes(1)))
            views = uow.views.operations(EntryFilter())
            assert [view.evidence_at for view in views] == [BEGIN, None, BEGIN]
            see(uow, open_run(uow), a_reading(one, minutes(9)))
            views = uow.views.operations(EntryFilter())
        assert [view.evidence_at for view in views] == [minutes(1), None, minutes(9)]
