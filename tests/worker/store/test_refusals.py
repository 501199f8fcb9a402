"""Refused logons are counted over all threads, runs and processes (rule R13)."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from tests.processes import PATIENCE_SECONDS
from tests.worker.store.logons import (
    CORP,
    MARK,
    OTHER,
    accept,
    logon,
    put,
    refuse,
    refuse_once,
    view,
)
from tests.worker.store.samples import add_servers, remove_by_hand
from worker.model.credentials import LogonRefusal
from worker.model.servers import Endpoint
from worker.store.repositories.credentials import FIRST_PAUSE, LONGEST_PAUSE
from worker.store.unit_of_work import Store

A_REFUSAL = """
import sys
from worker.model.credentials import LogonRefusal
from worker.store.schema import open_store
store = open_store(sys.argv[1])
with store.read() as reading:
    (view,) = reading.credentials.views()
print("ready", flush=True)
sys.stdin.readline()
with store.write() as uow:
    refusal = LogonRefusal("corp", int(sys.argv[2]), view.salt, 1)
    print(uow.credentials.record_refusal(refusal), flush=True)
    uow.commit()
"""


@pytest.fixture
def servers(store: Store) -> list[int]:
    """Eight servers, and the credential corp."""
    keys = add_servers(store, 8)
    put(store, CORP)
    return keys


class TestRefusals:
    """Three different servers with none accepting since."""

    def test_the_third_different_server_suspends(self, store: Store, servers: list[int]) -> None:
        assert refuse(store, *servers[:3]) == [False, False, True]
        assert view(store).suspended_at is not None
        assert view(store).refused_by == tuple(servers[:3])

    def test_a_suspended_one_stays_so_and_goes_on_counting(
        self, store: Store, servers: list[int]
    ) -> None:
        """Proofs that were under way when it was suspended."""
        refuse(store, *servers[:3])
        since = view(store).suspended_at
        assert refuse(store, servers[3]) == [True]
        assert view(store).suspended_at == since
        assert view(store).refused_by == tuple(servers[:4])

    def test_one_server_that_refuses_again_and_again_suspends_nothing(
        self, store: Store, servers: list[int]
    ) -> None:
        assert refuse(store, *[servers[0]] * 5) == [False] * 5
        assert view(store).suspended_at is None
        assert logon(store, servers[0]).refusals == 5

    def test_an_acceptance_in_between_begins_the_count_anew(
        self, store: Store, servers: list[int]
    ) -> None:
        refuse(store, *servers[:2])
        accept(store, servers[7])
        assert view(store).refused_by == ()
        assert refuse(store, *servers[2:5]) == [False, False, True]
        assert view(store).refused_by == tuple(servers[2:5])

    def test_a_refused_server_that_refuses_after_an_acceptance_counts_again(
        self, store: Store, servers: list[int]
    ) -> None:
        refuse(store, *servers[:2])
        accept(store, servers[7])
        assert refuse(store, servers[0], servers[1], servers[2]) == [False, False, True]

    def test_an_acceptance_ends_no_suspension(self, store: Store, servers: list[int]) -> None:
        """A person or another secret does; proofs may still be under way."""
        refuse(store, *servers[:3])
        accept(store, servers[3])
        assert view(store).suspended_at is not None

    def test_credentials_are_counted_apart(self, store: Store, servers: list[int]) -> None:
        put(store, OTHER)
        refuse(store, *servers[:2])
        with store.write() as uow:
            salt = view(store, "other").salt
            assert (
                uow.credentials.record_refusal(LogonRefusal("other", servers[2], salt, MARK))
                is False
            )
            uow.credentials.record_acceptance("other", servers)
            uow.commit()
        assert view(store).refused_by == tuple(servers[:2])

    def test_a_server_that_was_removed_meanwhile_does_not_count(
        self, store: Store, servers: list[int]
    ) -> None:
        refuse(store, *servers[:2])
        assert refuse(store, 10_000) == [False]
        assert view(store).refused_by == tuple(servers[:2])
        with store.write() as uow:
            remove_by_hand(uow, servers[0])
            uow.credentials.record_acceptance("corp", [servers[0]])
            uow.commit()
        with store.read() as reading:
            assert [n.server for n in reading.credentials.logons()] == [servers[1]]

    def test_a_credential_that_nobody_knows_is_not_to_be_used(
        self, store: Store, servers: list[int]
    ) -> None:
        with store.write() as uow:
            assert (
                uow.credentials.record_refusal(
                    LogonRefusal("unheard-of", servers[0], b"salt", MARK)
                )
                is True
            )


class TestBackingOff:
    """A server that refuses is left alone: 15 minutes, then twice as long, four hours at most."""

    def test_it_doubles_up_to_four_hours(self, store: Store, servers: list[int]) -> None:
        pauses = []
        for _ in range(7):
            refuse(store, servers[0])
            told = logon(store, servers[0])
            assert told.retry_at is not None
            assert told.refused_at is not None
            pauses.append(told.retry_at - told.refused_at)
        minutes = [15, 30, 60, 120, 240, 240, 240]
        assert pauses == [timedelta(minutes=m) for m in minutes]
        assert (pauses[0], pauses[-1]) == (FIRST_PAUSE, LONGEST_PAUSE)

    def test_a_thousand_refusals_are_no_larger_number(
        self, store: Store, servers: list[int]
    ) -> None:
        refuse(store, servers[0])
        with store.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE logon SET refusals = 100000")
        refuse(store, servers[0])
        told = logon(store, servers[0])
        assert told.retry_at is not None
        assert told.refused_at is not None
        assert told.retry_at - told.refused_at == LONGEST_PAUSE

    def test_others_do_not_back_off(self, store: Store, servers: list[int]) -> None:
        refuse(store, servers[0])
        accept(store, servers[1])
        assert logon(store, servers[1]).retry_at is None

    def test_it_is_over_when_that_very_server_accepts(
        self, store: Store, servers: list[int]
    ) -> None:
        """Another's acceptance ends the counting, and not that this one is left alone."""
        refuse(store, servers[0])
        accept(store, servers[1])
        assert logon(store, servers[0]).retry_at is not None
        accept(store, servers[0])
        told = logon(store, servers[0])
        assert (told.retry_at, told.refusals, told.mark, told.refused_at) == (None, 0, None, None)
        assert told.accepted_at is not None
        refuse(store, servers[0])
        again = logon(store, servers[0])
        assert again.refusals == 1

    def test_another_address_or_credential_for_the_server_is_tried_at_once(
        self, store: Store, servers: list[int]
    ) -> None:
        refuse(store, servers[0])
        with store.write() as uow:
            uow.inventory.set_endpoint(servers[0], Endpoint(url="https://elsewhere:5986/wsman"))
            uow.commit()
        with store.read() as reading:
            assert reading.credentials.logons() == ()


class TestAtOnce:
    """Whoever counts at the same time: not one refusal is lost, and not one is counted twice."""

    @staticmethod
    def at_once(store: Store, servers: Iterable[int]) -> list[bool]:
        asked = list(servers)
        salt, together = view(store).salt, threading.Barrier(len(asked))

        def one(server: int) -> bool:
            together.wait(PATIENCE_SECONDS)
            return refuse_once(store, server, salt)

        with ThreadPoolExecutor(len(asked)) as pool:
            return list(pool.map(one, asked))

    def test_threads_of_different_servers(self, store: Store, servers: list[int]) -> None:
        """Two go through, the third suspends, and all later ones are told so."""
        assert sorted(self.at_once(store, servers)) == [False] * 2 + [True] * 6
        assert view(store).refused_by == tuple(servers)

    def test_threads_of_one_server(self, store: Store, servers: list[int]) -> None:
        assert self.at_once(store, [servers[0]] * 6) == [False] * 6
        assert logon(store, servers[0]).refusals == 6

    def test_processes(self, store: Store, store_url: str, servers: list[int]) -> None:
        asked = servers[:3]
        processes = [
            subprocess.Popen(
                [sys.executable, "-c", A_REFUSAL, store_url, str(server)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for server in asked
        ]
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        outputs = [
            process.communicate("go\n", timeout=PATIENCE_SECONDS)[0] for process in processes
        ]
        assert sorted(outputs) == ["False\n", "False\n", "True\n"]
        assert view(store).refused_by == tuple(asked)
