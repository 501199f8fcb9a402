"""Maintenance in runs that workers do: who is skipped, who may insist, when the schedule looks again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from collectors.simulator.fleet import made
from reconcile.model.findings import Kind
from reconcile.model.nouns import Seen, Skipped, SkipReason
from tests.worker.runs.office import Office, handle, office
from worker.model.maintenance import Window
from worker.model.run_report import RunSummary
from worker.model.runs import Trigger

INTERVAL = timedelta(minutes=15)
LEFT_OUT = Skipped(1, SkipReason.MAINTENANCE)


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Office]:
    """Three servers, each in two relationships, all known to IPAM; it is long ago."""
    with office(tmp_path, made(3, partners=2), interval=INTERVAL) as at:
        at.run()
        at.long_ago("sighting", "read_at")
        at.long_ago("server_poll", "due_at")
        yield at


def begin(at: Office, server: int, relationship: str | None = None) -> None:
    """A window of an hour."""
    with at.ipam.store.write() as uow:
        now = uow.now()
        window = Window(0, server, relationship, now, now + timedelta(hours=1), "disks", "ada")
        uow.maintenance.add(window)
        uow.commit()


def end_all(at: Office) -> None:
    with at.ipam.store.write() as uow:
        for window in uow.maintenance.windows():
            uow.maintenance.end(window.id, "ada")
        uow.commit()


def tick(at: Office) -> None:
    """A tick that no earlier one keeps from looking, and the work it brings."""
    at.sql("DELETE FROM lease WHERE name = 'tick'")
    at.worker_processes[0].tick()
    at.work()


def readings_of(at: Office, name: str) -> int:
    """So often it was read."""
    return sum(s.runs for s in at.running.simulator.stations if s.machine.name.startswith(name))


def runs(at: Office) -> int:
    return len(at.sql("SELECT 1 FROM run"))


@pytest.mark.parametrize("trigger", [Trigger.SCHEDULE, Trigger.CLI])
def test_a_server_in_maintenance_is_skipped_and_its_run_ends(at: Office, trigger: Trigger) -> None:
    """Whoever began a run about everything; its partners are judged by their own word."""
    begin(at, 1)
    at.running.change("dhcp0001", {"faults": "drop"})
    summary = at.run(trigger)
    assert summary.sightings[1] == LEFT_OUT
    assert readings_of(at, "dhcp0001") == 1
    assert (summary.pairs, summary.lines, summary.findings) == (3, (), ())


def test_skipping_it_sets_the_time_of_its_next_turn(at: Office) -> None:
    """No run follows the other for as long as the window is open."""
    begin(at, 1)
    tick(at)
    assert runs(at) == 2
    tick(at)
    assert runs(at) == 2, "nobody is due"
    at.sql("UPDATE server_poll SET due_at = '2020-01-01T00:00:00.000000Z' WHERE server_id = 1")
    tick(at)
    assert runs(at) == 3
    tick(at)
    assert runs(at) == 3, "nor is the one in maintenance, alone"
    assert readings_of(at, "dhcp0001") == 1


def test_its_failures_are_not_forgotten_nor_counted(at: Office) -> None:
    at.sql("UPDATE server_poll SET failures = 2 WHERE server_id = 1")
    begin(at, 1)
    tick(at)
    assert at.sql("SELECT failures FROM server_poll WHERE server_id = 1") == [(2,)]


def test_it_is_read_again_when_its_window_is_over(at: Office) -> None:
    begin(at, 1)
    tick(at)
    end_all(at)
    at.long_ago("server_poll", "due_at")
    tick(at)
    assert readings_of(at, "dhcp0001") == 2


def test_a_partner_s_reading_of_just_now_is_not_taken_over_into_its_window(at: Office) -> None:
    at.run(server="dhcp0001")
    begin(at, 1)
    assert at.run(server="dhcp0002").sightings[1] == LEFT_OUT


def test_who_names_the_server_insists(at: Office) -> None:
    begin(at, 1)
    begin(at, 2)
    summary = at.run(server="dhcp0001")
    assert isinstance(summary.sightings[1], Seen)
    assert summary.sightings[2] == Skipped(2, SkipReason.MAINTENANCE)


def test_who_names_a_relationship_of_it_does_not(at: Office) -> None:
    begin(at, 1)
    name = next(r.relationship_name for r in at.records() if 1 in r.partners)
    assert at.run(relationship=f"{name}@dhcp0001").sightings[1] == LEFT_OUT


def test_who_insists_is_not_answered_by_a_run_that_left_it_out(at: Office) -> None:
    """Both wait for the same server, and the schedule's message comes first."""
    begin(at, 1)
    scheduled = at.ask(Trigger.SCHEDULE)
    insisting = at.ask(server="dhcp0001")
    at.work(threads=1)
    assert at.summary(scheduled).sightings[1] == LEFT_OUT
    assert isinstance(at.summary(insisting).sightings[1], Seen)


def test_who_insists_does_not_join_a_run_of_the_schedule(at: Office) -> None:
    begin(at, 1)
    scheduled = at.ask(Trigger.SCHEDULE, server="dhcp0001")
    insisting = at.ask(server="dhcp0001")
    assert insisting != scheduled
    assert at.ask(server="dhcp0001") == insisting
    at.work(threads=1)
    assert at.summary(scheduled).sightings[1] == LEFT_OUT
    assert isinstance(at.summary(insisting).sightings[1], Seen)


def test_a_window_that_opens_during_a_run_keeps_what_was_read_before(at: Office) -> None:
    """And the second look at it, for a disagreement, is not taken."""
    name = next(r.relationship_name for r in at.records() if set(r.partners) == {1, 2})
    at.running.change(f"{name}@dhcp0001", {"mclt_seconds": "7200"})
    run = at.ask()
    (message,) = (m for m in at.dispatcher.waiting_now if m == ("read", run, 1))
    at.dispatcher.waiting_now.remove(message)
    handle(at.worker_processes[0], message)
    begin(at, 1)
    at.work()
    summary = at.summary(run)
    assert isinstance(summary.sightings[1], Seen)
    assert readings_of(at, "dhcp0001") == 2
    assert [f.kind for f in summary.findings] == [Kind.PARTNER_MISMATCH]


def test_a_relationship_in_maintenance_is_not_judged_and_counted_apart(at: Office) -> None:
    name = next(r.relationship_name for r in at.records() if set(r.partners) == {1, 2})
    at.running.change(name, {"mclt_seconds": "7200"})
    begin(at, 2, name.upper())
    summary = at.run()
    assert (summary.pairs, summary.paused, summary.lines) == (2, 1, ())
    end_all(at)
    at.long_ago("sighting", "read_at")
    assert [line.planned.relationship for line in at.run().lines] == [name]


def test_a_removal_that_waits_for_the_end_of_its_run_is_not_applied_in_a_window(
    at: Office,
) -> None:
    """The window opens when the removal is recorded and the run is not over yet."""
    name = next(r.relationship_name for r in at.records() if set(r.partners) == {1, 2})
    at.running.change(name, {"deleted": "true"})
    run = at.ask()
    held = [m for m in at.dispatcher.waiting_now if m[2] not in (1, 2)]
    for message in held:
        at.dispatcher.waiting_now.remove(message)
    at.work(threads=1)
    begin(at, 1, name)
    at.dispatcher.waiting_now.extend(held)
    at.work(threads=1)
    (line,) = at.summary(run).lines
    assert (line.planned.relationship, line.fate) == (name, "pending")
    assert name in {r.relationship_name for r in at.records()}


def test_after_its_window_the_time_to_be_overdue_begins_anew(at: Office) -> None:
    """Four intervals; in the window it is not overdue, even if a person has it asked (an hour)."""
    at.running.change("dhcp0001", {"faults": "drop"})
    at.later(timedelta(hours=5))
    begin(at, 1)
    for about, waits in (({"server": "dhcp0001"}, 90), ({}, 25), ({}, 10)):
        assert overdue(at.run(Trigger.CLI, **about)) == []
        at.later(timedelta(minutes=waits))
    assert overdue(at.run()) == [(1,)]


def overdue(summary: RunSummary) -> list[tuple[int, ...]]:
    return [f.servers for f in summary.findings if f.kind is Kind.SERVER_OVERDUE]
