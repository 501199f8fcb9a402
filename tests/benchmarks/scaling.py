"""How far more worker processes help, and how long a person waits for one server."""

from __future__ import annotations

import os
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.installed import Installed, installed
from tests.benchmarks.report import Report
from tests.benchmarks.stations import serving
from tests.postgres import running_postgres
from worker.model.runs import Trigger

SERVERS, THINK_SECONDS, THREADS = 400, 1.0, 16
PROCESSES = (1, 2, 4)
ROUNDS = 3
LINEAR = 0.8
#: From this share of all cores on, it is the machine that limits.
FULL = 0.9
ON_DEMAND_THINK_SECONDS = 0.5
IDLE_LIMIT_SECONDS, BUSY_LIMIT_SECONDS = 0.5, 2.0
SAMPLES = 9


def scaling(report: Report) -> None:
    """Unchanged runs by one, two and four processes."""
    report.head(
        f"scaling: {SERVERS} servers, {THINK_SECONDS:g} s think time, NTLM over HTTP, PostgreSQL; "
        f"1, 2 and 4 read workers of {THREADS} threads, unchanged runs"
    )
    best: dict[int, float] = {}
    with (
        running_postgres() as postgres,
        serving(SERVERS, THINK_SECONDS, tls=False) as (_, authority),
        installed(authority, postgres) as here,
    ):
        here.hire("control", concurrency=THREADS)
        for processes in PROCESSES:
            while len(here.staff) <= processes:
                here.hire("read", concurrency=THREADS)
            here.wait_until_ready()
            if not best:
                here.run(Trigger.SCHEDULE)  # records everything
            best[processes], busy = _best(report, here, processes)
            linear = best[1] / processes / best[processes]
            if processes > 1 and busy < FULL:
                report.at_least(f"{processes} processes, share of linear", linear, LINEAR)
            elif processes > 1:
                report.line(
                    f"{processes} processes, share of linear: {linear:.2f}, "
                    f"no limit: all cores are {busy:.0%} busy"
                )


def _best(report: Report, here: Installed, processes: int) -> tuple[float, float]:
    """Seconds of the best round, and how busy the cores were in it."""
    ideal = -(-SERVERS // (processes * THREADS)) * THINK_SECONDS
    rounds = []
    for number in range(1, ROUNDS + 1):
        with measured_cores() as cores:
            seconds = here.run(Trigger.SCHEDULE).seconds
        rounds.append((seconds, cores.busy))
        report.round(
            number, processes=processes, seconds=seconds, of_ideal=seconds / ideal, cores=cores.busy
        )
    return min(rounds)


@dataclass
class Cores:
    """The share of all cores' time that was not idle."""

    busy: float = 0.0


@contextmanager
def measured_cores() -> Iterator[Cores]:
    """Of the whole machine, the simulated servers' process included."""
    cores = Cores()
    all_before, idle_before = _ticks()
    yield cores
    all_after, idle_after = _ticks()
    cores.busy = 1 - (idle_after - idle_before) / max(1, all_after - all_before)


def _ticks() -> tuple[int, int]:
    """All, and those that the cores were idle or waited for a disk."""
    words = Path("/proc/stat").read_text(encoding="ascii").splitlines()[0].split()[1:9]
    numbers = [int(word) for word in words]
    return sum(numbers), numbers[3] + numbers[4]


def on_demand(report: Report) -> None:
    """Partners known and in agreement: idle, then while a full scheduled run is in progress."""
    think = ON_DEMAND_THINK_SECONDS
    report.head(
        f"on demand: {SERVERS} servers of 4 partners, {think} s think time; one worker of each "
        f"role, {os.cpu_count()} cores; seconds beyond the slowest server's"
    )
    with (
        running_postgres() as postgres,
        serving(SERVERS, think, tls=False) as (names, authority),
        installed(authority, postgres) as here,
    ):
        for role in ("read", "on-demand", "control"):
            here.hire(role, concurrency=THREADS)
        here.wait_until_ready()
        here.run(Trigger.SCHEDULE)
        servers = list(names)
        idle = [_waited(here, servers[n * 7], report, n + 1, "idle") for n in range(SAMPLES)]
        report.at_most("idle, median", statistics.median(idle), IDLE_LIMIT_SECONDS, "s")
        busy = list(_while_busy(report, here, servers[200:]))
        report.at_most("busy, median", statistics.median(busy), BUSY_LIMIT_SECONDS, "s")


def _while_busy(report: Report, here: Installed, servers: list[str]) -> Iterator[float]:
    """Full runs, one after the other, for as long as it takes."""
    over = threading.Event()

    def schedule() -> None:
        while not over.is_set():
            here.follow(here.ask(Trigger.SCHEDULE))

    scheduling = threading.Thread(target=schedule)
    scheduling.start()
    try:
        for number in range(SAMPLES):
            time.sleep(1)  # another moment of the run
            yield _waited(here, servers[number * 7], report, number + 1, "busy")
    finally:
        over.set()
        scheduling.join()


def _waited(here: Installed, server: str, report: Report, number: int, when: str) -> float:
    seconds = here.run(Trigger.CLI, server=server).seconds - ON_DEMAND_THINK_SECONDS
    report.line(f"{when} {number}: {server}: {seconds:.3f}")
    return seconds
