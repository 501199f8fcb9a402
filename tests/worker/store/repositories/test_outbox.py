"""What happened to problems: numbered without gaps, decided when its time has come."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from reconcile.model.findings import Event
from tests.worker.store.outbox import LAPSED, an_event, problems
from tests.worker.store.samples import a_finding, changed, found, open_run, over
from tests.worker.store.sql_counter import counted
from worker.model.alerts import NOBODY
from worker.store.unit_of_work import Store


def told(store: Store, *ids: int) -> list[tuple[int, int, Event]]:
    with store.read() as reading:
        return [(e.finding, e.sequence, e.event) for e in reading.outbox.events(ids)]


def test_events_are_numbered_per_problem_without_gaps(store: Store) -> None:
    """Over transactions, of which some came to nothing, and several at once."""
    one, two = problems(store, 2)
    with store.write() as uow:
        uow.outbox.add([an_event(uow, one), an_event(uow, two), an_event(uow, one, Event.CHANGED)])
        uow.commit()
    with store.write() as uow:
        uow.outbox.add([an_event(uow, one, Event.RESOLVED)])
    with store.write() as uow:
        uow.outbox.add([an_event(uow, two, Event.RESOLVED), an_event(uow, one, Event.STILL_OPEN)])
        uow.commit()
    assert told(store, one) == [
        (one, 1, Event.OPENED),
        (one, 2, Event.CHANGED),
        (one, 3, Event.STILL_OPEN),
    ]
    assert told(store, two) == [(two, 1, Event.OPENED), (two, 2, Event.RESOLVED)]
    with store.read() as reading:
        assert {k: p.sequence for k, p in reading.findings.by_id([one, two]).items()} == {
            one: 3,
            two: 2,
        }


def test_one_that_comes_back_goes_on_counting(store: Store) -> None:
    finding = a_finding("HQ", 1, 2)
    with store.write() as uow:
        run = open_run(uow)
        (problem,) = found(uow, run, [finding]).values()
        uow.outbox.add([an_event(uow, problem)])
        over(uow, [problem])
        uow.outbox.add([an_event(uow, problem, Event.RESOLVED)])
        found(uow, run, [finding])
        uow.outbox.add([an_event(uow, problem)])
        uow.commit()
    assert [number for _, number, _ in told(store, problem)] == [1, 2, 3]


def test_an_event_tells_what_was_true_when_it_happened(store: Store) -> None:
    """Whatever the problem is about by now."""
    (problem,) = problems(store, 1)
    with store.write() as uow:
        event = replace(an_event(uow, problem, Event.ACKNOWLEDGED), who="ada", note="I know")
        uow.outbox.add([event])
        before = uow.findings.by_id([problem])[problem].finding
        other = replace(before, detail="Another.", values=(("Mode", ()),), grade="Normal")
        changed(uow, problem, other)
        uow.commit()
    with store.read() as reading:
        (past,) = reading.outbox.events([problem])
        assert reading.findings.by_id([problem])[problem].finding == other
    assert past.snapshot == event.snapshot
    assert (past.who, past.note, past.key) == ("ada", "I know", f"{problem}-1")


class TestTime:
    """It is decided who is told when the run is closed, or after a while."""

    def test_of_no_run_at_once(self, store: Store) -> None:
        (problem,) = problems(store, 1)
        with store.write() as uow:
            uow.outbox.add([an_event(uow, problem)])
            assert [e.finding for e in uow.outbox.unrouted(9)] == [problem]

    def test_of_a_run_when_it_is_closed(self, store: Store) -> None:
        (problem,) = problems(store, 1)
        with store.write() as uow:
            run = open_run(uow)
            uow.outbox.add([an_event(uow, problem, run=run)])
            assert uow.outbox.unrouted(9) == ()
            uow.runs.close(run, "done", {})
            assert len(uow.outbox.unrouted(9)) == 1

    def test_of_a_run_that_takes_long_after_a_while(self, store: Store) -> None:
        (problem,) = problems(store, 1)
        with store.write() as uow:
            uow.outbox.add([an_event(uow, problem, run=open_run(uow), wait=timedelta(0))])
            assert len(uow.outbox.unrouted(9)) == 1

    def test_of_a_run_that_was_forgotten_after_a_while(self, store: Store) -> None:
        (problem,) = problems(store, 1)
        with store.write() as uow:
            uow.outbox.add([an_event(uow, problem, run=10**9)])
            uow.outbox.add([an_event(uow, problem, run=10**9, wait=LAPSED)])
            assert [e.sequence for e in uow.outbox.unrouted(9)] == [2]

    def test_the_oldest_first_and_no_more_than_asked_for(self, store: Store) -> None:
        ids = problems(store, 5)
        with store.write() as uow:
            uow.outbox.add([an_event(uow, problem) for problem in reversed(ids)])
            assert [e.finding for e in uow.outbox.unrouted(3)] == ids[:1:-1]


class TestOutcome:
    """What became of an event is known for every channel."""

    def test_what_was_decided_is_not_asked_again(self, store: Store) -> None:
        (problem,) = problems(store, 1)
        with store.write() as uow:
            uow.outbox.add([an_event(uow, problem), an_event(uow, problem, Event.CHANGED)])
            uow.outbox.set_outcome((problem, 1), {NOBODY: "silenced"})
            assert [e.sequence for e in uow.outbox.unrouted(9)] == [2]

    def test_it_is_added_to(self, store: Store) -> None:
        (problem,) = problems(store, 1)
        with store.write() as uow:
            uow.outbox.add([an_event(uow, problem)])
            assert uow.outbox.events([problem])[0].outcome is None
            uow.outbox.set_outcome((problem, 1), {"log": "waiting", "pager": "waiting"})
            uow.outbox.set_outcome((problem, 1), {"log": "told"})
            assert uow.outbox.events([problem])[0].outcome == {"log": "told", "pager": "waiting"}


class TestReminders:
    """When a problem is looked at again."""

    def test_those_whose_time_has_come_the_longest_first(self, store: Store) -> None:
        one, two, three = problems(store, 3)
        with store.write() as uow:
            now = uow.now()
            uow.outbox.set_reminder(one, now, None)
            uow.outbox.set_reminder(two, now - timedelta(hours=1), None)
            uow.outbox.set_reminder(three, now + timedelta(hours=1), None)
            assert uow.outbox.due_reminders(9) == (two, one)
            assert uow.outbox.due_reminders(1) == (two,)
            uow.outbox.set_reminder(two, None, None)
            assert uow.outbox.due_reminders(9) == (one,)

    def test_none_of_what_is_over(self, store: Store) -> None:
        (one,) = problems(store, 1)
        with store.write() as uow:
            uow.outbox.set_reminder(one, uow.now(), None)
            over(uow, [one])
            assert uow.outbox.due_reminders(9) == ()


@pytest.mark.parametrize("what", ["add", "unrouted"])
def test_many_events_take_no_more_statements_than_one(store: Store, what: str) -> None:
    counts = []
    for size in (1, 100):
        ids = problems(store, size) if size == 100 else problems(store, 101)[100:]
        with store.write() as uow:
            news = [an_event(uow, problem) for problem in ids]
            if what == "unrouted":
                uow.outbox.add(news)
            with counted(store.engine) as sql:
                uow.outbox.add(news) if what == "add" else uow.outbox.unrouted(size)
        counts.append(sql.statements)
        with store.write() as uow:
            over(uow, [p.id for p in uow.findings.unresolved()])
            uow.commit()
    assert counts[0] == counts[1]
