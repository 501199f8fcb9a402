"""A broker that is killed, loses all it had, or is flushed while work is queued there."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Final

import pytest

from collectors.simulator.fleet import made
from tests.e2e.bad_days.installation import Installation, installation
from tests.e2e.bad_days.nursery import begin
from tests.e2e.bad_days.test_kills import drift
from tests.processes import eventually
from tests.valkey import ValkeyServer, running_valkey
from worker.ports import Trigger
from worker.run_ports import Lane

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="children are bound by Linux")

SERVERS = 24


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
    return bool(client.hlen("unacked") and client.llen(lane.value) and at.running.simulator.open_shells())


def test_what_a_broker_loses_is_sent_again_and_done_once() -> None:
    slow = {"think_seconds": "0.3"}
    with (
        running_valkey() as broker,
        installation(made(SERVERS), None, broker, begin=begin, CONCURRENCY="8") as at,
    ):
        at.hire_everybody()
        for server in at.running.fleet.servers:
            at.running.change(server.name, slow)
        operations = 2 * SERVERS
        for number, (mishap, trigger) in enumerate(MISHAPS):
            operations += drift(at, number) if number else 0
            run = at.ask(trigger=trigger)
            lane = Lane.READ if trigger is Trigger.SCHEDULE else Lane.ON_DEMAND
            eventually(lambda lane=lane: work_is_queued(at, lane))
            mishap(broker)
            at.assert_nothing_is_half_done(run)
        at.assert_as_after_a_quiet_day(operations)
        assert at.running.simulator.open_shells() == 0
        assert at.the_dead() == []
