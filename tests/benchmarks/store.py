"""First and unchanged sync of a tested fleet on SQLite and PostgreSQL, and what each wrote."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path

from reconcile.model.nouns import Seen, Server, Story
from tests.benchmarks.fleet import Size, servers, told
from tests.benchmarks.report import Report
from tests.postgres import running_postgres
from tests.worker.fleet import RUN_TABLES, inline_worker
from tests.worker.store.sql_counter import counted
from worker.config.run_policy import RunPolicy
from worker.config.settings import Settings
from worker.model.runs import Trigger
from worker.runs.targets import RunRequest
from worker.store.schema import open_store
from worker.store.unit_of_work import Store

#: What Microsoft tested IPAM with, and its limit of 31 relationships per server.
SIZE = Size(servers=150, relationships=2_325, scopes_per_relationship=17, extra_scopes=475)
FIRST_LIMIT_SECONDS = 30.0
UNCHANGED_LIMIT_SECONDS = 2.0
ROUNDS = 3
#: As many as a sync has by default, so that its group commits are measured, too.
THREADS = Settings().concurrency
REQUEST = RunRequest(Trigger.CLI, "bench")


class Decoded:
    """A collector whose readings are decoded already: what is measured is the rest."""

    rereads = False

    def __init__(self, stories: dict[int, list[Story]]) -> None:
        self._stories = stories

    def offers(self, servers: Iterable[Server]) -> frozenset[int]:
        """Everybody."""
        return frozenset(s.id for s in servers)

    def look(self, servers: Iterable[Server], clock: Callable[[], datetime]) -> Iterator[Seen]:
        """At once."""
        read_at = clock()
        for server in servers:
            yield Seen(server.id, read_at, tuple(self._stories[server.id]))


def run(report: Report) -> None:
    """Both databases."""
    report.head(
        f"store: {SIZE.servers} servers, {SIZE.relationships} relationships, "
        f"{SIZE.scope_memberships} scope memberships (decoding apart)"
    )
    with tempfile.TemporaryDirectory() as directory:
        _measure(report, "SQLite", f"sqlite:///{Path(directory) / 'bench.db'}")
    with running_postgres() as server, server.database() as name:
        _measure(report, "PostgreSQL", server.url(name))


def _measure(report: Report, name: str, url: str) -> None:
    store = open_store(url)
    fleet = servers(SIZE)
    with store.write() as uow:
        for server in fleet:
            uow.inventory.add(server.name, server.addresses)
        uow.commit()
    with store.read() as reading:
        fleet = sorted(reading.inventory.servers(), key=lambda s: s.id)
    collector = Decoded(told(SIZE, fleet))
    first, _ = _timed(store, collector)
    report.at_most(f"{name}: first sync", first, FIRST_LIMIT_SECONDS, "s")
    unchanged: list[float] = []
    written: dict[str, int] = {}
    for number in range(1, ROUNDS + 1):
        seconds, written = _timed(store, collector)
        unchanged.append(seconds)
        report.round(number, unchanged_s=seconds)
    others = {t: n for t, n in written.items() if t not in RUN_TABLES and n}
    report.at_most(f"{name}: unchanged sync (best)", min(unchanged), UNCHANGED_LIMIT_SECONDS, "s")
    report.at_most(f"{name}: rows written elsewhere {others}", sum(others.values()), 0, "rows")
    store.close()


def _timed(store: Store, collector: Decoded) -> tuple[float, dict[str, int]]:
    with counted(store.engine) as sql:
        began = time.perf_counter()
        inline_worker(store, collector, RunPolicy(), THREADS).sync(REQUEST)
        seconds = time.perf_counter() - began
    return seconds, dict(sql.written)
