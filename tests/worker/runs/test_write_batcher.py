"""Small writes of many threads are done together, and none is harmed by another."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import event

from tests.processes import PATIENCE_SECONDS
from worker.model.errors import StoreUnavailable
from worker.runs.write_batcher import WriteBatcher
from worker.store.claim_batch import ClaimBatch
from worker.store.unit_of_work import Store

MANY = 12


class Mistake(Exception):
    """Of one of them."""


def adding(name: str) -> Callable[[ClaimBatch], int]:
    """Something that is seen when it is committed."""
    return lambda batch: batch._uow.inventory.add(name)


def names(store: Store) -> set[str]:
    with store.read() as reading:
        return {server.name for server in reading.inventory.servers()}


@contextmanager
def commits(store: Store) -> Iterator[list[object]]:
    counted: list[object] = []
    count = counted.append
    event.listen(store.engine, "commit", count)
    yield counted
    event.remove(store.engine, "commit", count)


def all_at_once(
    store: Store, batcher: WriteBatcher, wishes: dict[int, Callable[[ClaimBatch], int]]
) -> dict[int, BaseException | int]:
    """Every wish by a thread of its own, while the first one is being written."""
    come, go = threading.Barrier(2), threading.Event()
    outcomes: dict[int, BaseException | int] = {}

    def first(batch: ClaimBatch) -> int:
        come.wait(PATIENCE_SECONDS)
        go.wait(PATIENCE_SECONDS)
        return batch._uow.inventory.add("first")

    def ask(server: int, wish: Callable[[ClaimBatch], int]) -> None:
        try:
            outcomes[server] = batcher.write(server, wish)
        except (Mistake, StoreUnavailable) as error:
            outcomes[server] = error

    threads = [threading.Thread(target=ask, args=(0, first))]
    threads[0].start()
    come.wait(PATIENCE_SECONDS)
    for server, wish in wishes.items():
        threads.append(threading.Thread(target=ask, args=(server, wish)))
        threads[-1].start()
    while len(batcher._queue) < len(wishes):
        threads[-1].join(0.001)  # it waits, and tells nobody
    go.set()
    for thread in threads:
        thread.join(PATIENCE_SECONDS)
    return outcomes


def test_who_comes_meanwhile_is_written_with_one_commit(store: Store) -> None:
    batcher = WriteBatcher(store)
    wishes = {server: adding(f"dhcp{server}") for server in range(1, MANY)}
    with commits(store) as counted:
        outcomes = all_at_once(store, batcher, wishes)
    assert len(counted) == 2, "the first one's, and that of all the others"
    assert len(set(outcomes.values())) == MANY, "each has its own result"
    assert names(store) == {"first", *(f"dhcp{server}" for server in wishes)}


def test_one_that_fails_fails_alone(store: Store) -> None:
    batcher = WriteBatcher(store)

    def failing(batch: ClaimBatch) -> int:
        batch._uow.inventory.add("never")
        raise Mistake

    wishes = {1: adding("before"), 2: failing, 3: adding("after")}
    outcomes = all_at_once(store, batcher, wishes)
    assert isinstance(outcomes[2], Mistake)
    assert names(store) == {"first", "before", "after"}
    with pytest.raises(Mistake):
        batcher.write(2, failing)
    batcher.write(4, adding("goes on"))
    assert "goes on" in names(store)


def test_one_that_must_be_alone_is_written_after_the_others(store: Store) -> None:
    batcher = WriteBatcher(store)

    def alone(batch: ClaimBatch) -> int:
        return batch.exclusive().inventory.add("alone")

    with commits(store) as counted:
        outcomes = all_at_once(store, batcher, {1: adding("before"), 2: alone, 3: adding("after")})
    assert len(set(outcomes.values())) == len(outcomes), "each has its result"
    assert names(store) == {"first", "before", "alone", "after"}
    assert len(counted) == 4, "each by itself"


def test_two_wishes_about_one_server_see_each_other(store: Store) -> None:
    """What was looked up ahead is of before."""
    batcher = WriteBatcher(store)
    seen: list[bool] = []

    def looking(batch: ClaimBatch) -> int:
        seen.append(any(s.name == "same" for s in batch.inventory().servers.values()))
        return 0 if seen[-1] else batch._uow.inventory.add("same")

    come, go = threading.Barrier(2), threading.Event()

    def holding(batch: ClaimBatch) -> int:
        come.wait(PATIENCE_SECONDS)
        go.wait(PATIENCE_SECONDS)
        return looking(batch)

    threads = [threading.Thread(target=batcher.write, args=(1, holding))]
    threads[0].start()
    come.wait(PATIENCE_SECONDS)
    threads += [threading.Thread(target=batcher.write, args=(1, looking)) for _ in range(2)]
    for thread in threads[1:]:
        thread.start()
    while len(batcher._queue) < 2:
        threads[-1].join(0.001)
    go.set()
    for thread in threads:
        thread.join(PATIENCE_SECONDS)
    assert seen == [False, True, True]


def test_nobody_waits_for_the_others_to_find_out_that_the_database_is_away(store: Store) -> None:
    """Each of many would wait for its own turn to end in vain."""
    batcher = WriteBatcher(store)
    calls: list[int] = []

    def away(batch: ClaimBatch) -> int:
        calls.append(1)
        raise StoreUnavailable("The database is away.")

    wishes = {1: adding("one"), 2: away, 3: adding("three")}
    outcomes = all_at_once(store, batcher, wishes)
    assert [type(outcomes[n]) for n in (1, 2, 3)] == [StoreUnavailable] * 3
    assert len(calls) == 1
    assert names(store) == {"first"}
