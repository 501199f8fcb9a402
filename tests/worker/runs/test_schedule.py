"""The schedule: who is due, together with whom, and how a quiet server is not read too often."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from collectors.simulator.fleet import made
from reconcile.model.nouns import Seen, Skipped, SkipReason
from tests.worker.runs.office import Office, office
from worker.model.errors import StoreError
from worker.store.repositories.claims import Claim

INTERVAL = timedelta(minutes=15)


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Office]:
    """Six servers, each in two relationships."""
    with office(tmp_path, made(6, partners=2), interval=INTERVAL) as at:
        yield at


def tick(at: Office) -> None:
    """A tick that no earlier one keeps from looking, and the work it brings."""
    at.sql("DELETE FROM lease WHERE name = 'tick'")
    at.worker_processes[0].tick()
    at.work()


def polls(at: Office) -> int:
    """So many readings were made."""
    return sum(station.runs for station in at.running.simulator.stations)


def test_the_first_tick_reads_everybody_and_the_next_ones_nobody(at: Office) -> None:
    tick(at)
    assert polls(at) == 6
    assert len(at.records()) == 6
    tick(at)
    assert polls(at) == 6
    assert len(at.sql("SELECT 1 FROM run")) == 1, "nothing due, no run"


def test_a_tick_right_after_another_does_nothing(at: Office) -> None:
    at.worker_processes[0].tick()
    at.worker_processes[0].tick()
    at.work()
    assert polls(at) == 6


def read(at: Office) -> list[int]:
    """So often each server was read."""
    return [at.running.station(f"dhcp000{n}").runs for n in range(1, 7)]


def test_partners_fall_due_together_and_who_is_due_soon_comes_along(tmp_path: Path) -> None:
    """Three pairs: one is due, one nearly, by one of its partners each."""
    with office(tmp_path, made(6, partners=1), interval=INTERVAL) as at:
        tick(at)
        at.long_ago("server_poll", "due_at", where="server_id = 1")
        at.sql(
            "UPDATE server_poll SET due_at = strftime('%Y-%m-%dT%H:%M:%f000Z', 'now', '+30 seconds')"
            " WHERE server_id = 5"
        )
        tick(at)
        assert read(at) == [2, 2, 1, 2, 2, 1]
        tick(at)
        assert sum(read(at)) == 10


def test_one_that_waits_for_a_person_s_run_is_read_by_the_schedule_all_the_same(
    at: Office,
) -> None:
    """Nobody may be there for people; one reading answers both."""
    run = at.ask(server="dhcp0001")
    at.dispatcher.waiting_now.clear()
    tick(at)
    assert read(at) == [1] * 6
    assert isinstance(at.summary(run).sightings[1], Seen)


def test_a_group_waits_while_somebody_reads_one_of_it(at: Office) -> None:
    """Else its reading, which began before the run, would be made again for it."""
    at.run()
    at.long_ago("server_poll", "due_at")
    run = at.ask(server="dhcp0001")
    at.dispatcher.waiting_now.clear()
    with at.ipam.store.write() as uow:
        uow.claims.claim([Claim(run, 1, at.worker_processes[0].process, uow.now())])
        uow.commit()
    tick(at)
    assert read(at) == [1] * 6
    at.sql("UPDATE server_poll SET failures = 1 WHERE server_id = 1")
    tick(at)
    assert read(at) == [1] + [2] * 5, "but not for one that may not answer"


def test_a_person_s_run_resets_the_time_of_the_schedule(at: Office) -> None:
    tick(at)
    at.long_ago("server_poll", "due_at")
    at.run()
    tick(at)
    assert polls(at) == 12


def test_a_server_that_failed_three_times_is_asked_less_often_and_then_less_and_less(
    at: Office,
) -> None:
    at.running.change("dhcp0001", {"faults": "drop"})
    breaks = []
    for _ in range(5):
        at.long_ago("server_poll", "due_at")
        tick(at)
        (due,) = at.sql(
            "SELECT (julianday(due_at) - julianday(tried_at)) * 86400 FROM server_poll"
            " WHERE server_id = 1"
        )
        breaks.append(round(float(str(due[0])) / INTERVAL.total_seconds()))
    assert breaks == [1, 1, 2, 3, 5]


def test_a_partner_whose_breaker_is_open_is_not_asked_but_a_person_may_insist(at: Office) -> None:
    at.running.change("dhcp0001", {"faults": "drop"})
    for _ in range(3):
        at.long_ago("server_poll", "due_at")
        tick(at)
    at.long_ago("sighting", "read_at")
    partner = at.run(server="dhcp0002")
    assert partner.sightings[1] == Skipped(1, SkipReason.BREAKER)
    at.running.change("dhcp0001", {"faults": ""})
    insisted = at.run(server="dhcp0001")
    assert type(insisted.sightings[1]).__name__ == "Seen"


def test_a_server_taken_out_is_not_read(at: Office) -> None:
    at.sql("UPDATE server SET standing = 'disabled' WHERE id = 1")
    at.sql("UPDATE writer SET inventory = inventory + 1")
    tick(at)
    assert polls(at) == 5


def test_who_is_due_stays_due_if_the_tick_dies_before_its_run_is_there(at: Office) -> None:
    """Marking them and opening their run is one transaction."""
    at.sql("CREATE TRIGGER full BEFORE INSERT ON run BEGIN SELECT RAISE(ABORT, 'full'); END")
    with pytest.raises(StoreError):
        at.worker_processes[0].tick()
    at.sql("DROP TRIGGER full")
    tick(at)
    assert polls(at) == 6
