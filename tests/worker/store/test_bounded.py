"""What is asked about two servers costs the same in a fleet of ten and of a hundred."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise

from reconcile.findings.drift import Judged, drift
from reconcile.model.findings import Finding
from reconcile.model.nouns import Sighting
from reconcile.model.record import EntryStatus
from tests.worker.store.samples import (
    BEGIN,
    a_finding,
    a_reading,
    a_record,
    add_servers,
    an_update,
    found,
    insert,
    minutes,
    open_run,
    over,
)
from tests.worker.store.sql_counter import SqlCount, counted
from worker.config.run_policy import RunPolicy
from worker.model.maintenance import Window
from worker.model.operations import EntryFilter
from worker.runs.findings import Fact, keep_findings
from worker.store.schema import open_store
from worker.store.unit_of_work import Store, Transaction

RUNS = 3


@dataclass(frozen=True)
class Fleet:
    """Servers in a ring, each with a relationship to the next: records[n] is of servers n, n+1."""

    servers: list[int]
    records: list[int]


def a_fleet(store: Store, prefix: str, size: int) -> Fleet:
    """Everything a judgement loads, and a past: each server was read in every run."""
    servers = add_servers(store, size, prefix)
    ring = list(pairwise([*servers, servers[0]]))
    wanted = [a_record(f"ring {n}", *pair, 2 * n, 2 * n + 1) for n, pair in enumerate(ring)]
    records = insert(store, *wanted)
    with store.write() as uow:
        run = open_run(uow)
        for n in range(RUNS):
            run = open_run(uow)
            told = [[f"ring {m}" for m, pair in enumerate(ring) if s in pair] for s in servers]
            uow.readings.replace(
                [
                    (run, a_reading(s, minutes(n), *names, f"only in run {n}"))
                    for s, names in zip(servers, told, strict=True)
                ]
            )
            numbers = uow.operations.add(run, [an_update(record, n) for record in records])
            if n < RUNS - 1:
                uow.operations.decide(numbers, EntryStatus.APPLIED, "ipam-sync", by_machine=True)
        found(uow, run, [a_finding(f"ring {n}", *pair) for n, pair in enumerate(ring)])
        for server in servers:
            uow.maintenance.add(Window(0, server, None, BEGIN, minutes(1), "disks", "ada"))
        uow.watches.start({(server, "ring"): BEGIN for server in servers})
        uow.commit()
    return Fleet(servers, [record.key for record in records])


def current(fleet: Fleet) -> dict[int, Sighting]:
    """The first server tells what it told last, the second something new."""
    first, second = fleet.servers[:2]
    same = a_reading(first, minutes(9), "ring 0", f"ring {len(fleet.servers) - 1}", "only in run 2")
    return {first: same, second: a_reading(second, minutes(9), "ring 0")}


QUESTIONS: dict[str, Callable[[Transaction, Fleet], object]] = {
    "servers": lambda reading, _: reading.inventory.servers(),
    "records": lambda reading, fleet: reading.records.load(fleet.servers[:2]),
    "records_by_key": lambda reading, fleet: reading.records.by_key(fleet.records[:2]),
    "entries": lambda reading, fleet: reading.operations.in_force(fleet.servers[:2]),
    "open_findings": lambda reading, fleet: reading.findings.unresolved(fleet.servers[:2]),
    "latest_readings": lambda reading, fleet: reading.readings.latest(
        fleet.servers[:2], current(fleet)
    ),
    "connected": lambda reading, fleet: reading.records.connected(fleet.servers[:2]),
    "watches": lambda reading, fleet: reading.watches.since(fleet.servers[:2]),
    "rested": lambda reading, fleet: reading.maintenance.last_ends(fleet.servers[:2]),
    "holders": lambda reading, fleet: reading.records.holders(
        [(s, what) for s in fleet.servers[:2] for what in ("ring 0", 0, 1, 2)]
    ),
    "ledger": lambda reading, _: reading.operations.ledger(),
    "entry_views": lambda reading, fleet: reading.views.operations(
        EntryFilter(server=fleet.servers[0])
    ),
    "entry_views of a record": lambda reading, fleet: reading.views.operations(
        EntryFilter(records=(fleet.records[0],), statuses=())
    ),
}


def costs(store: Store, fleet: Fleet) -> dict[str, tuple[int, int]]:
    """Statements and rows of every question, in a process that knows the inventory."""
    with store.read() as reading:
        reading.inventory.servers()
    return {name: _cost(asked(store, fleet, question)) for name, question in QUESTIONS.items()}


def asked(store: Store, fleet: Fleet, question: Callable[[Transaction, Fleet], object]) -> SqlCount:
    with store.read() as reading, counted(store.engine) as sql:
        assert question(reading, fleet)
    return sql


def _cost(sql: SqlCount) -> tuple[int, int]:
    assert sql.statements > 0
    assert sql.fetched > 0
    return sql.statements, sql.fetched


def test_questions_about_two_servers_cost_the_same_in_a_larger_fleet(store: Store) -> None:
    fleet = a_fleet(store, "few", 10)
    in_a_fleet_of_ten = costs(store, fleet)
    a_fleet(store, "many", 90)
    assert costs(store, fleet) == in_a_fleet_of_ten


def test_a_longer_past_costs_no_more(store: Store) -> None:
    """What was read and decided long ago is not fetched again."""
    fleet = a_fleet(store, "few", 10)
    before = costs(store, fleet)
    del before["entry_views of a record"]  # which is to show the past
    with store.write() as uow:
        for _ in range(20):
            run = open_run(uow)
            uow.readings.replace([(run, a_reading(s, BEGIN, "long ago")) for s in fleet.servers])
            old = [an_update(r, 1) for r in uow.records.load(fleet.servers[:2])]
            numbers = uow.operations.add(run, old)
            uow.operations.decide(numbers, EntryStatus.SUPERSEDED, "ipam-sync", by_machine=True)
            found(uow, run, [a_finding("old", fleet.servers[0])])
            gone = [f.id for f in uow.findings.unresolved() if f.finding.relationship == "old"]
            over(uow, gone)
            uow.maintenance.add(
                Window(0, fleet.servers[0], None, BEGIN, minutes(1), "disks", "ada")
            )
        uow.commit()
    after = costs(store, fleet)
    assert {name: after[name] for name in before} == before


def test_no_question_reads_a_whole_table(sqlite_store_url: str) -> None:
    """By SQLite's own plan; ledger and servers are about the whole store."""
    store = open_store(sqlite_store_url)
    fleet = a_fleet(store, "few", 4)
    for name in QUESTIONS.keys() - {"ledger", "servers"}:
        plans = _plans(store, asked(store, fleet, QUESTIONS[name]))
        scans = [line for line in plans if line.startswith("SCAN") and not _NO_TABLE.search(line)]
        assert (name, scans) == (name, [])


#: Rows that the statement itself makes.
_NO_TABLE = re.compile(r"CONSTANT|SCAN reached")


def _plans(store: Store, sql: SqlCount) -> list[str]:
    with store.engine.connect() as connection:
        return [
            row[3]
            for statement, parameters in sql.sent
            for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        ]


def test_lists_of_any_length_are_asked_in_few_statements(store: Store) -> None:
    fleet = a_fleet(store, "few", 10)
    very_many = fleet.servers + list(range(10_000, 13_000))
    with store.read() as reading:
        for question in (
            lambda: reading.records.load(very_many),
            lambda: reading.records.by_key(very_many),
            lambda: reading.operations.in_force(very_many),
            lambda: reading.findings.unresolved(very_many),
            lambda: reading.readings.latest(very_many, {}),
            lambda: reading.watches.since(very_many),
            lambda: reading.records.holders([(server, 1) for server in very_many]),
        ):
            with counted(store.engine) as sql:
                question()
            assert 7 <= sql.statements <= 15


def test_recording_many_records_takes_no_more_statements_than_recording_one(
    store: Store,
) -> None:
    """In bulk; the rows are as many as there are."""
    servers = add_servers(store, 10)
    counts = []
    for batch, size in ((1, 1), (2, 200)):
        names = [f"batch {batch} number {n}" for n in range(size)]
        records = [
            a_record(name, servers[0], servers[1], batch * 10_000 + n)
            for n, name in enumerate(names)
        ]
        with store.write() as uow, counted(store.engine) as sql:
            keys = uow.records.insert([(record, ()) for record in records])
            stored = uow.records.by_key(keys)
            uow.operations.add(open_run(uow), [an_update(record, 1) for record in stored])
            uow.records.update([(r, replace(r, mclt_seconds=1)) for r in stored])
            assert sql.written["failover"] == 2 * size
            assert sql.written["scope_membership"] == 2 * size
            uow.commit()
        counts.append(sql.statements)
    assert counts[0] == counts[1]


def problems(servers: list[int], word: str, count: int, prefix: str = "ring") -> list[Finding]:
    """Of so many relationships of two servers, with this among their values."""
    about = tuple(servers[:2])
    told = [a_finding(f"{prefix} {n}", *about) for n in range(count)]
    return [replace(finding, values=((word, ()),)) for finding in told]


def cost_of_living(store: Store, servers: list[int], now: list[Finding]) -> SqlCount:
    """What is there ``now`` is written down, when every pair that it may be about was judged."""
    with store.write() as uow:
        run = open_run(uow)
        with counted(store.engine) as sql:
            known = uow.findings.unresolved(servers)
            names = {p.finding.relationship or "" for p in known}
            judged = Judged({name: (frozenset(servers),) for name in names}, frozenset())
            change = drift(now, [p.finding for p in known], judged)
            keep_findings(uow, Fact(run, now, RunPolicy()), change, known)
        uow.commit()
    return sql


def test_the_life_of_many_problems_takes_no_more_statements_than_that_of_one(
    store: Store,
) -> None:
    """They open, go on, change, end and come back in bulk; what goes on writes nothing at all."""
    servers = add_servers(store, 2)
    statements = []
    for size, prefix in ((1, "one"), (400, "many")):
        first, other = (problems(servers, word, size, prefix) for word in ("MCLT", "Mode"))
        costs = [cost_of_living(store, servers, n) for n in (first, first, other, [], first, [])]
        written = [+sql.written for sql in costs]
        assert written[0] == {
            "finding": 2 * size,
            "finding_server": 2 * size,
            "finding_event": size,
        }
        assert written[1] == {}
        assert written[2] == {"finding": 2 * size, "finding_event": size}
        assert written[3] == written[4] == written[5] == written[2]
        statements.append([sql.statements for sql in costs])
    assert statements[0] == statements[1]
    assert max(statements[0]) <= 10


def test_problems_of_others_cost_nothing(store: Store) -> None:
    """What changes and what else is open are two things."""
    servers = add_servers(store, 2)
    words = ("MCLT", "Mode", "Name")
    costs = []
    for word in words:
        sql = cost_of_living(store, servers, problems(servers, word, 3))
        costs.append((sql.statements, sql.fetched))
        a_fleet(store, f"{word} ", 20)
    assert costs[1] == costs[2]


def test_looking_writes_nothing(store: Store) -> None:
    fleet = a_fleet(store, "few", 4)
    with store.write() as uow, counted(store.engine) as sql:
        for question in QUESTIONS.values():
            question(uow, fleet)
    assert sql.written == {}
