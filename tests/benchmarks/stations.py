"""The servers of the live benchmarks, in a process of their own: ``python -m tests.benchmarks.stations``.

A simulated fleet, with answers made anew for each poll: that costs a server 0.2 ms, in a process
whose time is in no figure, and what the client gets is a document like those of real servers.

Reads nothing; prints one JSON line with the URLs by server name, and ends when its standard input
does.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from collectors.simulator.fleet import made
from collectors.simulator.running import Listener, RunningFleet
from worker.demo.simulation.papers import write_papers


@contextmanager
def serving(
    count: int, seconds: float, *, tls: bool, partners: int = 4
) -> Iterator[tuple[dict[str, str], Path]]:
    """The URLs of so many servers by name, and the authority of their certificates.

    The inventory that IPAM can import lies beside the authority.
    """
    words = [str(count), str(seconds), "tls" if tls else "http", str(partners)]
    with (
        TemporaryDirectory() as directory,
        subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.stations", *words, directory],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline()), Path(directory, "ca.pem")
        finally:
            process.stdin.close()


def main() -> None:
    """Serve until standard input ends."""
    count, seconds, scheme, partners, directory = sys.argv[1:]
    fleet = made(int(count), partners=int(partners))
    for server in fleet.servers:
        server.think_seconds = float(seconds)
    listeners = {server.name: Listener(tls=scheme == "tls") for server in fleet.servers}
    with RunningFleet(fleet, listeners) as running:
        write_papers(running, Path(directory))
        urls = {server.name: running.station(server.name).url for server in fleet.servers}
        sys.stdout.write(json.dumps(urls) + "\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main()
