"""Many open problems that do not change, and many alerts over several slow channels."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from reconcile.findings.drift import Judged, drift
from reconcile.model.findings import Finding, Kind
from tests.benchmarks.report import Report
from tests.benchmarks.resources import memory
from tests.postgres import running_postgres
from tests.worker.alerts.delivery.ops import Ops
from tests.worker.alerts.receivers import Manner, Post, receiving
from tests.worker.store.samples import add_servers, found, open_run
from tests.worker.store.sql_counter import counted
from worker.alerts.channels.posting import Receiver
from worker.alerts.channels.webhook import Webhook
from worker.alerts.rules import AlertRoute, Match
from worker.config.run_policy import RunPolicy
from worker.runs.findings import Fact, keep_findings
from worker.store.schema import open_store
from worker.store.unit_of_work import Store

OPEN = 10_000
PASS_LIMIT_SECONDS = 1.0
ROUNDS = 3
ALERTS, CHANNELS, SECONDS_EACH = 1_000, 5, 0.1
DELIVERY_LIMIT = 1.3


def findings(report: Report) -> None:
    """Both databases: nothing changes, nothing is due."""
    report.head(f"findings: {OPEN} open ones, a pass over everything that changes none")
    for name, store in _stores():
        servers = frozenset(add_servers(store, 2))
        told = [_finding(number, servers) for number in range(OPEN)]
        with store.write() as uow:
            run = open_run(uow)
            found(uow, run, told)
            uow.commit()
        seconds = []
        for number in range(1, ROUNDS + 1):
            with counted(store.engine) as sql:
                began = time.perf_counter()
                _pass(store, run, told, servers)
                seconds.append(time.perf_counter() - began)
            written = sum(sql.written.values())
            report.round(number, **{f"{name} seconds": seconds[-1], "rows written": written})
            report.at_most("rows written", written, 0, "rows")
        report.at_most(f"{name}, best", min(seconds), PASS_LIMIT_SECONDS, "s")


def alerts(report: Report) -> None:
    """One message a problem over each channel, which takes its time; one thread a channel."""
    report.head(
        f"alerts: {ALERTS} over {CHANNELS} webhooks of {SECONDS_EACH} s each, one at a time over "
        "each, PostgreSQL"
    )
    ideal = ALERTS * SECONDS_EACH
    with ExitStack() as stack:
        server = stack.enter_context(running_postgres())
        store = open_store(server.url(stack.enter_context(server.database())))
        stack.callback(store.close)
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        manner = Manner(think_seconds=SECONDS_EACH)
        posts = [stack.enter_context(receiving(manner)) for _ in range(CHANNELS)]
        ops = _ops(store, directory, posts)
        ops.see(*(_finding(number, frozenset(ops.servers[:2])) for number in range(ALERTS)))
        before, began = memory(), time.perf_counter()
        ops.deliverer().deliver()
        seconds = time.perf_counter() - began
        assert [len(post.got) for post in posts] == [ALERTS] * CHANNELS
        report.round(1, seconds=seconds, ideal=ideal)
        report.ratio("seconds / ideal", seconds, ideal, DELIVERY_LIMIT)
        report.line(f"memory, MB: {before:.0f} before, {memory():.0f} after (with the receivers)")


def _ops(store: Store, directory: Path, posts: list[Post]) -> Ops:
    names = [f"hook{number}" for number in range(len(posts))]
    hooks = {
        name: Webhook(Receiver(name, post.url, allow_private=True), "secret")
        for name, post in zip(names, posts, strict=True)
    }
    return Ops(store, directory, {**hooks}, (AlertRoute(Match(), tuple(names)),))


def _pass(store: Store, run: int, told: list[Finding], servers: frozenset[int]) -> None:
    """What a run does about problems, from what is stored to what is written."""
    with store.write() as uow:
        known = uow.findings.unresolved()
        life = drift(told, (p.finding for p in known), Judged({}, servers))
        keep_findings(uow, Fact(run, told, RunPolicy()), life, known)
        uow.commit()


def _finding(number: int, servers: frozenset[int]) -> Finding:
    said = (("MCLT", (("dhcp01", "3600"), ("dhcp02", "7200"))),)
    name = f"relationship {number}"
    return Finding(Kind.PARTNER_MISMATCH, name, tuple(sorted(servers)), "They differ.", said)


@contextmanager
def _open(url: str) -> Iterator[Store]:
    store = open_store(url)
    yield store
    store.close()


def _stores() -> Iterator[tuple[str, Store]]:
    with (
        tempfile.TemporaryDirectory() as directory,
        _open(f"sqlite:///{Path(directory) / 'bench.db'}") as store,
    ):
        yield "SQLite", store
    with running_postgres() as server, server.database() as name, _open(server.url(name)) as store:
        yield "PostgreSQL", store
