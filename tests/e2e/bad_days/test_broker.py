"""A broker that is killed, loses all it had, or is flushed while work is queued there."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from typing import Final

import pytest

from collectors.simulator.fleet import made
from tests.e2e.bad_days.aftermath import assert_as_after_a_quiet_day, assert_nothing_is_half_done
from tests.e2e.bad_days.installation import Installation, installation
from tests.e2e.bad_days.nursery import begin
from tests.e2e.bad_days.test_kills import drift
from tests.processes import eventually
from tests.valkey import ValkeyServer, running_valkey
from worker.model.runs import Lane, Trigger

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="children are bound by Linux")

SERVERS = 20


def restart(broker: ValkeyServer) -> None:
    """It has what it had."""
    broker.kill()
    broker.start()


def lose(broker: ValkeyServer) -> None:
    """It has nothing."""
    broker.kill()
    broker.lose_files()
    broker.start()


def flush(broker: ValkeyServer) -> None:
    """The same without a lost connection."""
    broker.client().flushall()


MISHAPS: Final[tuple[tuple[Callable[[ValkeyServer], None], Trigger], ...]] = (
    (restart, Trigger.CLI),
    (lose, Trigger.SCHEDULE),
    (flush, Trigger.CLI),
)


def work_is_queued(at: Installation, lane: Lane) -> bool:
    """Some of it is in somebody's hands, and some waits."""
    client = at.broker.client()
    return bool(
        client.hlen("unacked") and client.llen(lane.value) and at.running.simulator.open_shells()
    )


def come_late(at: Installation, run: int) -> None:
    """Messages of a run that is over, each twice: the broker gave them to somebody else once more."""
    at.dismiss(next(name for name in at.staff if name.startswith("beat")))
    at.broker.client().delete("unacked", "unacked_index")  # of connections that were lost
    read_before = [station.runs for station in at.running.simulator.stations]
    for server in 2 * tuple(range(1, SERVERS + 1)):
        at.dispatcher.read(run, server, Lane.ON_DEMAND)
        at.dispatcher.settle(run)
    eventually(at.is_quiet)
    assert [station.runs for station in at.running.simulator.stations] == read_before


def test_what_a_broker_loses_is_sent_again_and_done_once() -> None:
    slow = {"think_seconds": "0.2"}
    with (
        running_valkey() as broker,
        installation(made(SERVERS), None, broker, begin=begin, CONCURRENCY="8") as at,
    ):
        at.hire_everybody()
        for server in at.running.fleet.servers:
            at.running.change(server.name, slow)
        operations = 2 * SERVERS
        runs: list[int] = []
        for number, (mishap, trigger) in enumerate(MISHAPS):
            operations += drift(at, number) if number else 0
            runs.append(at.ask(trigger=trigger))
            lane = Lane.READ if trigger is Trigger.SCHEDULE else Lane.ON_DEMAND
            eventually(partial(work_is_queued, at, lane))
            mishap(broker)
            assert_nothing_is_half_done(at, runs[-1])
        come_late(at, runs[-1])
        assert_as_after_a_quiet_day(at, operations)
        assert at.running.simulator.open_shells() == 0
        assert at.the_dead() == []
