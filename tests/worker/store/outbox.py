"""Problems with events, and deliverers, for the tests of the outbox."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import func, select

from reconcile.model.findings import Event
from reconcile.model.nouns import Evidence
from tests.worker.store.samples import a_finding, found, open_run
from worker.model.alerts import Delivery, NewEvent, Snapshot
from worker.store.tables.alerts import delivery
from worker.store.unit_of_work import Store, UnitOfWork

#: A claim for so long holds, and one for so long has lapsed.
HELD, LAPSED = timedelta(hours=1), timedelta(hours=-1)


def problems(store: Store, count: int) -> list[int]:
    """The ids of so many open problems, in order."""
    with store.write() as uow:
        told = [a_finding(f"ring {n}", 1, 2) for n in range(count)]
        ids = found(uow, open_run(uow), told)
        uow.commit()
    return [ids[finding.fingerprint] for finding in told]


def an_event(
    uow: UnitOfWork,
    problem: int,
    event: Event = Event.OPENED,
    *,
    run: int | None = None,
    wait: timedelta = HELD,
) -> NewEvent:
    """What it is about does not matter; due after ``wait`` if its run is not closed before."""
    finding = uow.findings.by_id([problem])[problem].finding
    snapshot = Snapshot(finding, Evidence.BOTH, {"MCLT": "PT1H"})
    return NewEvent(problem, event, snapshot, uow.now() + wait, run)


def want(store: Store, wanted: Sequence[int], sequence: int = 1, channel: str = "log") -> None:
    """The channel is to be told the events of this number, now."""
    with store.write() as uow:
        for problem in wanted:
            uow.deliveries.enqueue(problem, channel, sequence, uow.now())
        uow.commit()


def claim(
    store: Store, name: str, span: timedelta = HELD, most: int = 99, channel: str = "log"
) -> list[tuple[int, int | None, str | None]]:
    """(problem, number, batch) of what a deliverer gets."""
    with store.write() as uow:
        got = uow.deliveries.claim(channel, name, uow.now() + span, most)
        uow.commit()
    return [(d.finding, d.wanted, d.batch) for d in got]


def delivered(store: Store, name: str, *told: int, sequence: int = 1) -> None:
    with store.write() as uow:
        uow.deliveries.mark_delivered(name, dict.fromkeys(told, (sequence, Event.OPENED)))
        uow.commit()


def failed(
    store: Store,
    name: str,
    *tried: int,
    is_dead: bool = False,
    again: timedelta = timedelta(0),
) -> None:
    with store.write() as uow:
        due_at = uow.now() + again
        uow.deliveries.mark_failed(
            name, dict.fromkeys(tried, 1), "no route", due_at, is_dead=is_dead
        )
        uow.commit()


def known(store: Store, problem: int, channel: str = "log") -> Delivery:
    """What the channel knows of it."""
    with store.read() as reading:
        return next(d for d in reading.deliveries.load([problem]) if d.channel == channel)


def claims(store: Store) -> int:
    """Rows that somebody holds."""
    with store.engine.connect() as connection:
        return int(connection.execute(select(func.count(delivery.c.claim))).scalar_one())
