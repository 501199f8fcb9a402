"""What a reading proves of a problem's life, and that none proves nothing; on real runs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from reconcile.model.findings import Kind
from reconcile.model.nouns import State
from tests.worker.alerts.delivery.clocks import Clock, on_sqlite
from tests.worker.alerts.delivery.small_fleet import PAIRS, SmallFleet

HQ = PAIRS[0]
INTERVAL = timedelta(minutes=15)


@pytest.fixture
def fleet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallFleet]:
    """All is well, and was seen."""
    monkeypatch.setattr("worker.store.connection.monotonic", lambda: 0.0)
    clock = Clock()
    with on_sqlite(tmp_path)(clock) as store:
        fleet = SmallFleet(store, clock)
        read(fleet)
        yield fleet


def read(fleet: SmallFleet) -> None:
    fleet.sync()
    fleet.later(INTERVAL)


def is_open(fleet: SmallFleet, kind: Kind) -> bool:
    with fleet.store.read() as reading:
        return any(p.is_open for p in reading.findings.unresolved(kinds=[kind]))


def test_a_state_that_goes_on_is_confirmed_whatever_it_is_by_then(fleet: SmallFleet) -> None:
    """The second partner notices later, or the state moves on: it is not normal in two readings."""
    fleet.becomes(HQ, 0, state=State.COMMUNICATIONS_INTERRUPTED)
    read(fleet)
    assert not is_open(fleet, Kind.STATE_NOT_NORMAL)
    fleet.becomes(HQ, 1, state=State.COMMUNICATIONS_INTERRUPTED)
    read(fleet)
    assert is_open(fleet, Kind.STATE_NOT_NORMAL)


def test_what_nobody_could_see_again_is_not_confirmed(fleet: SmallFleet) -> None:
    fleet.becomes(HQ, 0, state=State.COMMUNICATIONS_INTERRUPTED)
    read(fleet)
    fleet.unreadable = {1, 2}
    read(fleet)
    assert not is_open(fleet, Kind.STATE_NOT_NORMAL)
    fleet.unreadable = {2}
    read(fleet)
    assert is_open(fleet, Kind.STATE_NOT_NORMAL)


def test_a_reading_without_the_relationship_confirms_no_state_of_it(fleet: SmallFleet) -> None:
    """That nobody tells it any more is another problem, and no word about its state."""
    fleet.becomes(HQ, 1, state=State.COMMUNICATIONS_INTERRUPTED)
    fleet.unreadable = {1}
    read(fleet)
    fleet.becomes(HQ, 1, tells=False)
    read(fleet)
    assert is_open(fleet, Kind.ABSENCE_UNVERIFIED)
    assert not is_open(fleet, Kind.STATE_NOT_NORMAL)


def test_what_flaps_is_no_calmer_while_nobody_looks(fleet: SmallFleet) -> None:
    for _ in range(3):
        fleet.becomes(HQ, 0, mclt=7200)
        read(fleet)
        fleet.becomes(HQ, 0, mclt=3600)
        read(fleet)
    fleet.unreadable = {1, 2}
    fleet.later(timedelta(hours=1))
    read(fleet)
    assert is_open(fleet, Kind.PARTNER_MISMATCH)
    fleet.unreadable = set()
    read(fleet)
    assert not is_open(fleet, Kind.PARTNER_MISMATCH)
