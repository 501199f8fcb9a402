"""The database's time for many threads: never later than it is there, and seldom asked for."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import pairwise

from tests.worker.store.sql_counter import counted
from worker.runs.concurrency import DatabaseClock
from worker.store.unit_of_work import Store


def now(store: Store) -> datetime:
    with store.read() as reading:
        return reading.now()


def test_it_is_never_later_than_the_database(store: Store) -> None:
    clock = DatabaseClock(store)
    for _ in range(20):
        assert clock() <= now(store) + timedelta(milliseconds=1)  # SQLite's knows no finer ones


def test_it_is_never_earlier_than_when_it_was_made(store: Store) -> None:
    before = now(store)
    clock = DatabaseClock(store)
    times = [before, *(clock() for _ in range(100))]
    assert all(one <= other for one, other in pairwise(times))


def test_many_questions_are_one_to_the_database(store: Store) -> None:
    clock = DatabaseClock(store)
    with counted(store.engine) as once:
        clock()
    with counted(store.engine) as sql, ThreadPoolExecutor(8) as pool:
        times = list(pool.map(lambda _: clock(), range(200)))
    assert once.statements > 0
    assert (sql.statements, len(times)) == (0, 200)


def test_threads_that_come_first_at_once_ask_once(store: Store) -> None:
    clock = DatabaseClock(store)
    with counted(store.engine) as one:
        now(store)
    with counted(store.engine) as sql, ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: clock(), range(8)))
    assert sql.statements == one.statements


def test_what_passes_here_is_added_for_half_a_minute(store: Store) -> None:
    """Then the database is asked again: clocks drift apart, and computers sleep."""
    seconds = [0.0]
    clock = DatabaseClock(store, passing=lambda: seconds[0])
    first = clock()
    seconds[0] = 30.0
    with counted(store.engine) as sql:
        assert clock() == first + timedelta(seconds=30)
    assert sql.statements == 0
    seconds[0] = 30.1
    with counted(store.engine) as sql:
        assert first <= clock() <= now(store)
    assert sql.statements > 0
