"""Live servers: how near a round is to what the servers' own time allows, and what a poll costs us.

The servers are a process on the same machine: where it has few cores, they and we share them.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import winrm

from collectors.powershell.client import PowerShell
from collectors.powershell.host import Host, PollLimits
from collectors.powershell.logons import Logons
from collectors.powershell.tls import trust
from collectors.reading import understand
from collectors.scripts import packaged
from collectors.simulator.running import SERVICE
from reconcile.model.nouns import Server, Story
from tests.benchmarks.report import Report
from tests.benchmarks.round import Forgetful, hosts, measured
from tests.benchmarks.stations import serving

ROUNDS = 3
#: Client time of one poll: polls a round, and rounds, which alternate between the two clients.
POLLS, CPU_ROUNDS = 60, 5
CPU_LIMIT = 0.85
#: So many that the one that is polled has all its four partners.
FEW = 5


def rounds(report: Report) -> None:
    """Many servers that think."""
    _round(report, servers=300, think=0.5, tls=True, threads=64, limit=1.3, memory=None)
    _round(report, servers=2_000, think=1.0, tls=False, threads=128, limit=1.15, memory=150)


def cost(report: Report) -> None:
    """One server that does not, asked by us and by ``Session.run_ps``, each time from scratch.

    What we keep between polls, the TLS context and the hash of the password, a Session cannot.
    """
    _cost(report, tls=False)
    _cost(report, tls=True)


def _round(
    report: Report,
    *,
    servers: int,
    think: float,
    tls: bool,
    threads: int,
    limit: float,
    memory: float | None,
) -> None:
    report.head(f"live: {servers} servers x {think} s, {_how(tls)}, {threads} threads, one process")
    ideal = math.ceil(servers / threads) * think
    seconds: list[float] = []
    most = 0.0
    with serving(servers, think, tls=tls) as (urls, authority):
        for number in range(1, ROUNDS + 1):
            figures = measured(urls, authority, threads)
            assert figures.pop("read") == servers, "every server answers"
            seconds.append(figures["seconds"])
            most = max(most, figures["megabytes"])
            report.round(number, **figures, of_ideal=seconds[-1] / ideal)
    report.ratio("best round / ideal", min(seconds), ideal, limit)
    if memory is not None:
        report.at_most("peak memory of the client in any round", most, memory, "MB")


def _cost(report: Report, *, tls: bool) -> None:
    report.head(
        f"live: client CPU of a poll, {_how(tls)}, a server that answers at once, "
        f"{POLLS} polls a round, each with a session of its own"
    )
    ours: list[float] = []
    theirs: list[float] = []
    with serving(FEW, 0.0, tls=tls) as (urls, authority):
        host = hosts(urls)[0]
        powershell = PowerShell(trust(authority), PollLimits(), Logons(Forgetful()))
        script = packaged("failover")

        def poll() -> bytes:
            return powershell.run(script, host).stdout

        def run_ps() -> bytes:
            return _session(host, authority).run_ps(script.sent).std_out

        assert _stories(poll(), host) == _stories(run_ps(), host) != (), "both get the same"
        for number in range(1, CPU_ROUNDS + 1):
            ours.append(_milliseconds(poll))
            theirs.append(_milliseconds(run_ps))
            report.round(
                number, ours_ms=ours[-1], run_ps_ms=theirs[-1], ratio=ours[-1] / theirs[-1]
            )
        powershell.stop()
    report.ratio(
        "median client CPU, ms", statistics.median(ours), statistics.median(theirs), CPU_LIMIT
    )


def _how(tls: bool) -> str:
    return "NTLM over TLS" if tls else "NTLM over HTTP, encrypted"


def _session(host: Host, authority: Path) -> winrm.Session:
    return winrm.Session(
        host.url,
        auth=(SERVICE.username, SERVICE.password),
        transport="ntlm",
        ca_trust_path=str(authority),
    )


def _stories(printed: bytes, host: Host) -> tuple[Story, ...]:
    """What the output tells; its clock differs from one poll to the next."""
    now = datetime.now(UTC)
    return understand(printed, Server(host.server, host.name), now, now).stories


def _milliseconds(poll: Callable[[], object]) -> float:
    """CPU time of this process, all its threads, per poll."""
    began = time.process_time()
    for _ in range(POLLS):
        poll()
    return (time.process_time() - began) * 1000 / POLLS
