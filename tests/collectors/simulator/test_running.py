"""A fleet that listens, read by the collector over real WinRM, and changed while it runs."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from collectors.failover import FailoverCollector, PollTarget
from collectors.powershell.client import PowerShell
from collectors.powershell.host import Host, Login, PollLimits, Transport
from collectors.powershell.logons import Logons
from collectors.powershell.tls import trust
from collectors.simulator.changes import BadChange
from collectors.simulator.fleet import UnknownName, made
from collectors.simulator.running import Listener, RunningFleet, SimulatedLogon
from reconcile.model.nouns import Seen, Server, Sighting, Skipped, SkipReason, Unseen
from tests.collectors.powershell.peers import Book

SERVERS = 12


def now() -> datetime:
    """The clock of the readings."""
    return datetime.now(UTC)


@pytest.fixture(scope="module")
def running() -> Iterator[RunningFleet]:
    """Servers with and without TLS, by NTLM and Basic."""
    fleet = made(SERVERS)
    listeners = {
        server.name: Listener(
            tls=number % 3 > 0,
            logon=SimulatedLogon.BASIC if number % 3 > 1 else SimulatedLogon.NTLM,
        )
        for number, server in enumerate(fleet.servers)
    }
    with RunningFleet(fleet, listeners) as running:
        yield running


@pytest.fixture
def ways(running: RunningFleet) -> dict[int, PollTarget]:
    """How each is reached, by number."""
    login = Login("corp", running.account.username, running.account.password)
    return {
        number: Host(
            number,
            server.name,
            running.station(server.name).url,
            Transport(running.listener(server.name).logon),
            login,
        )
        for number, server in enumerate(running.fleet.servers)
    }


def look(
    running: RunningFleet, ways: dict[int, PollTarget], directory: Path
) -> dict[int, Sighting]:
    """One round over all of them."""
    limits = PollLimits(deadline_seconds=10, connect_seconds=5)
    powershell = PowerShell(trust(running.write_authority(directory)), limits, Logons(Book()))
    collector = FailoverCollector(powershell, ways, concurrency=8)
    inventory = [Server(n, server.name) for n, server in enumerate(running.fleet.servers)]
    try:
        return {s.server: s for s in collector.look(inventory, now)}
    finally:
        powershell.stop()


def test_every_server_is_read_and_no_shell_is_left(
    running: RunningFleet, ways: dict[int, PollTarget], tmp_path: Path
) -> None:
    sightings = look(running, ways, tmp_path)
    assert sightings.keys() == ways.keys()
    for number, server in enumerate(running.fleet.servers):
        seen = sightings[number]
        assert isinstance(seen, Seen)
        assert {s.name for s in seen.stories} == {c.name for c in server.copies.values()}
    assert running.simulator.open_shells() == 0


def test_servers_that_cannot_be_read_are_told_apart_and_the_others_go_on(
    running: RunningFleet, ways: dict[int, PollTarget], tmp_path: Path
) -> None:
    names = [server.name for server in running.fleet.servers]
    running.change(names[0], {"faults": "refused"})
    running.change(names[1], {"trouble": "access_denied", "language": "fr"})
    running.change(names[2], {"refuses": running.account.username})
    running.change(names[3], {"faults": "wsman:2150859173@Create"})
    ways[4] = SkipReason.BACK_OFF
    try:
        sightings = look(running, ways, tmp_path)
    finally:
        for name in names[:4]:
            running.change(name, {"faults": "", "trouble": "none", "refuses": "", "language": "en"})
    unread = {n: s.failure.code for n, s in sightings.items() if isinstance(s, Unseen)}
    assert unread == {0: "unreachable", 1: "dhcp", 2: "auth", 3: "quota"}
    assert sightings[4] == Skipped(4, SkipReason.BACK_OFF)
    assert sum(isinstance(s, Seen) for s in sightings.values()) == SERVERS - 5
    assert running.simulator.open_shells() == 0


def test_a_port_that_refuses_connections_is_kept_until_it_listens_again() -> None:
    fleet = made(1)
    (server,) = fleet.servers
    listeners = {server.name: Listener(tls=False)}
    with RunningFleet(fleet, listeners) as running, socket.socket() as another:
        here = ("127.0.0.1", running.station(server.name).port)
        running.change(server.name, {"faults": "refused"})
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(here)
        with pytest.raises(OSError, match="in use"):
            another.bind(here)
        running.change(server.name, {"faults": ""})
        with socket.create_connection(here) as connection:
            connection.shutdown(socket.SHUT_WR)
            assert connection.recv(1) == b""


def test_what_is_changed_while_it_runs_is_told_from_then_on(
    running: RunningFleet, ways: dict[int, PollTarget], tmp_path: Path
) -> None:
    running.change("dhcp0001-dhcp0002@dhcp0001", {"state": "PartnerDown", "mclt_seconds": "60"})
    sightings = look(running, {n: ways[n] for n in (0, 1)}, tmp_path)
    told = {
        number: story.mclt_seconds
        for number, seen in sightings.items()
        if isinstance(seen, Seen)
        for story in seen.stories
        if story.name == "dhcp0001-dhcp0002"
    }
    assert told == {0: 60, 1: 3600}


def test_a_change_that_cannot_be_leaves_the_faults_as_they_are(running: RunningFleet) -> None:
    with pytest.raises(BadChange):
        running.change("dhcp0005", {"faults": "drip", "os": "95"})
    with pytest.raises(BadChange):
        running.change("dhcp0005", {"faults": "no_such_fault"})
    with pytest.raises(UnknownName):
        running.change("nobody", {"faults": "drip"})
    assert running.station("dhcp0005").faults.texts == ()
