"""What people do while a run goes on: they take a server out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from collectors.simulator.fleet import made
from reconcile.findings import Kind
from reconcile.model import Operation, Standing
from tests.worker.pipeline.office import Message, Office, handle, office
from worker.ports import Trigger

OUT = "dhcp0001"


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Office]:
    """Four servers, each in two relationships, all recorded; two workers."""
    with office(tmp_path, made(4, partners=2), crews=2) as at:
        at.run()
        yield at


def readings(at: Office) -> int:
    """So often the server was read that is taken out."""
    return at.running.station(OUT).runs


def take_out(at: Office, standing: Standing) -> None:
    """As a person does."""
    with at.ipam.store.write() as uow:
        uow.set_standing(1, standing)
        uow.commit()


def do(at: Office, message: Message) -> None:
    """One message, before all others."""
    at.post.waiting_now.remove(message)
    handle(at.crews[0], message)


# ------------------------------------------------------------------------------------ taken out


@pytest.mark.parametrize("standing", [Standing.DISABLED, Standing.RETIRED])
@pytest.mark.parametrize("trigger", [Trigger.SCHEDULE, Trigger.CLI])
def test_a_server_that_is_taken_out_before_its_turn_is_not_asked_and_the_run_ends(
    at: Office, standing: Standing, trigger: Trigger
) -> None:
    before = readings(at)
    runs = [at.ask(trigger), at.ask(server=OUT)]
    take_out(at, standing)
    at.work()
    assert readings(at) == before
    for run in runs:
        assert 1 not in at.summary(run).sightings, "it was not asked"


@pytest.mark.parametrize("when", ["before its turn", "when it was read"])
def test_the_pairs_of_a_disabled_server_are_left_alone(at: Office, when: str) -> None:
    """What both tell is a removal, but nobody is asked any more who could say so."""
    at.running.change("dhcp0001-dhcp0002", {"deleted": "true"})
    rows = at.records()
    run = at.ask()
    if when == "when it was read":
        do(at, ("read", run, 1))
    take_out(at, Standing.DISABLED)
    at.work()
    summary = at.summary(run)
    assert at.records() == rows
    assert (summary.lines, {f.kind for f in summary.findings}) == ((), {Kind.ABSENCE_UNVERIFIED})
    with at.ipam.store.write() as uow:
        uow.set_standing(1, Standing.ENABLED)
        uow.commit()
    (removed,) = at.run().lines
    assert (removed.planned.operation, removed.fate) == (Operation.DELETE, "applied")
