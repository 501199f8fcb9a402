"""What the machine applied is told once, all of it, to those who were there; whoever dies meanwhile."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from reconcile.model.nouns import Operation, State
from reconcile.model.record import EntryStatus, Party, Planned, PropertyChange, Record
from tests.worker.store.samples import (
    a_plan,
    a_record,
    add_servers,
    an_update,
    insert,
    open_run,
)
from tests.worker.store.sql_counter import counted
from worker.model.change_feed import AppliedCursor, AppliedLine, ChangeSpan
from worker.store.tables.alerts import applied_digest
from worker.store.tables.columns import AwareUtc
from worker.store.tables.failover import tracker
from worker.store.unit_of_work import Store

QUARTER = timedelta(minutes=15)
MINUTE = timedelta(minutes=1)
CLAIM = timedelta(minutes=3)


@dataclass
class Machine:
    """Applies what it is given at once; time passes by making all that is stored older."""

    store: Store
    record: Record

    def applies(
        self, *planned: Planned, machine: bool = True, as_: EntryStatus = EntryStatus.APPLIED
    ) -> list[int]:
        with self.store.write() as uow:
            numbers = uow.operations.add(open_run(uow), planned)
            uow.operations.decide(numbers, as_, "somebody", by_machine=machine)
            uow.commit()
        return numbers

    def later(self, by: timedelta) -> None:
        with self.store.engine.begin() as connection:
            for table in (tracker, applied_digest):
                (key,) = table.primary_key
                times = [c for c in table.c if isinstance(c.type, AwareUtc)]
                for row in connection.execute(select(key, *times)).all():
                    moved = {c.name: v - by for c in times if (v := getattr(row, c.name))}
                    this = key == getattr(row, key.name)
                    connection.execute(update(table).where(this).values(moved))

    def is_due(self, channel: str = "mail") -> bool:
        with self.store.read() as reading:
            return reading.change_feed.is_due(channel, QUARTER)

    def claims(self, claim: str, channel: str = "mail") -> ChangeSpan | None:
        with self.store.write() as uow:
            span = uow.change_feed.claim(channel, claim, uow.now() + CLAIM, QUARTER)
            uow.commit()
        return span

    def told(self, claim: str) -> None:
        with self.store.write() as uow:
            uow.change_feed.mark_delivered(claim)
            uow.commit()

    def fails(self, claim: str, *, is_dead: bool = False) -> None:
        with self.store.write() as uow:
            uow.change_feed.mark_failed(claim, uow.now() + MINUTE, "no route", is_dead=is_dead)
            uow.commit()

    def in_span(self, span: ChangeSpan | None) -> list[int]:
        assert span is not None
        with self.store.read() as reading:
            return [line.number for line in reading.change_feed.lines(span.since, span.until)]

    def cursor(self, channel: str = "mail") -> AppliedCursor:
        with self.store.read() as reading:
            return reading.change_feed.cursors()[channel]

    def retried(self, channel: str = "mail") -> None:
        with self.store.write() as uow:
            uow.change_feed.retry(channel)
            uow.commit()


@pytest.fixture
def machine(store: Store) -> Machine:
    servers = add_servers(store, 2)
    (record,) = insert(store, a_record("alpha", *servers, 1, 2, 3))
    machine = Machine(store, record)
    assert machine.claims("first") is None  # known from now on
    return machine


def states(record: Record) -> Planned:
    return a_plan(
        Operation.UPDATE, record, PropertyChange("Server1State", State.NORMAL, State.STARTUP)
    )


def test_a_channel_that_is_new_is_told_of_nothing_that_was_before(machine: Machine) -> None:
    machine.applies(an_update(machine.record, 60))
    machine.later(QUARTER)
    assert machine.is_due("new"), "it has to be known first"
    assert machine.claims("a", "new") is None
    assert not machine.is_due("new")
    assert machine.claims("b", "new") is None
    assert machine.claims("c") is not None


def test_changes_are_collected_for_a_while_from_the_first_one_on(machine: Machine) -> None:
    first = machine.applies(an_update(machine.record, 60))
    assert not machine.is_due()
    assert machine.claims("a") is None
    machine.later(QUARTER - MINUTE)
    second = machine.applies(an_update(machine.record, 120))
    machine.later(MINUTE)
    assert machine.is_due()
    assert machine.in_span(machine.claims("b")) == first + second


def test_what_is_applied_while_a_message_is_on_its_way_is_in_the_next_one(
    machine: Machine,
) -> None:
    machine.applies(an_update(machine.record, 60))
    machine.later(QUARTER)
    span = machine.claims("a")
    meanwhile = machine.applies(an_update(machine.record, 120))
    machine.told("a")
    assert span is not None
    machine.later(QUARTER)
    following = machine.claims("b")
    assert machine.in_span(following) == meanwhile
    assert following is not None
    assert following.since == span.until - QUARTER
    assert following.batch != span.batch


def test_who_dies_has_the_very_same_told_again_by_another_one(machine: Machine) -> None:
    done = machine.applies(an_update(machine.record, 60))
    machine.later(QUARTER)
    span = machine.claims("dies")
    assert machine.claims("too early") is None
    assert not machine.is_due()
    machine.applies(an_update(machine.record, 120))
    machine.later(CLAIM)
    again = machine.claims("heir")
    assert span is not None
    assert again == ChangeSpan(span.since - CLAIM, span.until - CLAIM, span.batch, 0)
    assert machine.in_span(again) == done
    machine.told("dies")
    machine.later(CLAIM)
    assert machine.claims("third") is not None, "whose claim was taken over ends nothing"


def test_what_failed_waits_and_keeps_its_batch_and_what_is_given_up_is_passed_over(
    machine: Machine,
) -> None:
    machine.applies(an_update(machine.record, 60))
    machine.later(QUARTER)
    first = machine.claims("a")
    machine.fails("a")
    assert machine.claims("b") is None
    machine.later(MINUTE)
    second = machine.claims("b")
    assert first is not None
    assert second is not None
    assert (second.batch, second.attempts) == (first.batch, 1)
    machine.fails("b", is_dead=True)
    machine.later(QUARTER)
    assert not machine.is_due()
    following = machine.applies(an_update(machine.record, 120))
    machine.later(QUARTER)
    third = machine.claims("c")
    assert machine.in_span(third) == following
    assert third is not None
    assert third.attempts == 0


def test_only_what_the_machine_applied_counts_and_no_state(machine: Machine) -> None:
    record = machine.record
    both = a_plan(
        Operation.UPDATE,
        record,
        PropertyChange("Server1State", State.NORMAL, State.STARTUP),
        PropertyChange("Server2IP", None, "10.0.0.9"),
    )
    both = replace(both, server1=Party(both.server1.server, "dhcp01"))
    machine.applies(states(record))
    machine.applies(an_update(record, 1), machine=False)
    machine.applies(an_update(record, 2), as_=EntryStatus.SUPERSEDED)
    machine.applies(an_update(record, 3), as_=EntryStatus.REJECTED)
    removal = a_plan(Operation.REMOVE_SCOPES, record)
    told = machine.applies(both, removal, a_plan(Operation.DELETE, record))
    machine.later(QUARTER)
    span = machine.claims("a")
    assert machine.in_span(span) == told
    assert span is not None
    with machine.store.read() as reading:
        (operation,) = reading.change_feed.operations(told[:1])
        line, *_ = reading.change_feed.lines(span.since, span.until)
    assert operation.planned == both
    assert span.since <= operation.at < span.until
    servers = "dhcp01", both.server2.name
    assert line == AppliedLine(told[0], operation.at, Operation.UPDATE, "alpha", servers)


def test_what_is_not_told_is_passed_over_at_times_so_that_looking_stays_cheap(
    machine: Machine,
) -> None:
    machine.applies(states(machine.record))
    machine.applies(an_update(machine.record, 1), machine=False)
    machine.later(QUARTER)
    assert machine.in_span(machine.claims("a")) == []
    machine.told("a")
    machine.later(QUARTER)
    assert not machine.is_due()


def test_nobody_writes_where_nothing_was_applied(machine: Machine) -> None:
    machine.later(QUARTER)
    with counted(machine.store.engine) as sql:
        assert machine.claims("a") is None
    assert not sql.written


def test_a_channel_that_comes_back_is_new(machine: Machine) -> None:
    machine.claims("b", "other")
    with machine.store.write() as uow:
        uow.change_feed.keep_only(["other"])
        uow.commit()
    machine.applies(an_update(machine.record, 60))
    machine.later(QUARTER)
    assert machine.claims("c") is None
    assert machine.claims("d", "other") is not None


def test_what_failed_is_due_at_once_when_a_person_says_so_as_the_same_message(
    machine: Machine,
) -> None:
    machine.applies(an_update(machine.record, 60))
    machine.later(QUARTER)
    first = machine.claims("a")
    machine.fails("a")
    assert machine.cursor().attempts == 1
    assert machine.cursor().error == "no route"
    machine.retried()
    second = machine.claims("b")
    assert first is not None
    assert second is not None
    assert (second.batch, second.attempts) == (first.batch, 0)
    machine.told("b")
    assert machine.cursor().error is None


def test_what_was_given_up_once_and_once_more_comes_back_with_all_that_came_after(
    machine: Machine,
) -> None:
    numbers = []
    for claim in ("a", "b"):
        numbers += machine.applies(an_update(machine.record, 60))
        machine.later(QUARTER)
        assert machine.claims(claim) is not None
        machine.fails(claim, is_dead=True)
    given_up = machine.cursor().given_up
    assert given_up is not None
    with machine.store.read() as reading:
        assert [line.number for line in reading.change_feed.lines(*given_up)] == numbers
    numbers += machine.applies(an_update(machine.record, 120))
    machine.later(QUARTER)
    machine.claims("c")
    machine.told("c")
    assert machine.cursor().given_up is not None, "a later one says nothing of it"
    machine.retried()
    assert machine.in_span(machine.claims("d")) == numbers
    assert machine.cursor().given_up is None


def test_what_neither_failed_nor_was_given_up_is_left_alone(machine: Machine) -> None:
    machine.applies(an_update(machine.record, 60))
    before = machine.cursor()
    machine.retried()
    assert machine.cursor() == before
    machine.later(QUARTER)
    span = machine.claims("a")
    machine.retried()
    machine.told("a")
    machine.later(QUARTER)
    assert machine.claims("b") is None
    assert span is not None
