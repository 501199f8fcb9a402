"""Every collector keeps the promises of ``collectors.base.Collector``, the tests' own fleet too."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from collectors.base import Collector
from collectors.exports import ExportCollector
from reconcile.model import Seen, Unseen
from tests.collectors import powershell_json
from tests.reconcile.fleet import HUB, OTHER, SPOKE, START, told_by
from tests.worker.fleet import Fleet

INVENTORY = (HUB, SPOKE, OTHER)


def exports(directory: Path) -> Collector:
    """The hub tells HQ, the spoke's file is broken, the other server has none."""
    hq = powershell_json.relationship("HQ", SPOKE.name)
    (directory / f"{HUB.name}.json").write_bytes(powershell_json.ps51([hq]))
    (directory / f"{SPOKE.name}.json").write_bytes(b"{")
    return ExportCollector(directory, INVENTORY)


def fake(_: Path) -> Collector:
    """The same in memory."""
    return Fleet({HUB.name: [told_by(HUB, SPOKE)], SPOKE.name: None})


@pytest.fixture(params=[exports, fake])
def collector(request: pytest.FixtureRequest, tmp_path: Path) -> Collector:
    make: Callable[[Path], Collector] = request.param
    return make(tmp_path)


def test_it_offers_only_what_it_can_ask(collector: Collector) -> None:
    """A server that it knows nothing of is not asked."""
    assert collector.offers(INVENTORY) == {HUB.id, SPOKE.id}


def test_it_reads_what_it_offers_and_nothing_else(collector: Collector) -> None:
    """A failed read is an Unseen among the others, never an exception."""
    sightings = {s.server: s for s in collector.look(INVENTORY, lambda: START)}
    assert sightings.keys() == {HUB.id, SPOKE.id}
    hub, spoke = sightings[HUB.id], sightings[SPOKE.id]
    assert isinstance(hub, Seen)
    assert [(s.asked, s.name) for s in hub.stories] == [(HUB.id, "HQ")]
    assert isinstance(spoke, Unseen)
    assert spoke.failure.message


def test_readings_are_dated_by_the_clock_given(collector: Collector) -> None:
    """Before they begin: never later than the clock was when the reading came."""
    times = iter([START + timedelta(seconds=n) for n in range(10)])
    sightings = list(collector.look(INVENTORY, lambda: next(times)))
    read_at = [s.read_at for s in sightings if isinstance(s, Seen | Unseen)]
    assert len(read_at) == len(sightings)
    assert all(START <= t < START + timedelta(seconds=2) for t in read_at)
