"""Maintenance windows: open by the database's clock, ended by a person or by themselves, kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from tests.worker.store.samples import add_servers, remove_by_hand
from worker.model.maintenance import Window, paused, resting
from worker.store.unit_of_work import Store

HOUR = timedelta(hours=1)


@pytest.fixture
def servers(store: Store) -> list[int]:
    """Two servers."""
    return add_servers(store, 2)


EPOCH = datetime.fromisoformat("2026-01-01T00:00:00Z")


def window(
    server: int, relationship: str | None = None, *, starts_in: timedelta, ends_in: timedelta
) -> Window:
    """One that begins and ends so long after EPOCH; ``add`` makes that after now."""
    return Window(0, server, relationship, EPOCH + starts_in, EPOCH + ends_in, "new disks", "ada")


def add(store: Store, *windows: Window) -> list[Window]:
    """Keep them, with their times counted from now by the database's clock; as they are kept."""
    with store.write() as uow:
        shift = uow.now() - EPOCH
        kept = [
            replace(w, starts_at=w.starts_at + shift, ends_at=w.ends_at + shift) for w in windows
        ]
        numbers = [uow.maintenance.add(w) for w in kept]
        uow.commit()
    return [replace(w, id=number) for w, number in zip(kept, numbers, strict=True)]


def test_a_window_is_kept_as_it_was_given(store: Store, servers: list[int]) -> None:
    given = add(
        store,
        window(servers[0], starts_in=-HOUR, ends_in=HOUR),
        window(servers[1], "HQ ü", starts_in=HOUR, ends_in=2 * HOUR),
    )
    with store.read() as reading:
        assert list(reading.maintenance.windows()) == given


def test_open_are_those_that_have_begun_and_not_ended(store: Store, servers: list[int]) -> None:
    one = servers[0]
    over, now, to_come = add(
        store,
        window(one, starts_in=-2 * HOUR, ends_in=-HOUR),
        window(one, starts_in=-HOUR, ends_in=HOUR),
        window(one, starts_in=HOUR, ends_in=2 * HOUR),
    )
    with store.read() as reading:
        assert reading.maintenance.open_windows() == (now,)
        assert reading.maintenance.windows() == (now, to_come)
        assert reading.maintenance.windows(over=True) == (over, now, to_come)


def test_one_that_is_ended_is_kept_with_who_did(store: Store, servers: list[int]) -> None:
    (lasting,) = add(store, window(servers[0], starts_in=-HOUR, ends_in=HOUR))
    with store.write() as uow:
        assert uow.maintenance.end(lasting.id, "grace")
        assert not uow.maintenance.end(lasting.id, "somebody else"), "it is over by now"
        uow.commit()
    with store.read() as reading:
        assert reading.maintenance.open_windows() == ()
        (ended,) = reading.maintenance.windows(over=True)
        assert ended.ends_at <= reading.now()
    assert replace(ended, ends_at=lasting.ends_at) == replace(lasting, ended_by="grace")


def test_one_that_has_not_begun_can_be_taken_back(store: Store, servers: list[int]) -> None:
    (coming,) = add(store, window(servers[0], starts_in=HOUR, ends_in=2 * HOUR))
    with store.write() as uow:
        assert uow.maintenance.end(coming.id, "ada")
        uow.commit()
    with store.read() as reading:
        assert reading.maintenance.windows() == ()


def test_one_that_nobody_began_is_not_ended(store: Store) -> None:
    with store.write() as uow:
        assert not uow.maintenance.end(4711, "ada")


def test_what_is_over_is_left_as_it_ended(store: Store, servers: list[int]) -> None:
    (over,) = add(store, window(servers[0], starts_in=-2 * HOUR, ends_in=-HOUR))
    with store.write() as uow:
        assert not uow.maintenance.end(over.id, "grace")
        uow.commit()
    with store.read() as reading:
        assert reading.maintenance.windows(over=True) == (over,)


def test_when_the_last_one_of_a_server_ended_or_ends_is_known_for_ever(
    store: Store, servers: list[int]
) -> None:
    one, two = servers
    long_ago, lately, *_ = add(
        store,
        window(one, starts_in=-9000 * HOUR, ends_in=-8000 * HOUR),
        window(two, starts_in=-3 * HOUR, ends_in=-2 * HOUR),
        window(two, starts_in=-8 * HOUR, ends_in=-HOUR),
        window(two, "HQ", starts_in=-HOUR, ends_in=HOUR),
        window(two, starts_in=HOUR, ends_in=2 * HOUR),
    )
    with store.read() as reading:
        ended = lately.ends_at + HOUR
        assert reading.maintenance.last_ends(servers) == {one: long_ago.ends_at, two: ended}
        assert reading.maintenance.last_ends([one]) == {one: long_ago.ends_at}
        assert reading.maintenance.last_ends([]) == {}
    (lasting,) = add(store, window(one, starts_in=-HOUR, ends_in=HOUR))
    with store.read() as reading:
        assert reading.maintenance.last_ends([one]) == {one: lasting.ends_at}


def test_one_that_was_taken_back_before_it_began_never_was(
    store: Store, servers: list[int]
) -> None:
    """It ends before it begins, and stays so when its time has come and gone."""
    add(store, window(servers[0], starts_in=-HOUR, ends_in=-2 * HOUR))
    with store.read() as reading:
        assert reading.maintenance.last_ends(servers) == {}


def test_windows_go_with_their_server(store: Store, servers: list[int]) -> None:
    add(store, *(window(s, starts_in=-HOUR, ends_in=HOUR) for s in servers))
    with store.write() as uow:
        remove_by_hand(uow, servers[0])
        uow.commit()
    with store.read() as reading:
        assert [w.server for w in reading.maintenance.windows()] == [servers[1]]


def test_a_window_is_of_a_server_or_of_a_relationship(servers: list[int]) -> None:
    one, two = servers
    windows = [
        window(one, starts_in=-HOUR, ends_in=HOUR),
        window(two, "Zürich-HQ", starts_in=-HOUR, ends_in=HOUR),
    ]
    assert resting(windows) == {one}
    assert paused(windows) == {("zürich-hq", two)}
