"""What channels know and are to be told: by one deliverer at a time, at least once, the newest."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from reconcile.model.findings import Event
from tests.worker.store.outbox import (
    HELD,
    LAPSED,
    claim,
    claims,
    delivered,
    failed,
    known,
    problems,
    want,
)
from worker.store.schema import open_store
from worker.store.unit_of_work import Store


@pytest.fixture
def three(store: Store) -> list[int]:
    """Problems of which the log is to be told."""
    ids = problems(store, 3)
    want(store, ids)
    return ids


class TestClaim:
    """One deliverer at a time."""

    def test_what_is_due_oldest_first(self, store: Store) -> None:
        one, two, later = problems(store, 3)
        with store.write() as uow:
            now = uow.now()
            uow.deliveries.enqueue(one, "log", 1, now)
            uow.deliveries.enqueue(two, "log", 1, now - timedelta(hours=1))
            uow.deliveries.enqueue(later, "log", 1, now + timedelta(hours=1))
            uow.deliveries.enqueue(one, "pager", 1, now)
            uow.commit()
        assert claim(store, "A") == [(two, 1, "A"), (one, 1, "A")]

    def test_what_one_has_another_does_not_get(self, store: Store, three: list[int]) -> None:
        assert [p for p, _, _ in claim(store, "A", most=2)] == three[:2]
        assert [p for p, _, _ in claim(store, "B")] == three[2:]
        assert claim(store, "C") == []

    def test_what_was_told_is_not_told_again(self, store: Store, three: list[int]) -> None:
        claim(store, "A")
        delivered(store, "A", *three)
        assert claim(store, "B") == []
        state = known(store, three[0])
        assert (state.told, state.told_event, state.wanted) == (1, Event.OPENED, None)
        assert state.knows_it_open
        assert claims(store) == 0

    def test_what_was_let_go_anybody_may_take(self, store: Store, three: list[int]) -> None:
        claim(store, "A")
        with store.write() as uow:
            uow.deliveries.release("A", three[1:])
            uow.deliveries.release("another", three[:1])
            uow.commit()
        assert claim(store, "B") == [(problem, 1, "B") for problem in three[1:]]


class TestDeath:
    """A deliverer that died has another one send the same again, with the same key."""

    def test_its_batch_comes_back_alone_with_the_same_members(
        self, store: Store, three: list[int]
    ) -> None:
        claim(store, "A", LAPSED, most=2)
        assert claim(store, "B", LAPSED) == [(problem, 1, "A") for problem in three[:2]]
        assert claim(store, "C") == [(problem, 1, "A") for problem in three[:2]], "still its own"
        assert claim(store, "D") == [(three[2], 1, "D")]

    def test_it_comes_before_what_waits_for_longer(self, store: Store) -> None:
        old, new = problems(store, 2)
        want(store, [new])
        claim(store, "A", LAPSED)
        with store.write() as uow:
            uow.deliveries.enqueue(old, "log", 1, uow.now() - timedelta(days=1))
            uow.commit()
        assert claim(store, "B", most=1) == [(new, 1, "A")]

    def test_however_few_are_asked_for(self, store: Store, three: list[int]) -> None:
        claim(store, "A", LAPSED)
        assert [p for p, _, _ in claim(store, "B", most=1)] == three

    def test_who_was_taken_for_dead_changes_nothing(self, store: Store, three: list[int]) -> None:
        """It comes back and says what it did: another one has the claim by now."""
        claim(store, "A", LAPSED)
        claim(store, "B")
        before = [known(store, problem) for problem in three]
        delivered(store, "A", *three)
        failed(store, "A", *three, is_dead=True)
        with store.write() as uow:
            uow.deliveries.release("A", three)
            uow.commit()
        assert [known(store, problem) for problem in three] == before
        delivered(store, "B", *three)
        assert known(store, three[0]).told == 1

    def test_who_is_late_but_was_not_replaced_is_believed(
        self, store: Store, three: list[int]
    ) -> None:
        claim(store, "A", LAPSED)
        delivered(store, "A", *three)
        assert claim(store, "B") == []

    def test_what_is_news_since_is_no_part_of_the_old_batch(
        self, store: Store, three: list[int]
    ) -> None:
        """Its key may be known to the receiver, who would drop the news as a double."""
        claim(store, "A", LAPSED)
        want(store, three[:1], sequence=2)
        assert claim(store, "B") == [(problem, 1, "A") for problem in three[1:]]
        assert claim(store, "C") == [(three[0], 2, "C")]


class TestNews:
    """Something newer happens while a deliverer is at it."""

    @pytest.fixture
    def one(self, store: Store) -> int:
        (one,) = problems(store, 1)
        want(store, [one])
        claim(store, "A")
        want(store, [one], sequence=2)
        return one

    def test_waits_until_the_other_one_is_done(self, store: Store, one: int) -> None:
        assert claim(store, "B") == []
        delivered(store, "A", one)
        assert (known(store, one).told, known(store, one).wanted) == (1, 2)
        assert claim(store, "B") == [(one, 2, "B")]
        delivered(store, "B", one, sequence=2)
        assert (known(store, one).told, known(store, one).wanted) == (2, None)

    @pytest.mark.parametrize("is_dead", [False, True])
    def test_is_due_with_every_attempt_though_the_old_one_failed(
        self, store: Store, one: int, is_dead: bool
    ) -> None:
        failed(store, "A", one, is_dead=is_dead, again=timedelta(hours=1))
        state = known(store, one)
        assert (state.wanted, state.attempts, state.is_dead) == (2, 0, False)
        assert claim(store, "B") == [(one, 2, "B")]

    def test_that_it_is_over_is_known_to_be_news_for_who_may_know(
        self, store: Store, one: int
    ) -> None:
        """Whoever is at it may have told it already, and cannot take that back."""
        assert not known(store, one).knows_it_open
        assert known(store, one).may_know_it_open
        failed(store, "A", one)
        assert not known(store, one).may_know_it_open

    def test_the_event_that_is_not_wanted_any_more_is_told(self, store: Store) -> None:
        (one,) = problems(store, 1)
        with store.write() as uow:
            replaced = [uow.deliveries.enqueue(one, "log", number, uow.now()) for number in (1, 2)]
        assert replaced == [None, 1]


class TestFailure:
    """It is tried again in the same batch, until it is given up."""

    def test_is_tried_again_later(self, store: Store, three: list[int]) -> None:
        claim(store, "A")
        failed(store, "A", *three, again=timedelta(hours=1))
        state = known(store, three[0])
        assert (state.attempts, state.error, state.wanted) == (1, "no route", 1)
        assert claim(store, "B") == []

    def test_in_the_same_batch(self, store: Store, three: list[int]) -> None:
        claim(store, "A", most=2)
        failed(store, "A", *three[:2])
        assert claim(store, "B") == [(problem, 1, "A") for problem in three[:2]]

    def test_success_forgets_it(self, store: Store, three: list[int]) -> None:
        claim(store, "A")
        failed(store, "A", *three)
        claim(store, "B")
        delivered(store, "B", *three)
        state = known(store, three[0])
        assert (state.attempts, state.error, state.batch) == (0, None, None)

    def test_what_is_given_up_waits_for_news(self, store: Store, three: list[int]) -> None:
        one = three[0]
        claim(store, "A", most=1)
        failed(store, "A", one, is_dead=True)
        state = known(store, one)
        assert (state.is_dead, state.wanted, state.told, state.error) == (True, None, 0, "no route")
        with store.read() as reading:
            assert {d.finding for d in reading.deliveries.load(undone=True)} == set(three)
        assert [p for p, _, _ in claim(store, "B")] == three[1:]
        want(store, [one], sequence=2)
        state = known(store, one)
        assert (state.is_dead, state.wanted, state.attempts, state.error) == (False, 2, 0, None)

    def test_what_was_told_and_is_alive_is_not_undone(self, store: Store, three: list[int]) -> None:
        claim(store, "A", most=1)
        delivered(store, "A", three[0])
        with store.read() as reading:
            assert [d.finding for d in reading.deliveries.load(undone=True)] == three[1:]


def test_what_need_not_be_told_any_more_is_not(store: Store, three: list[int]) -> None:
    with store.write() as uow:
        uow.deliveries.cancel(three[1], "log")
        uow.commit()
    assert [p for p, _, _ in claim(store, "A")] == [three[0], three[2]]


def test_deliveries_are_found_by_problem_and_channel(store: Store, three: list[int]) -> None:
    want(store, three[:1], channel="pager")
    with store.read() as reading:
        assert [(d.channel, d.finding) for d in reading.deliveries.load()] == [
            *(("log", problem) for problem in three),
            ("pager", three[0]),
        ]
        assert [d.channel for d in reading.deliveries.load(three[:1])] == ["log", "pager"]
        assert reading.deliveries.is_due("pager")
        assert not reading.deliveries.is_due("mail")


def test_deliverers_at_once_get_everything_once(store: Store, store_url: str) -> None:
    """Two processes, each with a store of its own."""
    ids = problems(store, 60)
    want(store, ids)
    got: dict[str, list[int]] = {"A": [], "B": []}
    together = threading.Barrier(len(got))

    def deliver(name: str) -> None:
        own = open_store(store_url)
        together.wait()
        for n in range(60):
            got[name] += [problem for problem, _, _ in claim(own, f"{name}{n}", HELD, most=1)]
        own.close()

    threads = [threading.Thread(target=deliver, args=(name,)) for name in got]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got["A"] + got["B"]) == ids


class TestAgain:
    """Who forgets what is not told again is told the same again."""

    def test_what_is_open_and_was_told_before(self, store: Store, three: list[int]) -> None:
        told, over, waiting = three
        claim(store, "A", most=2)
        delivered(store, "A", told)
        with store.write() as uow:
            uow.deliveries.mark_delivered("A", {over: (2, Event.RESOLVED)})
            uow.deliveries.enqueue_again("log", uow.now() - timedelta(minutes=1))
            uow.commit()
        assert [known(store, problem).wanted for problem in three] == [None, 1, 1]
        with store.write() as uow:
            uow.deliveries.enqueue_again("log", uow.now())
            uow.commit()
        assert known(store, told).wanted == 1
        assert known(store, waiting).told == 0
