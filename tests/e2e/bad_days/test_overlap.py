"""Runs, workers, beats and people at the same time: nothing twice, and nobody in another's way."""

from __future__ import annotations

import sys
from collections import defaultdict
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from sqlalchemy import select

from collectors.simulator.fleet import Relationship, made
from reconcile.model.findings import Kind
from reconcile.model.nouns import Operation
from reconcile.model.record import EntryStatus
from tests.e2e.bad_days.aftermath import assert_as_after_a_quiet_day, assert_nothing_is_half_done
from tests.e2e.bad_days.installation import Installation, installation
from tests.e2e.bad_days.nursery import begin
from tests.e2e.bad_days.test_kills import drift
from tests.processes import eventually
from tests.valkey import ValkeyServer
from tests.worker.cli.site import Outcome, ended
from worker.model.runs import Poll, Trigger
from worker.store.tables.failover import run
from worker.store.unit_of_work import Store

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="children are bound by Linux")

SERVERS = 12
BY_HAND = ("operations", "apply", "--all", "--yes", "--json")
INTERVAL, ROUNDS = timedelta(seconds=2), 2


def make_due(at: Installation) -> None:
    """Everybody is to be read by the schedule from now on."""
    with at.ipam.store.write() as uow:
        for server in uow.inventory.servers():
            uow.schedule.save([Poll(server.id, uow.now())])
        uow.commit()


def relate(at: Installation, name: str, one: str, other: str) -> None:
    """An administrator makes a relationship between servers that had none."""
    fleet = at.running.fleet
    wanted = Relationship(name, fleet.server(one).name, fleet.server(other).name, ("172.20.0.0",))

    async def relating() -> None:
        fleet.relate(wanted)

    at.running.simulator.call(relating())


def scheduled(at: Installation) -> dict[int, list[datetime]]:
    """When runs of the schedule about each server began, those that are over."""
    store = at.ipam.store
    assert isinstance(store, Store)
    with store.read() as reading:
        everybody = [server.id for server in reading.inventory.servers()]
    asked = select(run.c.started_at, run.c.targets).order_by(run.c.id)
    asked = asked.where(run.c.started_by == Trigger.SCHEDULE, run.c.ended_at.is_not(None))
    began: defaultdict[int, list[datetime]] = defaultdict(list)
    with store.engine.connect() as connection:
        for started_at, targets in connection.execute(asked):
            for server in everybody if targets is None else targets:
                began[server].append(started_at)
    return began


def numbers(told: Outcome) -> set[int]:
    """What an operator applied."""
    return set(told.json["applied"])


def lines_of(at: Installation, status: EntryStatus) -> set[str]:
    """Relationships with an operation of this status."""
    return {e.planned.relationship for e in at.entries() if e.status is status}


def test_two_of_everybody_do_the_schedule_a_run_and_a_trigger_once(
    postgres_url: str, broker: ValkeyServer
) -> None:
    with installation(
        made(SERVERS),
        postgres_url,
        broker,
        begin=begin,
        INTERVAL=str(INTERVAL.seconds),
        TICK="1",
        LEASE="30",  # nobody dies
        CONCURRENCY="4",  # the database has 50 connections
    ) as at:
        roles = ("read", "on-demand", "control")
        at.hire_everybody(*roles, *roles)
        at.hire("beat")
        beats = [name for name in at.staff if name.startswith("beat")]
        at.wait_until_ready()
        make_due(at)
        eventually(lambda: len(at.records()) == 2 * SERVERS)
        operations = 2 * SERVERS + drift(at, 1) + 1
        everything = at.ask()
        relate(at, "learnt of late", "dhcp0001", "dhcp0007")
        told = ended(at.say("reconcile", "--server", "dhcp0001", "--wait", "--json"))
        assert told.code == 0, told
        eventually(lambda: min(map(len, scheduled(at).values()), default=0) >= ROUNDS)
        at.dismiss(*beats)
        eventually(at.is_quiet)
        assert_nothing_is_half_done(at, everything)
        for times_of_one in scheduled(at).values():
            apart = [later - earlier for earlier, later in pairwise(times_of_one)]
            # The new relationship made one group of two, which comes along once with the other's turn.
            early = [gap for gap in apart if gap < INTERVAL * 0.9]
            assert len(early) <= 1, "never twice in its interval"
        assert_as_after_a_quiet_day(at, operations)
        assert at.running.simulator.open_shells() == 0


def test_operators_apply_by_hand_while_workers_apply_states(
    postgres_url: str, broker: ValkeyServer
) -> None:
    """Under review: what people decide, and facts that nobody refuses, of the same relationships."""
    with installation(made(SERVERS), postgres_url, broker, begin=begin, POLICY="review") as at:
        at.hire_everybody("on-demand", "on-demand", "control")
        asked = at.ask()
        at.wait_for(asked)
        assert numbers(ended(at.say(*BY_HAND))) == set(range(1, 2 * SERVERS + 1))
        changed = drift(at, 1)
        at.wait_for(at.ask())
        for name in sorted(lines_of(at, EntryStatus.PENDING)):
            at.running.change(f"{name}@{name.partition('-')[0]}", {"state": "PartnerDown"})
        asked = at.ask()
        operators = [at.say(*BY_HAND) for _ in range(2)]
        first, second = (numbers(ended(operator)) for operator in operators)
        assert first.isdisjoint(second)
        assert len(first | second) >= changed, "a state, too, if they came before the worker"
        assert_nothing_is_half_done(at, asked)
        assert_as_after_a_quiet_day(at, 2 * SERVERS + 2 * changed)


def test_a_server_that_is_disabled_in_the_middle_of_a_run_keeps_what_it_has(
    broker: ValkeyServer,
) -> None:
    """Both partners lack a relationship by then, but one is not to be asked any more.

    Who is reading it is told to end, leaves no shell, and hands it to one who does not ask.
    """
    with installation(made(SERVERS), None, broker, begin=begin) as at:
        at.hire_everybody("on-demand", "control")
        at.run()
        at.running.change("dhcp0001-dhcp0002", {"deleted": "true"})
        operations = 2 * SERVERS + drift(at, 2) + 1
        at.running.change("dhcp0001", {"think_seconds": "9"})
        asked = at.ask()
        station = at.running.station("dhcp0001")
        eventually(lambda: at.running.simulator.open_shells(station))
        assert ended(at.say("servers", "disable", "dhcp0001")).code == 0
        at.running.change("dhcp0001", {"think_seconds": "0"})
        readings = station.runs
        at.dismiss(next(name for name in at.staff if name.startswith("on-demand")))
        assert at.running.simulator.open_shells() == 0
        at.hire("worker", "--role", "on-demand")
        assert_nothing_is_half_done(at, asked)
        summary = at.summary(asked)
        assert (len(summary.sightings), station.runs) == (SERVERS - 1, readings)
        assert {f.kind for f in summary.findings} == {Kind.ABSENCE_UNVERIFIED}
        assert len(at.records()) == 2 * SERVERS
        assert ended(at.say("servers", "enable", "dhcp0001")).code == 0
        (line,) = at.run().lines
        assert line.planned.operation is Operation.DELETE
        assert_as_after_a_quiet_day(at, operations)
