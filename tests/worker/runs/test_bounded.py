"""What a server costs the database in a run is the same in a small fleet and in a large one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from collectors.simulator.dhcp import DhcpServer
from collectors.simulator.fleet import made
from tests.worker.runs.office import Office, office
from tests.worker.store.sql_counter import counted
from worker.model.runs import Trigger
from worker.store.unit_of_work import Store

SMALL, LARGE = 10, 40
#: A run costs something itself, so a server in a small fleet costs more.
SLACK: Final = 1.05


@dataclass(frozen=True)
class Cost:
    """Of a server and run."""

    statements: float
    rows: float


def cost(at: Office, begin: Callable[[Office], object], servers: int) -> Cost:
    """Of a run whose servers are concluded and judged one by one, which costs most."""
    store = at.ipam.store
    assert isinstance(store, Store)
    with counted(store.engine) as sql:
        begin(at)
        at.work(threads=1)
    assert at.sql("SELECT count(*) FROM run WHERE ended_at IS NULL") == [(0,)]
    return Cost(sql.statements / servers, sql.fetched / servers)


def everything(at: Office) -> object:
    return at.ask()


def schedule(at: Office) -> object:
    return at.ask(Trigger.SCHEDULE)


def a_group(at: Office) -> object:
    """All but the one that is nobody's partner."""
    at.sql("DELETE FROM lease WHERE name = 'tick'")
    at.long_ago("server_poll", "due_at", where="server_id <= (SELECT max(id) - 1 FROM server)")
    at.worker_processes[0].tick()
    assert len(at.dispatcher.waiting_now) == len(at.running.fleet.servers) - 1
    return None


def costs(directory: Path, servers: int) -> dict[str, Cost]:
    """Of a first run, in which everything is recorded and learnt, and of later ones."""
    fleet = made(servers, partners=4)
    fleet.add(DhcpServer("alone.corp.example", "10.0.0.1"))
    directory.mkdir()
    with office(directory, fleet) as at:
        return {
            "first": cost(at, everything, servers),
            "quiet": cost(at, schedule, servers),
            "a group": cost(at, a_group, servers),
        }


@pytest.mark.parametrize("what", ["statements", "rows"])
def test_a_server_costs_no_more_in_a_larger_fleet(
    in_two_fleets: tuple[dict[str, Cost], dict[str, Cost]], what: str
) -> None:
    small, large = in_two_fleets
    for run, dear in small.items():
        assert getattr(large[run], what) <= SLACK * getattr(dear, what), (run, small, large)


@pytest.fixture(scope="module")
def in_two_fleets(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[dict[str, Cost], dict[str, Cost]]:
    directory = tmp_path_factory.mktemp("fleets")
    return costs(directory / "small", SMALL), costs(directory / "large", LARGE)


def test_a_look_at_who_is_due_costs_nothing_of_those_who_are_not(tmp_path: Path) -> None:
    with office(tmp_path, made(12)) as at:
        at.run()
        store = at.ipam.store
        assert isinstance(store, Store)
        with counted(store.engine) as sql:
            at.worker_processes[0].tick()
        assert sql.fetched <= 6


def test_a_sweep_over_a_run_that_is_well_costs_nothing_of_its_servers(tmp_path: Path) -> None:
    with office(tmp_path, made(24, partners=2)) as at:
        at.ask()
        store = at.ipam.store
        assert isinstance(store, Store)
        with counted(store.engine) as sql:
            at.worker_processes[0].sweep()
        assert sql.fetched < 24
