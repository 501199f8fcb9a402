"""Live servers: how near a round is to what the servers' own time allows, and what a poll costs us."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable

import winrm

from collectors.powershell.client import PowerShell
from collectors.powershell.host import Host, Limits
from collectors.powershell.logons import Logons
from collectors.powershell.tls import trust
from collectors.scripts import packaged
from tests.benchmarks.report import Report
from tests.benchmarks.round import Forgetful, hosts, measured
from tests.benchmarks.stations import ACCOUNT, serving

ROUNDS = 3
#: Client time of one poll: polls a round, and rounds, which alternate between the two clients.
POLLS, CPU_ROUNDS = 60, 5
CPU_LIMIT = 0.85


def run(report: Report) -> None:
    """Rounds over many servers, then the cost of one poll."""
    _round(report, servers=300, think=0.5, tls=True, threads=64, limit=1.3, memory=None)
    _round(report, servers=2_000, think=1.0, tls=False, threads=128, limit=1.15, memory=150)
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
    how = "NTLM over TLS" if tls else "NTLM over HTTP, encrypted"
    report.head(f"live: {servers} servers x {think} s, {how}, {threads} threads, one process")
    ideal = math.ceil(servers / threads) * think
    best, most = math.inf, 0.0
    with serving(servers, think, tls=tls) as (urls, authority):
        for number in range(1, ROUNDS + 1):
            figures = measured(urls, authority, threads)
            assert figures["read"] == servers, "every server answers"
            best, most = min(best, figures["seconds"]), max(most, figures["megabytes"])
            report.round(number, seconds=figures["seconds"], megabytes=figures["megabytes"])
            report.line(f"  {figures['seconds'] / ideal:.3f} x the ideal of {ideal:.1f} s")
    report.ratio("best round / ideal", best, ideal, limit)
    if memory is not None:
        report.at_most("peak memory of any round", most, memory, "MB")


def _cost(report: Report, *, tls: bool) -> None:
    how = "NTLM over TLS" if tls else "NTLM over HTTP, encrypted"
    report.head(f"live: client CPU of a poll, {how}, a server that answers at once, {POLLS} polls")
    with serving(1, 0.0, tls=tls) as ((url,), authority):
        host = hosts([url])[0]
        ours: list[float] = []
        theirs: list[float] = []
        powershell = PowerShell(trust(authority), Limits(), Logons(Forgetful()))
        script = packaged("failover")

        def poll() -> None:
            powershell.run(script, host)

        def run_ps() -> None:
            _session(host, str(authority)).run_ps(script.sent)

        poll()
        run_ps()
        for number in range(1, CPU_ROUNDS + 1):
            ours.append(_milliseconds(poll))
            theirs.append(_milliseconds(run_ps))
            report.round(number, ours_ms=ours[-1], run_ps_ms=theirs[-1])
        powershell.stop()
    report.ratio(
        "median client CPU, ms", statistics.median(ours), statistics.median(theirs), CPU_LIMIT
    )


def _session(host: Host, authority: str) -> winrm.Session:
    return winrm.Session(
        host.url,
        auth=(ACCOUNT.username, ACCOUNT.password),
        transport="ntlm",
        ca_trust_path=authority,
    )


def _milliseconds(poll: Callable[[], None]) -> float:
    """CPU time of this process, per poll."""
    began = time.process_time()
    for _ in range(POLLS):
        poll()
    return (time.process_time() - began) * 1000 / POLLS
