"""Workers and beats as processes: how they end, and what a broker's bad day does to them."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.processes import PATIENCE_SECONDS, eventually
from tests.valkey import ValkeyServer, running_valkey
from tests.worker.cli.site import Site
from worker.messaging.celery_app import CeleryDispatcher, make_app

#: A wait that nothing ends but a signal, in a process of its own.
BOUNDED = """
import threading
from worker.processes.main import bounded_end
from worker.processes.signals import ENDING, Signals
with Signals(*ENDING) as signals, bounded_end(signals, print, {seconds}) as stops:
    stops.append(lambda: print("told", flush=True))
    print("begun", flush=True)
    threading.Event().wait()
"""


@contextmanager
def duty(site: Site, *words: str) -> Iterator[subprocess.Popen[str]]:
    """A process that is at work."""
    with site.start(*words) as process:
        assert process.stderr is not None
        try:
            for line in process.stderr:
                if "process started" in line:
                    break
            else:
                pytest.fail("it did not start")
            yield process
        finally:
            process.kill()


@pytest.fixture
def site(tmp_path: Path, broker: ValkeyServer) -> Site:
    site = Site(tmp_path, {"IPAM_SYNC_BROKER_URL": broker.url, "IPAM_SYNC_TICK": "1"})
    assert site.run("db", "upgrade").code == 0
    return site


@pytest.fixture
def dispatcher(broker: ValkeyServer) -> CeleryDispatcher:
    return CeleryDispatcher(make_app(broker.celery_url))


def roles(site: Site) -> list[str]:
    return [role for (role,) in site.sql("SELECT role FROM worker_process ORDER BY role")]


@contextmanager
def locked(site: Site) -> Iterator[None]:
    """Nobody else writes: whoever wants to waits."""
    with closing(sqlite3.connect(site.database, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


# ------------------------------------------------------------------------------------ workers


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_idle_worker_ends_at_once_and_is_registered_no_more(
    site: Site, number: signal.Signals
) -> None:
    with duty(site, "worker", "--role", "control") as process:
        assert roles(site) == ["control"]
        process.send_signal(number)
        assert process.wait(PATIENCE_SECONDS) == 0
    assert roles(site) == []


def test_a_second_signal_ends_a_worker_at_once_and_its_message_is_not_lost(
    site: Site, dispatcher: CeleryDispatcher
) -> None:
    with duty(site, "worker", "--role", "control") as process, locked(site):
        dispatcher.settle(7)
        eventually(lambda: dispatcher.backlog().in_flight == 1)
        process.terminate()
        assert process.stderr is not None
        while "process stopping" not in process.stderr.readline():
            pass
        process.terminate()
        assert process.wait(PATIENCE_SECONDS) == 1
        assert "Ended at once." in process.stderr.read()
    assert dispatcher.backlog().in_flight == 1


def test_what_hangs_is_ended_by_force_when_the_time_is_over() -> None:
    with subprocess.Popen(
        [sys.executable, "-u", "-c", BOUNDED.format(seconds=0.2)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        process.terminate()
        assert process.wait(PATIENCE_SECONDS) == 1
        assert process.stdout.read() == "told\nEnded after 0.2 s: something hangs.\n"


def test_all_roles_are_processes_of_their_own_that_end_together(site: Site) -> None:
    with site.start("worker") as process:
        eventually(lambda: roles(site) == ["control", "on-demand", "read"])
        process.terminate()
        process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 0
    assert roles(site) == []


@pytest.mark.parametrize("words", [("worker", "--role", "read"), ("beat",)])
def test_without_a_broker_there_is_one_sentence(site: Site, words: tuple[str, ...]) -> None:
    del site.settings["IPAM_SYNC_BROKER_URL"]
    outcome = site.process(*words)
    assert outcome.code == 1
    assert "IPAM_SYNC_BROKER_URL is not set" in outcome.err
    assert "Traceback" not in outcome.err


# ------------------------------------------------------------------------------------ the beat


def test_a_beat_finds_its_way_back_to_a_broker_that_was_killed(tmp_path: Path) -> None:
    with running_valkey() as broker:
        settings = {"IPAM_SYNC_BROKER_URL": broker.url, "IPAM_SYNC_TICK": "1"}
        with duty(Site(tmp_path, settings), "beat") as process:
            eventually(lambda: broker.client().llen("control"))
            broker.kill()
            assert process.stderr is not None
            while "takes no messages" not in process.stderr.readline():
                pass
            broker.start()
            before = broker.client().llen("control")
            eventually(lambda: broker.client().llen("control") > before)
            process.terminate()
            assert process.wait(PATIENCE_SECONDS) == 0


def test_two_beats_and_a_worker_do_not_disturb_each_other(
    site: Site, dispatcher: CeleryDispatcher
) -> None:
    with (
        duty(site, "beat"),
        duty(site, "beat"),
        duty(site, "worker", "--role", "control") as worker,
    ):
        assert roles(site) == ["beat", "beat", "control"]
        eventually(lambda: site.sql("SELECT 1 FROM lease WHERE name = 'tick'"))
        worker.terminate()
        assert worker.wait(PATIENCE_SECONDS) == 0
        assert worker.stderr is not None
        assert "rror" not in worker.stderr.read()
