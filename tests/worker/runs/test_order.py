"""In whichever order servers conclude, a run comes to the same as a sync (rules R2 and R8)."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations
from pathlib import Path

import pytest

from collectors.simulator.fleet import made
from collectors.simulator.running import Listener, RunningFleet
from tests.worker.runs.office import handle, office, told
from tests.worker.runs.test_runs import by_sync

SERVERS = 3


def nothing(_: RunningFleet) -> None:
    """All is well."""


def silence(running: RunningFleet) -> None:
    """A server does not answer; its partners tell two relationships with it."""
    running.change("dhcp0002", {"faults": "drop"})


def an_orphan(running: RunningFleet) -> None:
    """A partner has one relationship no more, and the two share no other."""
    running.change("dhcp0001-dhcp0002@dhcp0002", {"deleted": "yes"})


def an_unknown_name(running: RunningFleet) -> None:
    """A partner is told by a name that nobody knows, and another one does not answer."""
    running.change("dhcp0001-dhcp0002@dhcp0001", {"partner": "elsewhere.corp.example"})
    running.change("dhcp0003", {"faults": "drop"})


@pytest.mark.parametrize("trouble", [nothing, silence, an_orphan, an_unknown_name])
@pytest.mark.parametrize("order", tuple(permutations(range(1, SERVERS + 1))), ids=str)
def test_first_contact(
    tmp_path: Path, order: tuple[int, ...], trouble: Callable[[RunningFleet], None]
) -> None:
    fleet = made(SERVERS, partners=2)
    plain = {server.name: Listener(tls=False) for server in fleet.servers}
    with office(tmp_path, fleet, plain, prepare=trouble) as at:
        run = at.ask()
        for server in order:  # each is judged before the next one is read
            handle(at.worker_processes[0], ("read", run, server))
        at.work(threads=1)
        summary = at.summary(run)
        synced, records = by_sync(tmp_path, at)
        assert told(at.records()) == records
        found = [sorted(f.fingerprint for f in s.findings) for s in (summary, synced)]
        assert found[0] == found[1]
        assert summary.pairs == synced.pairs
