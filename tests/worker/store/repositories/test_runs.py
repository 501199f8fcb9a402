"""Runs and watches: what happened, and since when something is empty."""

from __future__ import annotations

from tests.worker.store.samples import BEGIN, add_servers, minutes, open_run
from worker.model.runs import Lane, RunScope, Trigger
from worker.store.unit_of_work import Store


def test_a_run_is_open_until_it_is_closed(store: Store) -> None:
    with store.write() as uow:
        number = uow.runs.open(Trigger.CLI, "CORP\\ada", "dhcp01", RunScope(), Lane.ON_DEMAND)
        opened = uow.runs.find(number)
        uow.runs.close(number, "done", {"servers": 2, "refused": None, "names": ["ä"]})
        closed = uow.runs.find(number)
    assert opened is not None
    assert closed is not None
    assert (opened.trigger, opened.who, opened.target) == ("cli", "CORP\\ada", "dhcp01")
    assert (opened.ended_at, opened.outcome, opened.summary) == (None, None, {})
    assert (closed.id, closed.started_at) == (number, opened.started_at)
    assert closed.ended_at is not None
    assert closed.ended_at >= closed.started_at
    assert closed.outcome == "done"
    assert closed.summary == {"servers": 2, "refused": None, "names": ["ä"]}


def test_runs_come_newest_first_and_no_more_than_asked(store: Store) -> None:
    with store.write() as uow:
        numbers = [open_run(uow) for _ in range(4)]
        assert [run.id for run in uow.runs.latest(3)] == numbers[:0:-1]


def test_a_run_that_never_was_is_none(store: Store) -> None:
    with store.read() as reading:
        assert reading.runs.find(99) is None


def test_a_watch_keeps_its_beginning_until_it_ends(store: Store) -> None:
    one, two = add_servers(store, 2)
    with store.write() as uow:
        uow.watches.start({(one, ""): BEGIN, (one, "alpha"): minutes(1), (two, ""): minutes(2)})
        uow.watches.start({(one, ""): minutes(10), (two, "alpha"): minutes(10)})
        assert uow.watches.since([one]) == {(one, ""): BEGIN, (one, "alpha"): minutes(1)}
        uow.watches.end([(one, ""), (two, "alpha"), (two, "never there")])
        assert uow.watches.since([one, two]) == {(one, "alpha"): minutes(1), (two, ""): minutes(2)}
