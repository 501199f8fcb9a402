"""Runs that overlap: which reading answers which trigger, and how often a server is asked."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from collectors.simulator.fleet import made
from reconcile.model.findings import Kind
from reconcile.model.nouns import Operation
from tests.processes import PATIENCE_SECONDS, eventually
from tests.worker.runs.office import Office, handle, office
from worker.model.runs import Trigger
from worker.runs import engine
from worker.runs.claims import Concluded, conclude
from worker.store.unit_of_work import UnitOfWork

SLOW, PARTNER = "dhcp0001", 2


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Office]:
    """Four servers, each in two relationships, of which one takes its time; three workers."""
    with office(tmp_path, made(4, partners=2), worker_processes=3) as at:
        at.running.change(SLOW, {"think_seconds": "1"})
        yield at


def polls(at: Office) -> int:
    """So many readings of the slow server were begun."""
    return at.running.station(SLOW).runs


def shells(at: Office) -> int:
    """So many readings of it are under way."""
    return at.running.simulator.open_shells(at.running.station(SLOW))


@contextmanager
def being_read(at: Office, worker_process: int, run: int) -> Iterator[None]:
    """A worker reads the slow server for this run meanwhile."""
    before = polls(at)
    reading = threading.Thread(target=at.worker_processes[worker_process].read, args=(run, 1))
    reading.start()
    eventually(lambda: polls(at) > before)
    yield
    reading.join()


def lose(at: Office, run: int) -> None:
    """The message to read the slow server for this run, which was sent when it was asked for."""
    at.dispatcher.waiting_now.remove(("read", run, 1))


def test_a_reading_begun_before_a_trigger_does_not_answer_it(at: Office) -> None:
    """Who asks now wants to know what is true now (R1)."""
    first = at.ask()
    with being_read(at, 0, first):
        second = at.ask(server=SLOW)
        lose(at, second)
    assert ("read", second, 1) in at.dispatcher.waiting_now, "it has to be read for that one"
    at.work()
    assert polls(at) == 2
    with at.ipam.store.read() as reading:
        told = {
            run: {s.server: s for s in reading.readings.sightings(run)}[1]
            for run in (first, second)
        }
        asked = {view.id: view.started_at for view in reading.runs.latest(5)}
    assert told[second].read_at >= asked[second]  # type: ignore[union-attr]  # both were read


def test_a_reading_under_way_that_will_answer_is_not_made_twice(at: Office) -> None:
    everything, one = at.ask(Trigger.SCHEDULE), at.ask(server=SLOW)
    with being_read(at, 0, everything):
        at.worker_processes[1].read(one, 1)
        assert polls(at) == 1
    at.work()
    assert polls(at) == 1
    assert all(1 in at.summary(run).sightings for run in (everything, one))


def test_a_person_does_not_wait_for_readers_of_the_schedule(at: Office) -> None:
    """Nobody reads for the schedule; what a person has read then answers its run, too."""
    scheduled = at.ask(Trigger.SCHEDULE)
    for_nobody = list(at.dispatcher.waiting_now)
    at.dispatcher.waiting_now.clear()
    run = at.ask()
    assert run != scheduled
    assert {message[1] for message in at.dispatcher.waiting_now} == {run}
    at.work()
    assert at.summary(run).sightings.keys() == at.summary(scheduled).sightings.keys()
    at.dispatcher.waiting_now.extend(for_nobody)
    at.work()
    assert sum(station.runs for station in at.running.simulator.stations) == 4


def test_a_server_is_never_read_more_than_twice_at_once(at: Office) -> None:
    """A third trigger waits for one of the two to end, and is answered all the same."""
    runs = [at.ask()]
    with being_read(at, 0, runs[0]):
        runs.append(at.ask(server=SLOW))
        with being_read(at, 1, runs[1]):
            runs.append(at.ask(relationship=f"{SLOW}-dhcp0002@{SLOW}"))
            at.worker_processes[2].read(runs[2], 1)
            assert (polls(at), shells(at)) == (2, 2)
            lose(at, runs[2])
    at.work()
    assert polls(at) == 3
    assert all(1 in at.summary(run).sightings for run in runs)


def test_a_partner_that_was_read_a_while_ago_is_read_again(at: Office) -> None:
    at.run()
    at.long_ago("sighting", "read_at")
    at.run(server="dhcp0002")
    assert polls(at) == 2


# ------------------------------------------------------------------------------------ second look


def told_apart(at: Office, between: Callable[[], None]) -> int:
    """A run in which something happens after the slow server was read and before the others are."""
    run = at.ask()
    message = at.dispatcher.take()
    assert message == ("read", run, 1)
    handle(at.worker_processes[0], message)
    between()
    at.work()
    return run


def test_a_change_between_two_readings_is_settled_by_a_second_look(at: Office) -> None:
    """Both partners have it by then: it is no contradiction, and it is recorded at once (R2)."""
    at.run()
    run = told_apart(at, lambda: at.running.change("dhcp0001-dhcp0002", {"mclt_seconds": "60"}))
    summary = at.summary(run)
    assert [(line.planned.operation, line.fate) for line in summary.lines] == [
        (Operation.UPDATE, "applied")
    ]
    assert Kind.PARTNER_MISMATCH not in {f.kind for f in summary.findings}
    assert polls(at) == 3


def test_a_contradiction_that_stays_is_looked_at_once_more_and_then_never_again(
    at: Office,
) -> None:
    at.running.change("dhcp0001-dhcp0002@dhcp0001", {"mclt_seconds": "60"})
    for _ in range(3):
        assert Kind.PARTNER_MISMATCH in {f.kind for f in at.run().findings}
    readings = [station.runs for station in at.running.simulator.stations]
    assert sum(readings) == 3 * 4 + 1, "one second reading, in the first run"


def test_a_partner_that_is_concluded_at_the_same_moment_is_not_read_again(
    at: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A person's run learns of it just then, in one commit of one process."""
    worker = at.worker_processes[0]
    mine = at.ask(server=SLOW)
    everything = at.ask(Trigger.SCHEDULE)
    at.dispatcher.waiting_now.clear()
    there, go = threading.Barrier(3), threading.Event()

    def concluding(*given: object) -> Concluded:
        there.wait(PATIENCE_SECONDS)
        return conclude(*given)  # type: ignore[arg-type]

    def busy(_: UnitOfWork) -> None:
        go.wait(PATIENCE_SECONDS)

    monkeypatch.setattr(engine, "conclude", concluding)
    threads = [
        threading.Thread(target=worker.read, args=(everything, server)) for server in (1, PARTNER)
    ]
    for thread in threads:
        thread.start()
    eventually(lambda: there.n_waiting == len(threads))
    threads.append(threading.Thread(target=worker._engine._batcher.write, args=(0, busy)))
    threads[-1].start()
    eventually(lambda: worker._engine._batcher._is_at_work)
    monkeypatch.undo()
    there.wait(PATIENCE_SECONDS)
    eventually(lambda: len(worker._engine._batcher._queue) == len(threads) - 1)
    go.set()
    for thread in threads:
        thread.join(PATIENCE_SECONDS)
    at.work()
    assert at.running.station(f"dhcp000{PARTNER}").runs == 1
    assert PARTNER in at.summary(mine).sightings
