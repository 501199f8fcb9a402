"""One round over the servers of ``stations``, in a process of its own, for its time and its memory.

``python -m tests.benchmarks.round THREADS CA`` reads the URLs as a JSON line from standard input and
prints seconds, megabytes and how many were read.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from collectors.failover import FailoverCollector
from collectors.powershell.client import PowerShell
from collectors.powershell.host import Host, Limits, Login, Transport
from collectors.powershell.logons import Logons
from collectors.powershell.tls import trust
from reconcile.model import Seen, Server
from tests.benchmarks.stations import ACCOUNT


class Forgetful:
    """A book of logons in which nothing is ever written."""

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


def hosts(urls: list[str]) -> dict[int, Host]:
    """How each is reached."""
    login = Login("corp", ACCOUNT.username, ACCOUNT.password)
    return {
        number: Host(number, f"dhcp{number}.corp.example", url, Transport.NTLM, login)
        for number, url in enumerate(urls)
    }


def measured(urls: list[str], authority: Path, threads: int) -> dict[str, float]:
    """Run a round in a new process: ``seconds``, ``megabytes``, ``read``."""
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
    urls = json.loads(sys.stdin.readline())
    ways = hosts(urls)
    servers = [Server(number, host.name) for number, host in ways.items()]
    powershell = PowerShell(trust(authority), Limits(), Logons(Forgetful()))
    collector = FailoverCollector(powershell, ways, concurrency=threads)
    began = time.perf_counter()
    failures: Counter[str] = Counter()
    read = 0
    for sighting in collector.look(servers, lambda: datetime.now(UTC)):
        if isinstance(sighting, Seen):
            read += 1
        else:
            failures[repr(sighting)] += 1
    seconds = time.perf_counter() - began
    powershell.stop()
    for failure, count in failures.most_common(3):
        sys.stderr.write(f"{count} x {failure}\n")
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(json.dumps({"seconds": seconds, "megabytes": megabytes, "read": read}))


if __name__ == "__main__":
    main()
