"""How often a quiet fleet is read: once in an interval, whatever people ask for in between.

Time is moved, not waited for: everything that is stored grows older (``Office.later``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from itertools import cycle
from pathlib import Path
from typing import Final

import pytest

from collectors.simulator.dhcp import DhcpServer
from collectors.simulator.fleet import Fleet, Relationship
from tests.worker.runs.office import Office, office
from worker.model.runs import Trigger

INTERVAL: Final = timedelta(minutes=15)
TICK: Final = timedelta(seconds=5)
INTERVALS: Final = 15
#: Two beats, the second one two seconds behind the first.
BEATS: Final = (timedelta(0), timedelta(seconds=2))

HUB, OTHER_HUB = "hub1", "hub2"
SPOKES: Final = {HUB: ("spoke1", "spoke2", "spoke3"), OTHER_HUB: ("spoke4", "spoke5")}
PAIR: Final = ("left", "right")
ALONE: Final = "alone"


def a_fleet() -> Fleet:
    """Two hubs with their spokes, a pair, and one without relationships."""
    pairs = [(hub, spoke) for hub, spokes in SPOKES.items() for spoke in spokes]
    names = [*SPOKES, *(spoke for _, spoke in pairs), *PAIR, ALONE]
    fleet = Fleet(DhcpServer(fqdn(name), f"10.0.0.{n}") for n, name in enumerate(names, start=1))
    for number, (one, other) in enumerate([*pairs, PAIR]):
        related = Relationship(f"{one}-{other}", fqdn(one), fqdn(other), (f"10.1.{number}.0",))
        fleet.relate(related)
    return fleet


def fqdn(name: str) -> str:
    return f"{name}.corp.example"


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Office]:
    """The fleet, read by two workers."""
    with office(tmp_path, a_fleet(), worker_processes=2, interval=INTERVAL, tick=TICK) as at:
        yield at


def readings(at: Office) -> dict[str, int]:
    """So often each server was read."""
    stations = at.running.simulator.stations
    return {s.machine.name.partition(".")[0]: s.runs for s in stations}


class Days:
    """The time of a test: both beats tick as ever, and at some moments people ask for runs.

    Ticks at which nobody is due do nothing, so the time goes from one that matters to the next.
    """

    def __init__(self, at: Office) -> None:
        self._at = at
        self._now = timedelta(0)
        self._worker_processes = cycle(at.worker_processes)

    def go_on(self, until: timedelta, asked: Mapping[int, Mapping[str, str]]) -> None:
        """Up to that time; in which minute somebody asks for a run, and what it is about."""
        for minute, about in sorted(asked.items()):
            self._tick_until(timedelta(minutes=minute))
            self._move_to(timedelta(minutes=minute))
            self._at.run(Trigger.CLI, **about)
        self._tick_until(until)

    def _tick_until(self, end: timedelta) -> None:
        while (tick := self._next_tick()) < end:
            self._move_to(tick)
            next(self._worker_processes).tick()
            self._at.work(threads=2)

    def _next_tick(self) -> timedelta:
        """The first one of a beat after now at which somebody is due."""
        earliest = max(self._now + timedelta(seconds=1), self._now + self._to_wait())
        return min(beat + TICK * -((beat - earliest) // TICK) for beat in BEATS)

    def _to_wait(self) -> timedelta:
        with self._at.ipam.store.read() as reading:
            now = reading.now()
            due = reading.schedule.due(now + 2 * INTERVAL)
            return min((at or now for at in due.values()), default=now + INTERVAL) - now

    def _move_to(self, moment: timedelta) -> None:
        self._at.later(moment - self._now)
        self._now = moment


def test_a_quiet_server_is_read_once_in_an_interval(at: Office) -> None:
    """At most 1.2 times, with runs that people ask for at odd times in it."""
    asked = {
        20: {"server": "spoke1"},
        39: {"server": "spoke2"},
        70: {"relationship": "left-right@left"},
        98: {},
        111: {"server": "spoke4"},
        160: {"server": ALONE},
    }
    Days(at).go_on(INTERVALS * INTERVAL, asked)
    told = readings(at)
    assert len(told) == 10
    assert {n: count for n, count in told.items() if count > 1.2 * INTERVALS} == {}
    assert min(told.values()) >= INTERVALS - 2, "nor is anybody forgotten"


def test_one_that_fails_again_and_again_is_asked_less_often_and_its_partners_as_ever(
    at: Office,
) -> None:
    """Neither does it wait for less than its break because its partners are read, nor do they
    have a turn more for each of its own.
    """
    at.running.change("spoke1", {"faults": "drop"})
    Days(at).go_on(INTERVALS * INTERVAL, {})
    tried = at.sql(
        "SELECT run_id FROM sighting JOIN server ON server.id = server_id"
        " WHERE server.name LIKE 'spoke1.%' AND outcome = 'unseen' ORDER BY run_id"
    )
    assert len(tried) == 6, "in turn 0, 1, 2, 4, 7 and 12"
    told = readings(at)
    assert told.pop("spoke1") == 0
    assert INTERVALS - 2 <= min(told.values()) <= max(told.values()) <= 1.2 * INTERVALS
