"""Workers that are killed at the worst moments, and at any: it costs time and nothing else."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from collectors.simulator.fleet import made
from tests.e2e.bad_days.doomed import POINTS
from tests.e2e.bad_days.installation import Installation, installation
from tests.processes import eventually
from tests.valkey import ValkeyServer

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="children are bound by Linux")

SERVERS, KILLS = 50, 20


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str | None:
    """A database that stands all this."""
    if request.param == "sqlite":
        return None
    given: str = request.getfixturevalue("postgres_url")
    return given


@pytest.fixture
def at(url: str | None, broker: ValkeyServer) -> Iterator[Installation]:
    """Fifty servers that IPAM knows; nobody works yet."""
    with installation(made(SERVERS), url, broker) as at:
        yield at


def drift(at: Installation, number: int) -> None:
    """Something to record and apply in every fifth relationship."""
    servers = at.running.fleet.servers
    for server in servers[number % 5 :: 5]:
        for copy in server.copies.values():
            if copy.primary:
                at.running.change(copy.name, {"mclt_seconds": str(3600 + 60 * number)})


def doomed(at: Installation, point: str) -> tuple[str, ...]:
    """How those run who may be killed there, one of them."""
    mark = str(at.directory / f"{point}.mark")
    return (sys.executable, "-m", "tests.e2e.bad_days.doomed", point, mark)


def test_who_is_killed_at_the_worst_moment_costs_time_and_nothing_else(at: Installation) -> None:
    for number, point in enumerate(POINTS, 1):
        for role in ("on-demand", "control"):
            at.hire("worker", "--role", role, command=doomed(at, point))
        at.hire("worker", "--role", "on-demand")
        at.hire("beat")
        at.wait_until_ready()
        drift(at, number)
        run = at.ask()
        eventually(at.the_dead)
        at.replace_the_dead()
        at.assert_nothing_is_half_done(run)
        at.assert_as_after_a_quiet_day()
        at.dismiss()


def test_who_is_killed_at_any_moment_costs_time_and_nothing_else(
    at: Installation, tmp_path: Path
) -> None:
    seed = random.SystemRandom().randrange(10**6)
    print(f"seed {seed}")  # noqa: T201 - shown when it fails
    dice = random.Random(seed)
    at.hire_everybody("on-demand", "on-demand", "control")
    kills = 0
    number = 0
    while kills < KILLS:
        number += 1
        drift(at, number)
        run = at.ask()
        while not at.is_over(run) and kills < KILLS:
            time.sleep(dice.uniform(0.0, 0.3))  # the moment is left to chance
            victim = dice.choice([n for n, p in at.staff.items() if p.poll() is None])
            at.kill(victim)
            kills += 1
            at.replace_the_dead()
        at.assert_nothing_is_half_done(run)
    at.wait_until_ready()
    at.assert_as_after_a_quiet_day()
