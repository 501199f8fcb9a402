"""What several threads want at once is done by one of them, and after the last of them again."""

from __future__ import annotations

import threading

import pytest

from tests.processes import PATIENCE_SECONDS
from worker.runs.concurrency import SingleFlight


class Mistake(Exception):
    """Of the work."""


def test_who_comes_meanwhile_does_not_wait_and_has_it_done_once_more() -> None:
    single_flight = SingleFlight()
    begun, go = threading.Event(), threading.Event()
    done: list[str] = []

    def work() -> None:
        begun.set()
        assert go.wait(PATIENCE_SECONDS)
        done.append(threading.current_thread().name)

    first = threading.Thread(target=single_flight.do, args=(1, work), name="first")
    first.start()
    assert begun.wait(PATIENCE_SECONDS)
    for _ in range(3):
        single_flight.do(1, work)  # comes back at once
    assert done == []
    single_flight.do(2, lambda: done.append("of another key"))
    go.set()
    first.join(PATIENCE_SECONDS)
    assert done == ["of another key", "first", "first"]


def test_after_a_failure_the_next_one_may_try() -> None:
    single_flight = SingleFlight()

    def fail() -> None:
        raise Mistake

    for _ in range(2):
        with pytest.raises(Mistake):
            single_flight.do(1, fail)
    done: list[int] = []
    single_flight.do(1, lambda: done.append(1))
    assert done == [1]
