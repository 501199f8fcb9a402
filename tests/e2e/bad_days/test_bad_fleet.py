"""Nearly every third server of a fleet has a bad day: the others are read and judged as on any day."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager

import pytest

from collectors.simulator.fleet import made
from collectors.simulator.running import Listener
from reconcile.model.findings import Kind
from reconcile.model.nouns import Operation, Seen, Sighting, Skipped, SkipReason, Unseen
from tests.e2e.bad_days.aftermath import assert_as_after_a_quiet_day, assert_nothing_is_half_done
from tests.e2e.bad_days.bad_servers import Bad, everybody_is_due, scheduled, strike
from tests.e2e.bad_days.installation import Installation, installation
from tests.e2e.bad_days.nursery import begin
from tests.processes import eventually
from tests.valkey import ValkeyServer

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="children are bound by Linux")

MANY, FEW = 200, 20
WORKERS, THREADS = 2, 32
#: The run is over in a tenth of this, on a machine that does nothing else.
TAKING_AWAY = {Operation.DELETE, Operation.REMOVE_SCOPES}


@contextmanager
def fleet(servers: int, url: str, broker: ValkeyServer, *, deadline: int) -> Iterator[Installation]:
    """Read by the schedule, with 64 threads in two processes, in so many seconds each at most."""
    inputs = made(servers, partners=2)
    plain = {server.name: Listener(tls=False) for server in inputs.servers}
    settings = {"CONCURRENCY": str(THREADS), "POLL_DEADLINE": str(deadline)}
    schedule = {"TICK": "1", "INTERVAL": "7200"}
    with installation(inputs, url, broker, plain, begin, **settings, **schedule) as at:
        at.hire_everybody(*["read"] * WORKERS, "control")
        yield at


#: One of each, and a mixture in which those that take time are few, for it is that of the test.
EACH = tuple(Bad)
MIXED = (*(Bad.DOWN, Bad.GARBAGE, Bad.WRONG_PASSWORD) * 4, Bad.SILENT, Bad.HANGING, Bad.DRIPPING)


def third(at: Installation, kinds: tuple[Bad, ...]) -> dict[str, Bad]:
    """Three of ten servers, which stand together, with these kinds of bad days in turn."""
    names = [server.name for server in at.running.fleet.servers]
    bad = names[: len(names) * 3 // 10]
    return {name: kinds[number % len(kinds)] for number, name in enumerate(bad)}


def run(at: Installation) -> dict[str, Sighting]:
    """What came of everybody in a run of the schedule."""
    before = len(scheduled(at))
    everybody_is_due(at)
    eventually(lambda: len(scheduled(at)) > before)
    number = scheduled(at)[-1]
    at.wait_for(number)
    assert_nothing_is_half_done(at, number)
    summary = at.summary(number)
    return {summary.names[server]: s for server, s in summary.sightings.items()}


def told(at: Installation, struck: Collection[str]) -> set[str]:
    """Relationships that a healthy server has."""
    healthy = (s for s in at.running.fleet.servers if s.name not in struck)
    return {copy.name for server in healthy for copy in server.copies.values()}


def refusals(at: Installation) -> int:
    """Failed logons, as a domain would count them."""
    return sum(station.logons_refused for station in at.running.simulator.stations)


def operations(at: Installation) -> set[Operation]:
    """Of which kinds there ever was one."""
    return {entry.planned.operation for entry in at.entries()}


def test_the_healthy_are_judged_nothing_is_deleted_and_no_account_is_locked(
    postgres_url: str, broker: ValkeyServer
) -> None:
    with fleet(MANY, postgres_url, broker, deadline=5) as at:
        struck = third(at, MIXED)
        strike(at, struck, think_seconds=0.1)
        for what in ("first contact", "from then on in the slow lane"):
            came = run(at)
            assert len(came) == MANY
            unread = {name for name, sighting in came.items() if not isinstance(sighting, Seen)}
            assert unread == set(struck), what
            assert refusals(at) <= 3, "by 2 runs of 2 workers with 32 threads each"
        assert {record.relationship_name for record in at.records()} == told(at, struck)
        assert operations(at) == {Operation.CREATE}


def test_what_was_known_stays_until_the_bad_days_are_over(
    postgres_url: str, broker: ValkeyServer
) -> None:
    with fleet(FEW, postgres_url, broker, deadline=3) as at:
        at.hire("worker", "--role", "on-demand")
        assert {type(s) for s in at.run().sightings.values()} == {Seen}
        before = at.records()
        struck = third(at, EACH)
        strike(at, struck, think_seconds=0.1)
        for _ in range(2):
            came = run(at)
            assert {n for n, s in came.items() if not isinstance(s, Seen)} == set(struck)
            assert at.records() == before
        assert refusals(at) == 1, "one server is asked as somebody who has a wrong password"
        strike(at, {}, think_seconds=0)
        assert_as_after_a_quiet_day(at, FEW)


def test_a_password_that_turns_wrong_costs_no_more_logons_than_are_under_way(
    postgres_url: str, broker: ValkeyServer
) -> None:
    with fleet(MANY, postgres_url, broker, deadline=5) as at:
        strike(at, {}, think_seconds=0.2)
        everybody_is_due(at)
        eventually(lambda: accepted(at) >= 2 * THREADS)  # everybody may log on, and does
        at.running.simulator.call(turn_wrong(at))
        (number,) = scheduled(at)
        at.wait_for(number)
        outcomes = Counter(map(outcome, at.summary(number).sightings.values()))
        assert 3 <= refusals(at) <= WORKERS * THREADS
        assert outcomes["auth"] <= refusals(at), "some log on once more to delete their shell"
        assert outcomes[SkipReason.CREDENTIAL] > 0, "nobody goes on trying"
        with at.ipam.store.read() as reading:
            found = [f.finding.kind for f in reading.findings.unresolved(None)]
        assert found.count(Kind.CREDENTIAL_SUSPENDED) == 1
        before = refusals(at)
        assert {outcome(s) for s in run(at).values()} == {SkipReason.CREDENTIAL}
        assert refusals(at) == before, "and none from then on"


def accepted(at: Installation) -> int:
    """So many logons went well."""
    return sum(station.logons_accepted for station in at.running.simulator.stations)


async def turn_wrong(at: Installation) -> None:
    """From one moment to the next no server accepts the account any more."""
    user = at.running.account.username.casefold()
    for server in at.running.fleet.servers:
        server.refuses = frozenset({user})


def outcome(sighting: Sighting) -> str:
    """In one word."""
    match sighting:
        case Seen():
            return "seen"
        case Unseen():
            return sighting.failure.code
        case Skipped():
            return sighting.reason
