"""The client of ``bad_days``, in a process of its own: one ``PowerShell`` for round after round.

``python -m tests.benchmarks.enduring CA`` reads a round as a JSON line from standard input, whom to
ask and how, and prints one: what came of each, and what the process holds when the round is over.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from collectors.failover import FailoverCollector
from collectors.powershell.client import PowerShell
from collectors.powershell.host import Host, Login, PollLimits, Transport
from collectors.powershell.logons import Logons
from collectors.powershell.tls import trust
from reconcile.model.nouns import Seen, Server, Sighting, Skipped, Unseen
from tests.benchmarks.resources import files, memory, threads
from tests.benchmarks.round import Forgetful

#: More threads than servers, and short: a server that hangs costs a round one deadline.
THREADS = 32
LIMITS = PollLimits(
    deadline_seconds=1.0, connect_seconds=1.0, operation_seconds=0.5, idle_seconds=2
)
READ = "read"


@dataclass(frozen=True, slots=True)
class Asked:
    """A server as it is to be asked."""

    name: str
    url: str
    transport: str
    username: str
    password: str
    credential: str

    def host(self, number: int) -> Host:
        """The same for the collector."""
        login = Login(self.credential, self.username, self.password)
        return Host(number, self.name, self.url, Transport(self.transport), login)


@dataclass(frozen=True, slots=True)
class Figures:
    """A round: ``outcomes`` by server name are READ or the code of the error.

    ``blocks`` are pieces of memory that Python objects hold: they tell of a leak long before the
    resident memory does.
    """

    outcomes: dict[str, str]
    seconds: float
    megabytes: float
    blocks: int
    threads: int
    sockets: int
    files: int


class Client:
    """The other end of the process."""

    def __init__(self, requests: IO[bytes], answers: IO[bytes]) -> None:
        self._requests = requests
        self._answers = answers

    def round(self, asked: Sequence[Asked]) -> Figures:
        """Ask them all, and wait for that."""
        self._requests.write(json.dumps([asdict(each) for each in asked]).encode() + b"\n")
        self._requests.flush()
        return Figures(**json.loads(self._answers.readline()))


@contextmanager
def client(authority: Path) -> Iterator[Client]:
    """A new process, for as long as the context lasts.

    It has one arena of memory: with many, what is resident depends on which thread freed what,
    and creeps up by a few percent while not a byte more is in use.
    """
    with subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.enduring", str(authority)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "MALLOC_ARENA_MAX": "1"},
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield Client(process.stdin, process.stdout)
        finally:
            process.stdin.close()


def main() -> None:
    """Round after round, until standard input ends."""
    powershell = PowerShell(trust(Path(sys.argv[1])), LIMITS, Logons(Forgetful()))
    for line in sys.stdin:
        hosts = [Asked(**told).host(number) for number, told in enumerate(json.loads(line))]
        sys.stdout.write(json.dumps(asdict(_round(powershell, hosts))) + "\n")
        sys.stdout.flush()
    powershell.stop()


def _round(powershell: PowerShell, hosts: Sequence[Host]) -> Figures:
    ways = {host.server: host for host in hosts}
    collector = FailoverCollector(powershell, ways, concurrency=THREADS)
    began = time.perf_counter()
    outcomes = {
        ways[sighting.server].name: _outcome(sighting)
        for sighting in collector.look(
            [Server(host.server, host.name) for host in hosts], lambda: datetime.now(UTC)
        )
    }
    seconds = time.perf_counter() - began
    running, held = threads(), files()  # before the collector can close what nobody closed
    del collector
    gc.collect()
    return Figures(
        outcomes=outcomes,
        seconds=seconds,
        megabytes=memory(),
        blocks=sys.getallocatedblocks(),
        threads=running,
        sockets=sum(file.startswith("socket:") for file in held),
        files=len(held),
    )


def _outcome(sighting: Sighting) -> str:
    match sighting:
        case Seen():
            return READ
        case Unseen():
            return sighting.failure.code
        case Skipped():
            return sighting.reason


if __name__ == "__main__":
    main()
