"""Readings: the same words are kept once, and the latest of each server is at hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconcile.model.nouns import Identity, ReadFailure, Seen, Sighting, Skipped, SkipReason, Unseen
from tests.worker.store.samples import BEGIN, a_reading, add_servers, later, minutes, open_run
from tests.worker.store.sql_counter import counted
from worker.store.unit_of_work import Store

FAILURE = ReadFailure("unreachable", "dhcp02 did not answer", "see that it runs", retry=True)


@pytest.fixture
def servers(store: Store) -> list[int]:
    return add_servers(store, 3)


def see(store: Store, *sightings: Sighting) -> int:
    with store.write() as uow:
        run = open_run(uow)
        uow.readings.replace([(run, s) for s in sightings])
        uow.commit()
    return run


def test_a_run_tells_what_became_of_every_server_without_its_words(
    store: Store, servers: list[int]
) -> None:
    one, two, three = servers
    unseen, skipped = Unseen(two, minutes(1), FAILURE), Skipped(three, SkipReason.MAINTENANCE)
    run = see(store, skipped, unseen, a_reading(one, BEGIN, "alpha"))
    with store.read() as reading:
        assert reading.readings.sightings(run) == (Seen(one, BEGIN, ()), unseen, skipped)


def test_the_latest_reading_comes_with_words_and_identity(store: Store, servers: list[int]) -> None:
    one, two, _ = servers
    identity = Identity("DHCP01", "dhcp01.corp.example", "a-machine", None, ("10.0.0.1",))
    seen = replace(a_reading(one, BEGIN, "alpha", "beta"), identity=identity)
    see(store, seen, a_reading(two, BEGIN))
    with store.read() as reading:
        assert reading.readings.latest(servers, {}) == {one: seen, two: a_reading(two, BEGIN)}
        assert reading.readings.latest([], {}) == {}


def test_what_was_not_seen_does_not_replace_what_was(store: Store, servers: list[int]) -> None:
    """A failed read is not an empty read."""
    one, two, _ = servers
    first, second = a_reading(one, BEGIN, "alpha"), a_reading(two, BEGIN, "alpha")
    see(store, first, second)
    see(store, Unseen(one, minutes(5), FAILURE), Skipped(two, SkipReason.BREAKER))
    with store.read() as reading:
        assert reading.readings.latest(servers, {}) == {one: first, two: second}


def test_an_older_reading_never_replaces_a_newer_one(store: Store, servers: list[int]) -> None:
    newer = a_reading(servers[0], minutes(5), "alpha")
    see(store, newer)
    see(store, a_reading(servers[0], BEGIN, "beta"))
    with store.read() as reading:
        assert reading.readings.latest(servers, {}) == {servers[0]: newer}


def test_of_two_readings_of_one_time_the_later_run_counts(store: Store, servers: list[int]) -> None:
    see(store, a_reading(servers[0], BEGIN, "alpha"))
    see(store, a_reading(servers[0], BEGIN, "beta"))
    with store.read() as reading:
        latest = reading.readings.latest(servers, {})
    assert latest == {servers[0]: a_reading(servers[0], BEGIN, "beta")}


def test_the_same_words_are_kept_once(store: Store, servers: list[int]) -> None:
    one, two, _ = servers
    see(store, *(a_reading(server, BEGIN) for server in servers))
    see(store, a_reading(one, minutes(5), "alpha", "beta"))
    with counted(store.engine) as sql:
        see(store, a_reading(one, minutes(10), "beta", "alpha"), a_reading(two, minutes(10)))
    assert sql.written == {"run": 1, "sighting": 2}
    with store.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM reading").scalar() == 2


def test_a_reading_that_tells_the_very_same_is_not_fetched(
    store: Store, servers: list[int]
) -> None:
    one, two, _ = servers
    told, other = a_reading(one, BEGIN, "alpha", "beta"), a_reading(two, BEGIN, "alpha")
    see(store, told, other)
    same = replace(later(told, minutes(5)), stories=told.stories[::-1])
    changed = a_reading(two, minutes(5), "alpha", "gamma")
    with store.read() as reading, counted(store.engine) as sql:
        latest = reading.readings.latest(servers, {one: same, two: changed})
        assert sql.statements == 2
    assert latest == {one: replace(same, read_at=BEGIN), two: other}
    assert latest[one].stories is same.stories
    with store.read() as reading, counted(store.engine) as sql:
        reading.readings.latest([one], {one: same})
        assert sql.statements == 1


def test_what_a_run_could_not_see_now_comes_from_the_store(
    store: Store, servers: list[int]
) -> None:
    told = a_reading(servers[0], BEGIN, "alpha")
    see(store, told)
    now: dict[int, Sighting] = {servers[0]: Unseen(servers[0], minutes(5), FAILURE)}
    with store.read() as reading:
        assert reading.readings.latest(servers, now) == {servers[0]: told}


def test_of_a_server_that_is_read_twice_in_a_run_the_last_reading_counts(
    store: Store, servers: list[int]
) -> None:
    with store.write() as uow:
        run = open_run(uow)
        uow.readings.replace([(run, a_reading(servers[0], BEGIN))])
        uow.readings.replace([(run, a_reading(servers[0], minutes(1)))])
        uow.commit()
    with store.read() as reading:
        assert reading.readings.sightings(run) == (Seen(servers[0], minutes(1), ()),)
