"""What it costs that people acknowledge problems, and what it leaves."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from reconcile.model.findings import Event
from reconcile.model.nouns import Evidence
from tests.worker.store.outbox import an_event, problems
from tests.worker.store.samples import a_record, add_servers, insert
from tests.worker.store.sql_counter import SqlCount, counted
from worker.alerts.acknowledge import acknowledge, withdraw
from worker.model.audit import Person
from worker.store.unit_of_work import Store, UnitOfWork

ADA = Person("ada", "cli@ops01")


def with_a_past(store: Store, count: int, events: int) -> list[int]:
    """Problems of which IPAM has the relationships; of the last event alone one side was read."""
    insert(
        store, *(a_record(f"ring {n}", *add_servers(store, 2, f"r{n}-"), n) for n in range(count))
    )
    keys = problems(store, count)
    with store.write() as uow:
        for key in keys:
            before = an_event(uow, key, Event.STILL_OPEN)
            last = replace(before, snapshot=replace(before.snapshot, evidence=Evidence.ONE_SIDE))
            uow.outbox.add([*[before] * events, last])
        uow.commit()
    return keys


def test_many_are_acknowledged_for_the_price_of_their_latest_events(store: Store) -> None:
    """Neither their past nor a look at the records for each of them is part of it."""

    def cost(uow: UnitOfWork, keys: list[int]) -> SqlCount:
        with counted(store.engine) as sql:
            acknowledge(uow, ADA, keys, "CHG-1", None)
        return sql

    keys = with_a_past(store, count=12, events=20)
    with store.write() as uow:
        one, others = cost(uow, keys[:1]), cost(uow, keys[1:])
        told = uow.outbox.events_at([(key, 22) for key in keys])
        uow.commit()
    assert others.fetched < 60
    assert others.statements - one.statements <= 12, "one each, that writes it down"
    assert {(e.event, e.snapshot.evidence) for e in told} == {
        (Event.ACKNOWLEDGED, Evidence.ONE_SIDE)
    }


def test_what_is_not_acknowledged_any_more_is_looked_at_at_once(store: Store) -> None:
    first, second = problems(store, 2)
    with store.write() as uow:
        acknowledge(uow, ADA, [first, second], "CHG-1", None)
        for key in (first, second):
            uow.outbox.set_reminder(key, uow.now() + timedelta(hours=1), None)
        assert withdraw(uow, ADA, [first]) == (first,)
        assert uow.outbox.due_reminders(9) == (first,)
