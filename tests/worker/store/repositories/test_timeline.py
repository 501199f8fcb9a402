"""What happened over all problems: newest first, by server, by relationship, since when."""

from __future__ import annotations

from datetime import timedelta

from reconcile.model.findings import Event
from reconcile.model.nouns import Evidence
from tests.worker.store.samples import a_finding, add_servers, found, open_run, over
from worker.model.alerts import NewEvent, PastEvent, Snapshot
from worker.store.unit_of_work import Store, UnitOfWork


def happen(uow: UnitOfWork, problem: int, event: Event) -> None:
    finding = uow.findings.by_id([problem])[problem].finding
    uow.outbox.add([NewEvent(problem, event, Snapshot(finding, Evidence.BOTH), uow.now())])


def told(events: tuple[PastEvent, ...]) -> list[str]:
    return [f"{e.snapshot.finding.relationship} {e.event}" for e in events]


def test_the_latest_events_are_found_by_what_they_are_about(store: Store) -> None:
    one, two, three = add_servers(store, 3)
    with store.write() as uow:
        run = open_run(uow)
        wanted = [a_finding("Straße", one, two), a_finding("Lost", two, three)]
        first, second = found(uow, run, wanted).values()
        for problem in (first, second):
            happen(uow, problem, Event.OPENED)
        happen(uow, first, Event.RESOLVED)
        over(uow, [first])
        assert told(uow.outbox.latest(9)) == ["Straße resolved", "Lost opened", "Straße opened"]
        assert told(uow.outbox.latest(1)) == ["Straße resolved"]
        assert told(uow.outbox.latest(9, server=three)) == ["Lost opened"]
        assert told(uow.outbox.latest(9, server=one)) == ["Straße resolved", "Straße opened"]
        assert told(uow.outbox.latest(9, relationship="strasse", server=two)) == [
            "Straße resolved",
            "Straße opened",
        ]
        assert told(uow.outbox.latest(9, relationship="none")) == []
        assert len(uow.outbox.latest(9, since=uow.now() - timedelta(hours=1))) == 3
        assert uow.outbox.latest(9, since=uow.now() + timedelta(hours=1)) == ()
