"""Every collector keeps the promises of ``collectors.base.Collector``, the tests' own fleet too."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from collectors.base import Collector
from collectors.exports import ExportCollector
from collectors.failover import FailoverCollector
from collectors.powershell.client import PowerShell
from collectors.powershell.host import Host, Login, PollLimits, Transport
from collectors.powershell.logons import Logons
from collectors.powershell.tls import trust
from collectors.simulator.dhcp import DhcpServer
from collectors.simulator.fleet import Fleet as SimulatedFleet
from collectors.simulator.fleet import Relationship
from collectors.simulator.running import Listener, RunningFleet
from reconcile.model.nouns import Seen, Unseen
from tests.collectors import powershell_json
from tests.collectors.powershell.peers import Book
from tests.reconcile.fleet import HUB, OTHER, SPOKE, START, told_by
from tests.worker.fleet import Fleet

INVENTORY = (HUB, SPOKE, OTHER)


@contextmanager
def exports(directory: Path) -> Iterator[Collector]:
    """The hub tells HQ, the spoke's file is broken, the other server has none."""
    hq = powershell_json.relationship("HQ", SPOKE.name)
    (directory / f"{HUB.name}.json").write_bytes(powershell_json.ps51([hq]))
    (directory / f"{SPOKE.name}.json").write_bytes(b"{")
    yield ExportCollector(directory, INVENTORY)


@contextmanager
def live(directory: Path) -> Iterator[Collector]:
    """The same over WinRM: the spoke hangs up, nobody knows how to reach the other server."""
    simulated = SimulatedFleet(DhcpServer(s.name, "10.0.0.1") for s in (HUB, SPOKE))
    simulated.relate(Relationship("HQ", HUB.name, SPOKE.name))
    with RunningFleet(simulated, {SPOKE.name: Listener(faults=("drop",))}) as running:
        login = Login("corp", running.account.username, running.account.password)
        ways = {
            s.id: Host(s.id, s.name, running.station(s.name).url, Transport.NTLM, login)
            for s in (HUB, SPOKE)
        }
        context = trust(running.write_authority(directory))
        powershell = PowerShell(context, PollLimits(deadline_seconds=20), Logons(Book()))
        yield FailoverCollector(powershell, ways, concurrency=2)
        powershell.stop()


@contextmanager
def fake(_: Path) -> Iterator[Collector]:
    """The same in memory."""
    yield Fleet({HUB.name: [told_by(HUB, SPOKE)], SPOKE.name: None})


@pytest.fixture(params=[exports, live, fake])
def collector(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Collector]:
    make: Callable[[Path], AbstractContextManager[Collector]] = request.param
    with make(tmp_path) as collector:
        yield collector


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
    # Who reads several at once may look at the clock again when one of them is over.
    assert all(START <= t < START + timedelta(seconds=3) for t in read_at)
