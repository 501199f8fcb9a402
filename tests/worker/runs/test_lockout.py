"""Rule R13 over several processes: a wrong password costs three logons, however many ask."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from collectors.simulator.fleet import made
from collectors.simulator.running import RunningFleet
from reconcile.model.findings import Kind
from reconcile.model.nouns import Seen, Skipped, Unseen
from tests.worker.runs.office import Office, office
from worker.inventory.file import read_inventory
from worker.inventory.importer import import_inventory
from worker.runs import server_reader

SERVERS = 24
WORKER_PROCESSES = 4


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Office]:
    """Many servers, and four processes' worth of workers."""
    with office(tmp_path, made(SERVERS, partners=2), worker_processes=WORKER_PROCESSES) as at:
        yield at


def refusals(at: Office) -> int:
    """Bad logons that a domain would count."""
    return sum(station.logons_refused for station in at.running.simulator.stations)


def kinds(at: Office, run: int) -> list[str]:
    """Of the servers of a run."""
    return [type(s).__name__ for s in at.summary(run).sightings.values()]


def work(at: Office) -> None:
    """By as many threads as a fleet is read with."""
    at.work(threads=16)


def test_a_password_that_is_wrong_when_the_run_begins_costs_three_logons(tmp_path: Path) -> None:
    def spoil(_: RunningFleet) -> None:
        (tmp_path / "papers" / "password").write_text("wrong")

    with office(
        tmp_path, made(SERVERS, partners=2), worker_processes=WORKER_PROCESSES, prepare=spoil
    ) as at:
        run, *_ = at.ask(), at.ask(server="dhcp0001"), at.ask(server="dhcp0002")
        work(at)
        assert refusals(at) == 3
        assert kinds(at, run).count(Unseen.__name__) == 3
        assert kinds(at, run).count(Skipped.__name__) == SERVERS - 3
        assert Kind.CREDENTIAL_SUSPENDED in {f.kind for f in at.summary(run).findings}
        again = at.ask()
        work(at)
        assert set(kinds(at, again)) == {Skipped.__name__}
        assert refusals(at) == 3


def test_one_that_was_right_in_the_last_run_and_is_wrong_now_costs_no_more(at: Office) -> None:
    """What a process remembers of the last run does not let it rush."""
    at.run()
    for server in at.running.fleet.servers:
        at.running.change(server.name, {"refuses": at.running.account.username})
    at.ask()
    work(at)
    assert refusals(at) == 3


def test_once_a_server_accepts_it_nobody_waits(at: Office) -> None:
    at.running.change("dhcp0001", {"refuses": at.running.account.username})
    run = at.ask()
    work(at)
    assert kinds(at, run).count(Seen.__name__) == SERVERS - 1
    assert refusals(at) == 1


def give(at: Office, tmp_path: Path) -> None:
    """The right password, into its file."""
    (tmp_path / "papers" / "password").write_text(at.running.account.password)


def resume(at: Office, _: Path) -> None:
    """A person mended the account instead, and says so."""
    for server in at.running.fleet.servers:
        at.running.change(server.name, {"refuses": ""})
    with at.ipam.store.write() as uow:
        uow.credentials.resume("simulated")
        uow.commit()


@pytest.mark.parametrize("mend", [give, resume])
def test_a_credential_that_was_mended_is_used_by_workers_that_saw_it_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mend: Callable[[Office, Path], None]
) -> None:
    """They need no restart."""
    monkeypatch.setattr(server_reader, "_FRESH_SECONDS", 0.0)

    def spoil(running: RunningFleet) -> None:
        if mend is give:
            (tmp_path / "papers" / "password").write_text("wrong")
        for server in running.fleet.servers if mend is resume else ():
            running.change(server.name, {"refuses": running.account.username})

    with office(
        tmp_path, made(SERVERS, partners=2), worker_processes=WORKER_PROCESSES, prepare=spoil
    ) as at:
        at.ask()
        work(at)
        mend(at, tmp_path)
        run = at.ask()
        work(at)
        assert set(kinds(at, run)) == {Seen.__name__}
        assert refusals(at) == 3


def test_a_credential_that_has_just_come_is_used_at_once(at: Office, tmp_path: Path) -> None:
    """Workers look at secrets every few seconds only."""
    at.run()
    sheet = tmp_path / "papers" / "inventory.yaml"
    sheet.write_text(sheet.read_text().replace("simulated", "renamed"))
    with at.ipam.store.write() as uow:
        import_inventory(uow, read_inventory(sheet))
        uow.commit()
    run = at.ask()
    work(at)
    assert set(kinds(at, run)) == {Seen.__name__}


def test_a_password_that_was_corrected_is_used_by_the_next_run(tmp_path: Path) -> None:
    """Who corrects it and asks again need not know how long a process believes a secret."""
    password = tmp_path / "papers" / "password"

    def spoil(_: RunningFleet) -> None:
        password.write_text("wrong")

    with office(tmp_path, made(2, partners=1), prepare=spoil) as at:
        assert set(kinds(at, at.run().run)) == {Unseen.__name__}
        password.write_text(at.running.account.password)
        assert set(kinds(at, at.run().run)) == {Seen.__name__}
