"""What of an installation is alive, from the registrations in its database."""

from __future__ import annotations

import os
import socket
from datetime import timedelta
from pathlib import Path

import pytest

from worker.bootstrap import Ipam, opened
from worker.config.settings import Settings
from worker.store.schema import open_store
from worker.up.alive import not_alive, registrations
from worker.up.child import ChildProgram

HERE = socket.gethostname()
VALKEY = ChildProgram("valkey", ("valkey",))
WORKER = ChildProgram("worker read", ("worker",), registers=True)
BEAT = ChildProgram("beat", ("beat",), registers=True)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(database_url=f"sqlite:///{tmp_path / 'ipam-sync.db'}")


def register(ipam: Ipam, name: str, lease: timedelta = timedelta(minutes=1)) -> None:
    with ipam.store.write() as uow:
        uow.processes.register(name, "read", lease)
        uow.commit()


def test_who_registered_since_then_on_this_host_is_alive(settings: Settings) -> None:
    with opened(settings) as ipam:
        ours = registrations(ipam.store)
        register(ipam, f"{HERE}:{os.getpid()}")
        assert ours.pids() == {os.getpid()}


@pytest.mark.parametrize(
    ("name", "lease"),
    [("elsewhere:1", timedelta(minutes=1)), (f"{HERE}:1", timedelta(0))],
    ids=["on another host", "with a lease that is over"],
)
def test_others_are_not_among_them(settings: Settings, name: str, lease: timedelta) -> None:
    with opened(settings) as ipam:
        ours = registrations(ipam.store)
        register(ipam, name, lease)
        assert ours.pids() == frozenset()


def test_a_registration_that_an_earlier_process_of_this_number_left_proves_nothing(
    settings: Settings,
) -> None:
    with opened(settings) as ipam:
        register(ipam, f"{HERE}:7")
        ours = registrations(ipam.store)
        assert ours.pids() == frozenset()
        register(ipam, f"{HERE}:7")
        assert ours.pids() == {7}


def test_nobody_is_alive_while_the_database_cannot_be_read(
    settings: Settings, tmp_path: Path
) -> None:
    store = open_store(settings.database_url)
    ours = registrations(store)
    store.close()
    for file in tmp_path.glob("ipam-sync.db*"):
        file.unlink()
    (tmp_path / "ipam-sync.db").mkdir()
    assert ours.pids() == frozenset()


def test_what_has_ended_and_what_has_not_registered_is_not_alive() -> None:
    programs = [(VALKEY, 1), (WORKER, 2), (BEAT, 3)]
    assert not_alive(programs, {2, 3}) == ()
    assert not_alive(programs, {3}) == ("worker read",)
    assert not_alive([(VALKEY, None), (WORKER, 2), (BEAT, None)], {2, 3}) == ("valkey", "beat")
