"""The servers of the live benchmarks, in a process of their own: ``python -m tests.benchmarks.stations``.

Reads nothing; prints one JSON line with the URLs and the file of the authority, and ends when its
standard input does.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from collectors.simulator.authority import Authority
from collectors.simulator.machine import Account, Execution
from collectors.simulator.server import Simulator
from collectors.simulator.station import Station

ACCOUNT = Account("CORP\\svc-ipam", "a password of the bench")


@dataclass(frozen=True, slots=True)
class Answering:
    """A machine that answers whatever it is asked with the same document."""

    name: str
    answer: bytes
    seconds: float

    def execute(self, command_line: str, stdin: bytes) -> Execution:
        """The document, after the time that a server thinks."""
        del command_line, stdin
        return Execution(self.answer, seconds=self.seconds)

    def admits(self, account: Account) -> bool:
        """Everybody."""
        del account
        return True


def document(name: str) -> bytes:
    """What a server with a few relationships prints, 2 KB."""
    relationships = [
        {
            "Name": f"{name}-{number}",
            "PartnerServer": f"partner{number}.corp.example",
            "Mode": "LoadBalance",
            "ServerRole": None,
            "LoadBalancePercent": 50,
            "ReservePercent": None,
            "ScopeId": [f"10.{number}.{subnet}.0" for subnet in range(8)],
            "MaxClientLeadTime": 3600,
            "StateSwitchInterval": None,
            "AutoStateTransition": False,
            "EnableAuth": True,
            "State": "Normal",
            "PrimaryServerIP": "10.0.0.1",
            "SecondaryServerIP": "10.0.0.2",
            "PrimaryServerName": name,
            "SecondaryServerName": f"partner{number}.corp.example",
            "ServerType": "PrimaryServer",
        }
        for number in range(4)
    ]
    host = {"computer_name": name.partition(".")[0], "dns_name": name, "addresses": []}
    told = {"schema": 1, "ok": True, "error": None, "host": host}
    return json.dumps({**told, "relationships": relationships, "scopes": []}).encode("ascii")


@contextmanager
def serving(count: int, seconds: float, *, tls: bool) -> Iterator[tuple[list[str], Path]]:
    """The URLs of so many servers, and the authority of their certificates."""
    words = [str(count), str(seconds), "tls" if tls else "http"]
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
    count, seconds, scheme, directory = sys.argv[1:]
    authority = Authority()
    Path(directory, "ca.pem").write_bytes(authority.pem)
    names = [f"dhcp{number}.corp.example" for number in range(int(count))]
    stations = [
        Station(Answering(name, document(name), float(seconds)), tls=scheme == "tls")
        for name in names
    ]
    with Simulator(stations, [ACCOUNT], authority) as simulator:
        sys.stdout.write(json.dumps([simulator.url(station) for station in stations]) + "\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main()
