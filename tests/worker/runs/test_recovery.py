"""What a dead process or a lost message left undone is found in the store, and nothing twice."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import event

from collectors.simulator.fleet import made
from reconcile.model.nouns import ReadFailure, Seen, Skipped, Unseen
from tests.worker.runs.office import Killed, Office, die_before_applying, handle, office
from tests.worker.runs.test_maintenance import begin
from worker.model.runs import LeaseLost, MemberStage, Trigger, lease_name
from worker.processes import worker
from worker.runs import judge
from worker.runs.claims import _Claiming, claim, conclude, next_in_bulkhead
from worker.runs.concurrency import InFlightClaims
from worker.runs.judge import judge_run
from worker.runs.write_batcher import WriteBatcher
from worker.store.claim_batch import ClaimBatch
from worker.store.repositories.claims import Claim
from worker.store.schema import open_store
from worker.store.unit_of_work import Store

LEASE = timedelta(seconds=30)


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Office]:
    """Six servers, each in two relationships; two workers."""
    with office(tmp_path, made(6, partners=2), worker_processes=2) as at:
        yield at


def sweep(at: Office) -> None:
    """A sweep that no earlier one keeps from looking."""
    at.sql("DELETE FROM lease WHERE name = 'sweep'")
    at.worker_processes[1].sweep()


def test_messages_that_are_lost_are_sent_again(at: Office) -> None:
    run = at.ask()
    at.dispatcher.waiting_now.clear()
    sweep(at)
    assert not at.dispatcher.waiting_now, "they were sent just now"
    at.long_ago("run_member", "published_at")
    sweep(at)
    at.work()
    assert at.summary(run).pairs == 6


def test_nothing_is_sent_again_while_messages_wait(at: Office) -> None:
    at.ask()
    at.long_ago("run_member", "published_at")
    before = len(at.dispatcher.sent)
    sweep(at)
    assert len(at.dispatcher.sent) == before


def test_what_a_dead_process_had_claimed_is_read_by_another(at: Office) -> None:
    run = at.ask()
    with at.ipam.store.write() as uow:
        for member in uow.members.of_run(run):
            uow.claims.claim([Claim(run, member.server, at.worker_processes[0].process, uow.now())])
        uow.commit()
    at.work()
    assert at.records() == ()
    with at.ipam.store.write() as uow:
        uow.processes.remove([at.worker_processes[0].process])
        uow.commit()
    at.long_ago("run_member", "published_at")
    sweep(at)
    at.work()
    assert at.summary(run).pairs == 6


def test_a_reading_that_comes_too_late_for_every_run_changes_nothing(at: Office) -> None:
    """Not even when the server is due: a newer reading has set that."""
    run, (sleeper, other) = at.ask(), at.worker_processes
    store = at.ipam.store
    batcher = WriteBatcher(store)
    late = claim(batcher, sleeper._reader, sleeper._engine.bulkhead, sleeper.process, (run, 1))
    assert late is not None
    with store.write() as uow:
        uow.processes.remove([sleeper.process])
        uow.commit()
    at.worker_processes[:] = [other]
    at.work()
    assert at.summary(run).pairs == 6
    with store.read() as reading:
        before = reading.schedule.polls([1])
    failed = Unseen(1, late.at, ReadFailure("timeout", "It took too long.", "", retry=True))
    conclude(batcher, at.ipam.run_policy, late, failed)
    with store.read() as reading:
        assert reading.schedule.polls([1]) == before


def test_who_concluded_and_died_is_judged_by_another(at: Office) -> None:
    run = at.ask()
    token = taken(at.ipam.store, run)
    at.work()
    assert at.records() == ()
    sweep(at)
    assert not at.dispatcher.waiting_now, "somebody holds the lease"
    at.long_ago("lease", "expires_at")
    sweep(at)
    assert ("settle", run, 0) in at.dispatcher.waiting_now
    at.work()
    assert at.summary(run).pairs == 6
    assert token == 1


def test_what_was_recorded_and_not_applied_is_applied_when_the_run_closes(
    at: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = at.ask()
    with monkeypatch.context() as patch:
        patch.setattr(judge, "_apply", die_before_applying)  # the point at which a process dies
        with pytest.raises(Killed):
            at.work(threads=1)
    pending = [entry for entry, _ in at.entries() if entry.status == "pending"]
    assert pending
    at.long_ago("lease", "expires_at")
    sweep(at)
    at.work()
    assert at.summary(run).pairs == 6
    assert {entry.status.value for entry, _ in at.entries()} == {"applied"}
    assert len(at.entries()) == 6


def test_a_reading_that_we_fail_in_ends_the_run_honestly(at: Office) -> None:
    run = at.ask()
    at.sql("UPDATE server SET url = 'https://127.0.0.1:1/wsman' WHERE id = 1")
    at.work()
    unread = [s for s in at.summary(run).sightings.values() if s.server == 1]
    assert [type(s).__name__ for s in unread] == ["Unseen"]


# ------------------------------------------------------------------------------------ leases


def taken(store: Store, run: int) -> int:
    """The lease of a run, in somebody's hands."""
    with store.write() as uow:
        token = uow.leases.acquire(lease_name(run), LEASE)
        uow.commit()
    assert token is not None
    return token


def test_a_lease_has_one_holder_and_each_has_a_higher_token(database_url: str) -> None:
    store = open_store(database_url)
    first = taken(store, 1)
    with store.write() as uow:
        assert uow.leases.acquire(lease_name(1), LEASE) is None
    with store.write() as uow:
        uow.leases.release(lease_name(1), first)
        uow.commit()
    assert taken(store, 1) == first + 1


def test_an_old_holder_that_wakes_up_writes_nothing(database_url: str) -> None:
    store = open_store(database_url)
    with store.write() as uow:
        old = uow.leases.acquire("run:1", timedelta(0))
        uow.commit()
    assert old is not None
    taken(store, 1)
    with pytest.raises(LeaseLost), store.write() as uow:
        uow.leases.fence("run:1", old, LEASE)
    with store.write() as uow:
        uow.leases.release("run:1", old)
        uow.commit()
    with store.read() as reading:
        assert reading.leases.is_held("run:1"), "and does not give back what is another's"


def test_settling_a_run_that_is_over_or_in_other_hands_does_nothing(at: Office) -> None:
    run = at.ask()
    store, run_policy = at.ipam.store, at.ipam.run_policy
    token = taken(store, run)
    judge_run(store, at.dispatcher, run_policy, run, at.recorder, InFlightClaims())
    with store.write() as uow:
        uow.leases.release(lease_name(run), token)
        uow.commit()
    at.work()
    summary = at.summary(run)
    judge_run(store, at.dispatcher, run_policy, run, at.recorder, InFlightClaims())
    judge_run(store, at.dispatcher, run_policy, 4711, at.recorder, InFlightClaims())
    assert at.summary(run) == summary


# ------------------------------------------------------------------------------------ one door


def test_a_trigger_for_what_waits_returns_that_run(at: Office) -> None:
    assert at.ask() == at.ask()
    assert at.ask(server="dhcp0001") != at.ask()
    assert at.ask(server="dhcp0001") == at.ask(server="dhcp0001.corp.example")


def test_a_trigger_for_what_is_being_worked_on_queues_exactly_one_more(at: Office) -> None:
    first = at.ask()
    message = at.dispatcher.take()
    assert message is not None
    handle(at.worker_processes[0], message)
    second = at.ask()
    assert second != first
    assert at.ask() == second
    at.work()
    pairs = [at.summary(run).pairs + at.summary(run).overtaken for run in (first, second)]
    assert pairs == [6, 6], "judged, or by the other run from the same readings"
    assert len(at.entries()) == 6


def test_a_reading_begun_after_a_trigger_answers_it_and_is_not_made_twice(at: Office) -> None:
    everything = at.ask(Trigger.SCHEDULE)
    one = at.ask(server="dhcp0001")
    at.work(threads=1)
    at.summary(everything), at.summary(one)
    assert sum(station.runs for station in at.running.simulator.stations) == 6


def test_a_partner_that_was_read_just_now_is_not_read_again(at: Office) -> None:
    at.run()
    at.run(server="dhcp0001")
    runs = {s.machine.name: s.runs for s in at.running.simulator.stations}
    assert runs["dhcp0001.corp.example"] == 2
    assert set(runs.values()) == {1, 2}
    assert sum(runs.values()) == 7


@pytest.mark.parametrize("threads", [1, 8], ids=["one by one", "many at once"])
def test_each_server_costs_few_messages_and_commits(
    tmp_path: Path, database_url: str, threads: int
) -> None:
    """At most 3 messages and 6 commits per server and run, the run's own among them."""
    servers = 24
    with office(tmp_path, made(servers, partners=4), database_url=database_url) as at:
        for _ in range(2):
            with commits(at) as made_commits:
                at.ask()
                at.work(threads=threads)
            assert len(made_commits) <= 6 * servers
        assert len(at.dispatcher.sent) == 2 * servers, "one message a server, none a pair"


@contextmanager
def commits(at: Office) -> Iterator[list[object]]:
    """The transactions that were committed meanwhile."""
    store = at.ipam.store
    assert isinstance(store, Store)
    counted: list[object] = []
    count = counted.append
    event.listen(store.engine, "commit", count)
    try:
        yield counted
    finally:
        event.remove(store.engine, "commit", count)


def test_of_a_run_that_is_over_no_members_are_kept(at: Office) -> None:
    run = at.ask()
    at.work()
    with at.ipam.store.read() as reading:
        assert reading.members.of_run(run) == ()
        assert reading.runs.in_progress() == ()
        assert len(reading.readings.sightings(run)) == 6


# ------------------------------------------------------------------------------------ ending


def test_a_process_that_is_told_to_end_hands_its_readings_back_and_leaves_no_shell(
    at: Office,
) -> None:
    at.running.change("dhcp0001", {"think_seconds": "20"})
    run = at.ask()
    station = at.running.station("dhcp0001")
    ending = threading.Thread(
        target=_stop_when, args=(lambda: station.runs, at.worker_processes[0].stop)
    )
    ending.start()
    at.worker_processes[0].read(run, 1)
    ending.join()
    assert ("read", run, 1) in list(at.dispatcher.waiting_now)[-1:]
    assert at.open_shells() == 0
    at.running.change("dhcp0001", {"think_seconds": "0"})
    at.worker_processes.pop(0)
    at.work()
    assert type(at.summary(run).sightings[1]).__name__ == "Seen"


def _stop_when(ready: Callable[[], object], stop: Callable[[], None]) -> None:
    while not ready():
        threading.Event().wait(0.01)
    stop()


# ------------------------------------------------------------------------------------ slow lane


def test_servers_that_failed_take_a_quarter_of_the_slots_and_are_all_read(tmp_path: Path) -> None:
    with office(tmp_path, made(12, partners=2), concurrency=8) as at:
        bad = [f"dhcp{n:04d}" for n in range(1, 7)]
        for name in bad:
            at.running.change(name, {"faults": "drop"})
        at.run(Trigger.SCHEDULE)
        for name in bad:
            at.running.change(name, {"faults": "", "think_seconds": "0.3"})
        run = at.ask(Trigger.SCHEDULE)
        busy: list[int] = []
        watching = threading.Event()
        watcher = threading.Thread(target=_watch, args=(at, bad, busy, watching))
        watcher.start()
        at.work(threads=8)
        watching.set()
        watcher.join()
        assert max(busy) == 2, "a quarter of eight"
        assert {type(s).__name__ for s in at.summary(run).sightings.values()} == {"Seen"}


def test_who_is_not_asked_needs_no_place_among_those_who_may_not_answer(tmp_path: Path) -> None:
    """In maintenance, or without a way to it: neither delays the run, nor anybody it."""
    with office(tmp_path, made(3, partners=2), concurrency=4) as at:
        at.run()
        at.sql("UPDATE server_poll SET failures = 2")
        begin(at, 1)
        at.sql("UPDATE server SET credential = 'nobody' WHERE id = 2")
        run = at.ask(Trigger.SCHEDULE)
        lane = at.worker_processes[0]._engine.bulkhead
        assert lane.enter()
        at.work()
        with at.ipam.store.read() as reading:
            told = {s.server: type(s) for s in reading.readings.sightings(run)}
        assert told == {1: Skipped, 2: Unseen}
        lane.leave()
        at.worker_processes[0].read(run, 3)
        at.work()
        assert isinstance(at.summary(run).sightings[3], Seen)


def test_who_goes_on_with_those_that_wait_for_a_place_skips_whom_nobody_asks_any_more(
    tmp_path: Path,
) -> None:
    with office(tmp_path, made(3, partners=2), concurrency=4) as at:
        at.run()
        at.sql("UPDATE server_poll SET failures = 2")
        run = at.ask(Trigger.SCHEDULE)
        lane = at.worker_processes[0]._engine.bulkhead
        assert lane.enter()
        at.work()
        lane.leave()
        begin(at, 2)
        at.worker_processes[0].read(run, 1)
        told = at.summary(run).sightings
        assert [type(told[n]) for n in (1, 2, 3)] == [Seen, Skipped, Seen]


def test_who_loses_a_race_in_the_slow_lane_goes_on_with_the_next_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else its place would stay empty until the sweeper finds those that wait."""
    with office(tmp_path, made(8, partners=2), concurrency=4, worker_processes=2) as at:
        for server in at.running.fleet.servers:
            at.running.change(server.name, {"faults": "drop"})
        at.run(Trigger.SCHEDULE)
        lost: list[tuple[int, int]] = []

        def too_late(store: Store) -> tuple[int, int] | None:
            found = next_in_bulkhead(store)
            if found is not None and not lost:
                lost.append(found)
                with store.write() as uow:
                    uow.claims.claim([Claim(*found, at.worker_processes[1].process, uow.now())])
                    uow.commit()
            return found

        monkeypatch.setattr(worker, "next_in_bulkhead", too_late)
        run = at.ask(Trigger.SCHEDULE)
        at.worker_processes[0].read(run, 1)
        with at.ipam.store.read() as reading:
            waiting = [
                m.server for m in reading.members.of_run(run) if m.stage is MemberStage.WAITING
            ]
        assert waiting == [lost[0][1]]


def _watch(at: Office, names: list[str], busy: list[int], over: threading.Event) -> None:
    while not over.wait(0.01):
        shells = at.running.simulator.open_shells
        busy.append(sum(shells(at.running.station(name)) for name in names))


def test_a_place_in_the_slow_lane_is_given_up_by_who_does_not_need_it_any_more(
    tmp_path: Path,
) -> None:
    """A claim that was rolled back is made again, and the server may have answered in between."""
    with office(tmp_path, made(3, partners=2), concurrency=4) as at:
        at.run()
        worker_process_ = at.worker_processes[0]
        run, lane = at.ask(Trigger.SCHEDULE), worker_process_._engine.bulkhead
        claiming = _Claiming(worker_process_._reader, lane, worker_process_.process, run, 1)
        at.sql("UPDATE server_poll SET failures = 2")
        with at.ipam.store.write() as uow:
            claimed = claiming(ClaimBatch(uow, [1]))
        assert claimed is not None
        assert (claimed.is_slow, lane.is_full) == (True, True)
        at.sql("UPDATE server_poll SET failures = 0")
        with at.ipam.store.write() as uow:
            claimed = claiming(ClaimBatch(uow, [1]))
        assert claimed is not None
        assert (claimed.is_slow, lane.is_full) == (False, False)
