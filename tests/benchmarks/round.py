"""One round over the servers of ``stations``, in a process of its own, for its time and its memory.

``python -m tests.benchmarks.round THREADS CA`` reads the URLs by name as a JSON line from standard
input and prints seconds, CPU seconds, the peak of its memory and how many servers were read.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from collectors.failover import FailoverCollector
from collectors.powershell.client import PowerShell
from collectors.powershell.host import Host, Login, PollLimits, Transport
from collectors.powershell.logons import Admission, Logons
from collectors.powershell.tls import trust
from collectors.simulator.running import SERVICE
from reconcile.model.nouns import Seen, Server
from tests.benchmarks.resources import peak_memory


class Forgetful:
    """A book of logons in which nothing is ever written."""

    def enter(self, credential: str, server: int) -> Admission:
        """Everybody, always."""
        del credential, server
        return Admission.FREE

    def leave(self, credential: str, server: int) -> None:
        """Nobody held a slot."""

    def suspended(self, credential: str) -> bool:
        """Never."""
        del credential
        return False

    def refused(self, credential: str, server: int) -> bool:
        """Suspends nothing."""
        del credential, server
        return False

    def accepted(self, credential: str, server: int) -> None:
        """Forgotten."""


def hosts(urls: Mapping[str, str]) -> dict[int, Host]:
    """How each is reached."""
    login = Login("corp", SERVICE.username, SERVICE.password)
    return {
        number: Host(number, name, url, Transport.NTLM, login)
        for number, (name, url) in enumerate(urls.items())
    }


def measured(urls: Mapping[str, str], authority: Path, threads: int) -> dict[str, float]:
    """Run a round in a new process: ``seconds``, ``cpu_seconds``, ``megabytes``, ``read``."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.round", str(threads), str(authority)],
        input=json.dumps(urls).encode(),
        stdout=subprocess.PIPE,
        check=True,
    )
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def main() -> None:
    """One round."""
    threads, authority = int(sys.argv[1]), Path(sys.argv[2])
    ways = hosts(json.loads(sys.stdin.readline()))
    servers = [Server(number, host.name) for number, host in ways.items()]
    powershell = PowerShell(trust(authority), PollLimits(), Logons(Forgetful()))
    collector = FailoverCollector(powershell, ways, concurrency=threads)
    began, cpu_before = time.perf_counter(), time.process_time()
    failures: Counter[str] = Counter()
    read = 0
    for sighting in collector.look(servers, lambda: datetime.now(UTC)):
        if isinstance(sighting, Seen):
            read += 1
        else:
            failures[repr(sighting)] += 1
    figures = {
        "seconds": time.perf_counter() - began,
        "cpu_seconds": time.process_time() - cpu_before,
        "megabytes": peak_memory(),
        "read": read,
    }
    powershell.stop()
    for failure, count in failures.most_common(3):
        sys.stderr.write(f"{count} x {failure}\n")
    sys.stdout.write(json.dumps(figures))


if __name__ == "__main__":
    main()
