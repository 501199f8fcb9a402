"""One transaction: all or nothing, one writer at a time, one state for a reader."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from reconcile.model.nouns import Standing
from tests.worker.store.samples import add_servers
from worker.model.errors import StoreUnavailable
from worker.store.connection import Connection
from worker.store.schema import open_store
from worker.store.transactions import reading
from worker.store.unit_of_work import Store, UnitOfWork

A_WRITER_TO_KILL = """
import sys
from worker.store.schema import open_store
with open_store(sys.argv[1]).write() as uow:
    uow.inventory.add("half-written.corp.example")
    print("written", flush=True)
    sys.stdin.read()
"""


A_WRITER_TO_INTERRUPT = """
import sys
from worker.store.schema import open_store
store = open_store(sys.argv[1], lock_timeout_seconds=600)
try:
    print("waiting", flush=True)
    with store.write():
        pass
except KeyboardInterrupt:
    print("interrupted")
"""


def names(store: Store) -> list[str]:
    with store.read() as reading:
        return [server.name for server in reading.inventory.servers()]


def test_without_a_commit_nothing_is_kept(store: Store) -> None:
    with store.write() as uow:
        uow.inventory.add("dhcp01")
        assert [s.name for s in uow.inventory.servers()] == ["dhcp01"]
    assert names(store) == []


def test_a_commit_keeps_all(store: Store) -> None:
    with store.write() as uow:
        uow.inventory.add("dhcp01")
        uow.inventory.add("dhcp02")
        uow.commit()
    assert names(store) == ["dhcp01", "dhcp02"]


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, SystemExit, ZeroDivisionError])
def test_whatever_interrupts_a_unit_of_work_leaves_nothing_half_written(
    store: Store, interruption: type[BaseException]
) -> None:
    def interrupted() -> None:
        with store.write() as uow:
            uow.inventory.add("dhcp01")
            raise interruption

    with pytest.raises(interruption):
        interrupted()
    assert names(store) == []
    assert add_servers(store, 1), "the next writer is not kept waiting"


def test_a_killed_writer_leaves_nothing_half_written(store: Store, store_url: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", A_WRITER_TO_KILL, store_url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "written\n"
        writer.kill()
    add_servers(store, 1)
    assert names(store) == ["dhcp01.corp.example"]


def test_ctrl_c_is_heard_while_a_writer_waits_for_its_turn(store: Store, store_url: str) -> None:
    with (
        store.write(),
        subprocess.Popen(
            [sys.executable, "-c", A_WRITER_TO_INTERRUPT, store_url],
            stdout=subprocess.PIPE,
            text=True,
        ) as waiting,
    ):
        assert waiting.stdout is not None
        assert waiting.stdout.readline() == "waiting\n"
        waiting.send_signal(signal.SIGINT)
        assert waiting.stdout.readline() == "interrupted\n"


def test_a_committed_unit_of_work_is_over(store: Store) -> None:
    """What comes after would be a transaction without the writer's lock."""
    with store.write() as uow:
        uow.commit()
        with pytest.raises(Exception, match="closed"):
            uow.inventory.add("dhcp01")


def test_a_reader_sees_one_state_while_others_write(store: Store) -> None:
    add_servers(store, 1)
    with store.read() as reading:
        before = reading.inventory.servers()
        with store.write() as uow:
            uow.inventory.set_standing(before[0].id, Standing.RETIRED)
            uow.inventory.add("dhcp99")
            uow.commit()
        assert reading.inventory.servers() == before
    assert len(names(store)) == 2


def test_what_is_not_committed_is_seen_by_nobody_else(store: Store) -> None:
    with store.write() as uow:
        uow.inventory.add("dhcp01")
        assert names(store) == []


def test_who_only_looks_cannot_write(store: Store) -> None:
    with (
        reading(store._database) as connection,
        pytest.raises(StoreUnavailable, match="may only be read"),
    ):
        UnitOfWork(Connection(store._database, connection)).inventory.add("dhcp01")


@contextmanager
def a_second_store(url: str, lock_timeout_seconds: float) -> Iterator[Store]:
    second = open_store(url, lock_timeout_seconds=lock_timeout_seconds)
    yield second
    second.close()


@pytest.mark.parametrize("lock_timeout_seconds", [0.0, 0.1])
def test_a_second_writer_gives_up_after_a_while_and_says_why(
    store: Store, store_url: str, lock_timeout_seconds: float
) -> None:
    with (
        a_second_store(store_url, lock_timeout_seconds) as second,
        store.write() as first,
    ):
        first.inventory.add("dhcp01")
        with (
            pytest.raises(StoreUnavailable, match=r"written to by another process.*run the"),
            second.write(),
        ):
            pass
        first.commit()
    assert names(store) == ["dhcp01"]


def test_a_second_writer_goes_on_from_what_the_first_one_left(store: Store, store_url: str) -> None:
    with a_second_store(store_url, 0.1) as second:
        add_servers(store, 1)
        with second.write() as uow:
            assert [s.name for s in uow.inventory.servers()] == ["dhcp01.corp.example"]


def test_a_reader_does_not_wait_for_a_writer(store: Store, store_url: str) -> None:
    with (
        a_second_store(store_url, 0.0) as second,
        store.write() as uow,
    ):
        uow.inventory.add("dhcp01")
        assert names(second) == []


def test_the_clock_is_the_databases_in_utc(store: Store) -> None:
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    with store.read() as reading:
        now = reading.now()
    assert before <= now <= datetime.now(UTC)
    assert now.utcoffset() == timedelta(0)


def test_the_clock_goes_on_within_a_transaction(store: Store) -> None:
    with store.read() as reading:
        start = reading.now()
        assert any(reading.now() > start for _ in range(100_000))


def test_times_of_one_transaction_are_never_after_those_of_a_later_one(store: Store) -> None:
    """Whatever the database's clock rounds off, and however little lies between them."""
    for _ in range(200):
        with store.read() as earlier:
            earlier.now()
            before = earlier.now()
        with store.read() as later:
            assert before <= later.now()
