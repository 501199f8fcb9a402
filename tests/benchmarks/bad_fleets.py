"""A fleet of which nearly every third server has a bad day: how long the healthy pairs have to wait.

Real workers on PostgreSQL and Valkey, each kind of trouble in turn and all mixed, every kind with a
database of its own: on first contact nobody knows who will not answer, from the second run on those
who did not are read in the slow lane.  The servers are a thread of this process; where there are few
cores, they, the workers and the database share them.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from collectors.simulator.fleet import made
from collectors.simulator.running import Listener
from reconcile.model.nouns import Seen
from tests.benchmarks.report import Report
from tests.e2e.bad_days.bad_servers import Bad, everybody_is_due, scheduled, strike
from tests.e2e.bad_days.installation import Installation, installation
from tests.e2e.bad_days.nursery import begin
from tests.postgres import PostgresServer, running_postgres
from tests.processes import eventually
from tests.valkey import ValkeyServer, running_valkey
from worker.model.runs import MemberStage

SERVERS, BAD, WORKERS, THREADS = 200, 60, 2, 32
DEADLINE, THINK = 5, 0.5
#: First contact, and so many runs after it; so often with nobody in trouble, to compare with.
RUNS, HEALTHY_ROUNDS = 3, 3
FIRST_LIMIT = BAD * DEADLINE / (WORKERS * THREADS)
LATER_LIMIT = 1.3
_LOOK_SECONDS = 0.02
_PATIENCE_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Day:
    """A kind of day: who is struck by what; the servers with low numbers, which are asked first."""

    name: str
    kinds: tuple[Bad, ...] = ()

    def struck(self, names: Collection[str]) -> dict[str, Bad]:
        """Nobody on a healthy day."""
        bad = list(names)[:BAD] if self.kinds else []
        return {name: self.kinds[n % len(self.kinds)] for n, name in enumerate(bad)}


DAYS = (*(Day(kind.value, (kind,)) for kind in Bad), Day("mixed", tuple(Bad)))


@dataclass(slots=True)
class Times:
    """Seconds until the healthy pairs were judged: on first contact, and later."""

    first: list[float] = field(default_factory=list)
    later: list[float] = field(default_factory=list)


def run(report: Report) -> None:
    """Print every run, then the worst of each kind of day against a healthy one."""
    report.head(
        f"bad fleets: {SERVERS} servers x {THINK} s, {BAD} of them in trouble; {WORKERS} workers x "
        f"{THREADS} threads, deadline {DEADLINE} s, NTLM over HTTP, encrypted; PostgreSQL; seconds "
        "until every pair of two healthy servers is judged"
    )
    with running_postgres() as server, running_valkey() as broker:
        healthy = Times()
        for _ in range(HEALTHY_ROUNDS):
            _round(report, Day("healthy"), healthy, server, broker)
        bad = {day.name: Times() for day in DAYS}
        for day in DAYS:
            _round(report, day, bad[day.name], server, broker)
    first, later = statistics.median(healthy.first), statistics.median(healthy.later)
    for name, times in bad.items():
        report.at_most(
            f"{name}: first contact, healthy {first:.2f} s + {BAD} x {DEADLINE} s / "
            f"{WORKERS * THREADS}",
            max(times.first),
            first + FIRST_LIMIT,
            "s",
        )
        report.ratio(f"{name}: later run / healthy one", max(times.later), later, LATER_LIMIT)


def _round(
    report: Report, day: Day, times: Times, server: PostgresServer, broker: ValkeyServer
) -> None:
    """A database that knows nothing, and runs over it."""
    with server.database() as name, _office(server.url(name), broker) as at:
        names = [each.name for each in at.running.fleet.servers]
        struck = day.struck(names)
        strike(at, struck, think_seconds=THINK)
        healthy = set(names[BAD:])
        for number in range(RUNS):
            done, over, read = _timed(at, healthy)
            assert read >= healthy, "who is healthy is read"
            (times.later if number else times.first).append(done)
            refused = sum(s.logons_refused for s in at.running.simulator.stations)
            report.line(
                f"{day.name}, run {number + 1}: healthy pairs {done:.2f} s, run {over:.2f} s, "
                f"{len(read)} read, logons refused so far {refused}"
            )
    broker.client().flushall()


@contextmanager
def _office(url: str, broker: ValkeyServer) -> Iterator[Installation]:
    inputs = made(SERVERS, partners=2)
    plain = {server.name: Listener(tls=False) for server in inputs.servers}
    settings = {
        "CONCURRENCY": str(THREADS),
        "POLL_DEADLINE": str(DEADLINE),
        "TICK": "1",
        "INTERVAL": "7200",
        "LEASE": "30",
        "SWEEP": "10",
    }
    with installation(inputs, url, broker, plain, begin, **settings) as at:
        at.hire_everybody(*["read"] * WORKERS, "control")
        yield at


def _timed(at: Installation, healthy: set[str]) -> tuple[float, float, set[str]]:
    """Seconds until the pairs of the healthy are judged, until the run is over, and who was read."""
    with at.ipam.store.read() as reading:
        wanted = {server.id for server in reading.inventory.servers() if server.name in healthy}
    before = len(scheduled(at))
    everybody_is_due(at)
    eventually(lambda: len(scheduled(at)) > before)
    number = scheduled(at)[-1]
    judged = over = 0.0
    limit = time.monotonic() + _PATIENCE_SECONDS
    while not over:
        assert time.monotonic() < limit, at.stuck()
        with at.ipam.store.read() as reading:
            told = reading.runs.find(number)
            assert told is not None
            open_ones = {
                m.server
                for m in reading.members.of_run(number)
                if m.stage is not MemberStage.JUDGED
            }
            passed = (reading.now() - told.started_at).total_seconds()
        if not judged and (told.ended_at is not None or open_ones.isdisjoint(wanted)):
            judged = passed
        if told.ended_at is not None:
            over = (told.ended_at - told.started_at).total_seconds()
        time.sleep(_LOOK_SECONDS)
    summary = at.summary(number)
    read = {summary.names[s] for s, told in summary.sightings.items() if isinstance(told, Seen)}
    return min(judged, over), over, read
