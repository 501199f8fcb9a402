"""A run says how many pairs it judged: each one once, however often it had to look at it."""

from __future__ import annotations

from pathlib import Path

import pytest

from collectors.simulator.dhcp import DhcpServer
from collectors.simulator.fleet import Fleet, Relationship, made
from reconcile.model.findings import Kind
from tests.worker.runs.office import Office, handle, office
from tests.worker.runs.test_maintenance import begin


def one_by_one(at: Office, *, between: str) -> int:
    """A run that is worked on in the order of the servers; after the first one MCLT is changed."""
    run = at.ask()
    message = at.dispatcher.take()
    assert message == ("read", run, 1)
    handle(at.worker_processes[0], message)
    at.running.change(between, {"mclt_seconds": "60"})
    at.work(threads=1)
    return run


def test_a_pair_that_is_judged_again_after_a_second_look_is_counted_once(tmp_path: Path) -> None:
    """So are the other pairs of the server that is read again: some had their turn before."""
    with office(tmp_path, made(6, partners=4)) as at:
        at.run()
        summary = at.summary(one_by_one(at, between="dhcp0001-dhcp0003"))
        assert at.running.station("dhcp0001").runs == 3
        assert summary.pairs == 12


@pytest.mark.parametrize("threads", [1, 4], ids=["one by one", "several at once"])
def test_pairs_that_wait_for_the_names_of_others_are_counted_once(
    tmp_path: Path, threads: int
) -> None:
    """At the end their servers have a turn again, with all their other pairs."""
    with office(tmp_path, unmapped()) as at:
        first = at.run()
        assert (first.pairs, first.overtaken) == (4, 0), "what it created does not overtake it"
        run = at.ask()
        at.work(threads=threads)
        summary = at.summary(run)
        assert Kind.UNMAPPED_NAME in {f.kind for f in summary.findings}
        assert summary.pairs == len(at.records()) == 4


def test_so_are_those_in_maintenance(tmp_path: Path) -> None:
    with office(tmp_path, unmapped()) as at:
        at.run()
        begin(at, 1, "R0")
        run = at.ask()
        at.work(threads=1)
        summary = at.summary(run)
        assert (summary.pairs, summary.paused) == (3, 1)


def unmapped() -> Fleet:
    """A ring of three, one of them also with a partner that nobody manages."""
    names = [f"dhcp{n}.corp.example" for n in (1, 2, 3)]
    fleet = Fleet(DhcpServer(name, f"10.0.0.{n}") for n, name in enumerate(names, start=1))
    ring = [*zip(names, [*names[1:], names[0]], strict=True), (names[0], "else.corp.example")]
    for number, (one, other) in enumerate(ring):
        fleet.relate(Relationship(f"R{number}", one, other, (f"10.1.{number}.0",)))
    return fleet


def test_what_the_counting_needs_is_not_kept(tmp_path: Path) -> None:
    """A quiet fleet adds a run and its sightings to the store, and nothing else."""
    with office(tmp_path, made(12, partners=6)) as at:
        at.run()
        at.worker_processes[0].sweep()
        before = rows(at)
        at.run()
        grown = {table: n - before[table] for table, n in rows(at).items() if n != before[table]}
        assert grown == {"run": 1, "sighting": 12}


def rows(at: Office) -> dict[str, int]:
    tables = at.sql("SELECT name FROM sqlite_master WHERE type = 'table'")
    count = "SELECT count(*) FROM "
    return {str(name): int(str(at.sql(f"{count}{name}")[0][0])) for (name,) in tables}
