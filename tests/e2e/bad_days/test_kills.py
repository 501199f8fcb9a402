"""Workers that are killed at the worst moments, and at any: it costs time and nothing else."""

from __future__ import annotations

import json
import random
import sys
import time
from pathlib import Path

import pytest

from collectors.simulator.fleet import made
from tests.e2e.bad_days.aftermath import assert_as_after_a_quiet_day, assert_nothing_is_half_done
from tests.e2e.bad_days.doomed import Point
from tests.e2e.bad_days.installation import Installation, installation
from tests.e2e.bad_days.nursery import begin
from tests.processes import eventually
from tests.valkey import ValkeyServer

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="children are bound by Linux")

SERVERS, KILLS, RUNS = 50, 20, 2
#: Named points are found by name, not by chance.
FEW = 12


def drift(at: Installation, number: int) -> int:
    """Something to record and apply in every fifth relationship; so many operations."""
    changed = 0
    for server in at.running.fleet.servers[number % 5 :: 5]:
        for copy in server.copies.values():
            if copy.primary:
                at.running.change(copy.name, {"mclt_seconds": str(3600 + 60 * number)})
                changed += 1
    return changed


def bad_day(at: Installation, number: int, point: Point) -> tuple[int, int]:
    """A run that comes by this point, and so many operations that it has to do."""
    match point:
        case Point.CONCLUDED_NOT_PUBLISHED:
            return at.ask(server="dhcp0001"), 4  # nothing is known yet, so it has partners to tell
        case Point.RECORDED_NOT_APPLIED:
            return at.ask(), 2 * FEW - 4
        case Point.IN_THE_MIDDLE_OF_CLOSING:
            at.running.change("dhcp0010-dhcp0011", {"deleted": "true"})
            return at.ask(), 1
        case _:
            changed = drift(at, number)
            return at.ask(), changed


def order(at: Installation, point: Point) -> Path:
    """Who is the first to get there is to be killed."""
    order = at.directory / "orders" / point
    order.touch()
    return order


def killed_at(at: Installation, order: Path) -> str:
    """Who was, when it is done: one process, and at this point."""
    eventually(at.the_dead)
    (name,) = at.the_dead()
    assert order.with_suffix(f".{at.staff[name].pid}").exists(), "killed, but not there"
    return name


def in_flight(at: Installation, run: int) -> list[str]:
    """Messages about the run that the broker gave to somebody who has not acknowledged them."""
    given = [json.loads(text)[0] for text in at.broker.client().hvals("unacked")]
    about = [message["headers"]["argsrepr"] for message in given]
    return [ids for ids in about if ids.startswith(f"({run},")]


def test_who_is_killed_at_the_worst_moment_costs_time_and_nothing_else(
    postgres_url: str, broker: ValkeyServer
) -> None:
    with installation(made(FEW), postgres_url, broker, begin=begin) as at:
        (at.directory / "orders").mkdir()
        command = (sys.executable, "-m", "tests.e2e.bad_days.doomed", f"{at.directory}/orders")
        for role in ("on-demand", "on-demand", "control"):
            at.hire("worker", "--role", role, command=command)
        at.hire("beat")
        at.wait_until_ready()
        operations = 0
        for number, point in enumerate(Point):
            given = order(at, point)
            run, needed = bad_day(at, number, point)
            operations += needed
            killed_at(at, given)
            if point is Point.APPLIED_NOT_ACKNOWLEDGED:
                assert in_flight(at, run)
            at.replace_the_dead()
            assert_nothing_is_half_done(at, run)
        assert_as_after_a_quiet_day(at, operations)


def test_who_is_killed_at_any_moment_costs_time_and_nothing_else(broker: ValkeyServer) -> None:
    seed = random.SystemRandom().randrange(10**6)
    print(f"seed {seed}")  # noqa: T201 - shown when it fails, as all that is printed
    dice = random.Random(seed)  # noqa: S311 - moments, no secrets
    with installation(made(SERVERS), None, broker, begin=begin) as at:
        at.hire_everybody("on-demand", "on-demand", "control")
        operations = 2 * SERVERS
        for number in range(RUNS):
            operations += drift(at, number) if number else 0
            run = at.ask()
            for _ in range(KILLS // RUNS):
                time.sleep(dice.uniform(0.0, 0.3))  # the moment is left to chance
                eventually(lambda: any(at.is_ready(name) for name in at.staff))
                victim = dice.choice([name for name in at.staff if at.is_ready(name)])
                print(f"run {run}: {victim} is killed")  # noqa: T201
                at.kill(victim)
                at.replace_the_dead()
            assert_nothing_is_half_done(at, run)
        at.wait_until_ready()
        assert_as_after_a_quiet_day(at, operations)
