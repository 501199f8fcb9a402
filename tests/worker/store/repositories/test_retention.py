"""Old runs go, a bounded number at a time; what is open keeps its evidence; a quiet fleet is small."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import create_engine, text

from reconcile.model.findings import Event
from reconcile.model.nouns import ReadFailure, Seen, Sighting, Unseen
from reconcile.model.record import EntryStatus
from tests.worker.store.outbox import an_event, claim, delivered, problems, want
from tests.worker.store.samples import (
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
from tests.worker.store.sql_counter import counted
from worker.model.alerts import NOBODY
from worker.model.runs import EVERYTHING, Lane, RunScope, Trigger
from worker.runs.retention import prune
from worker.store.repositories.claims import Claim, Conclusion
from worker.store.schema import open_store
from worker.store.unit_of_work import Store
from worker.telemetry.events import EventRecorder

MANY = 1000
#: What a run that workers did writes when it is over.
NUMBERS: dict[str, object] = dict.fromkeys(
    (
        *(f"servers_{word}" for word in ("read", "unread", "skipped")),
        *(f"operations_{word}" for word in ("new", "planned", "applied", "pending", "held")),
        *("pairs", "superseded", "overtaken", "paused", "findings", "findings_opened", "refused"),
    ),
    0,
)


def a_run(store: Store, *sightings: Sighting) -> int:
    """A run that is over, with what it saw."""
    with store.write() as uow:
        run = open_run(uow)
        uow.readings.replace([(run, s) for s in sightings])
        uow.runs.close(run, "done", {})
        uow.commit()
    return run


def read(server: int, minute: int, *names: str) -> Seen:
    return a_reading(server, minutes(minute), *names)


def failed(server: int, minute: int) -> Unseen:
    return Unseen(server, minutes(minute), ReadFailure("timeout", "slow", "wait", retry=True))


def pruned(store: Store, most: int = MANY) -> dict[str, int]:
    """Everything that is over is old; rows of the tables of which any went."""
    with store.write() as uow:
        rows = uow.retention.prune(uow.now() + timedelta(hours=1), most)
        uow.commit()
    return {table: count for table, count in rows.items() if count}


def left(store: Store) -> dict[int, set[int]]:
    """The runs that are left, and the servers that each has a sighting of."""
    with store.read() as reading:
        return {
            run.id: {s.server for s in reading.readings.sightings(run.id)}
            for run in reading.runs.latest(MANY)
        }


def stored(store: Store, table: str) -> int:
    with store.engine.connect() as connection:
        rows = connection.execute(text(f"SELECT count(*) FROM {table}"))  # noqa: S608 - our own
        return int(rows.scalar_one())


def test_the_last_two_readings_stay_and_what_is_older_goes(store: Store) -> None:
    (one,) = add_servers(store, 1)
    runs = [a_run(store, read(one, n, f"R{n}")) for n in range(5)]
    assert pruned(store) == {"sighting": 3, "reading": 3, "run": 3}
    assert left(store) == {runs[3]: {one}, runs[4]: {one}}
    assert pruned(store) == {}
    with store.read() as reading:
        assert reading.readings.latest([one], {})[one] == read(one, 4, "R4")
        assert reading.readings.latest([one], {}, besides=runs[4])[one] == read(one, 3, "R3")


def test_a_server_that_is_silent_since_long_keeps_its_readings_and_its_last_failure(
    store: Store,
) -> None:
    (one,) = add_servers(store, 1)
    first, second = a_run(store, read(one, 0, "A")), a_run(store, read(one, 1, "A"))
    failures = [a_run(store, failed(one, n)) for n in range(2, 6)]
    pruned(store)
    assert left(store) == {first: {one}, second: {one}, failures[-1]: {one}}


def test_what_is_not_old_stays(store: Store) -> None:
    (one,) = add_servers(store, 1)
    for n in range(5):
        a_run(store, read(one, n, "R"))
    prune(store, timedelta(days=30), EventRecorder())
    assert len(left(store)) == 5


def test_a_run_in_progress_is_never_old(store: Store) -> None:
    """Not even one of a command that was killed: a sweep ends it."""
    with store.write() as uow:
        at_work = uow.runs.open(Trigger.SCHEDULE, "schedule", EVERYTHING, RunScope(), Lane.READ)
        killed = open_run(uow)
        uow.commit()
    pruned(store)
    assert left(store) == {at_work: set(), killed: set()}


def test_a_reading_stays_as_long_as_anybody_told_it(store: Store) -> None:
    one, two = add_servers(store, 2)
    for n in range(4):
        a_run(store, Seen(one, minutes(n), ()), Seen(two, minutes(n), ()))
    a_run(store, read(one, 5, "R"), read(two, 5, "R"))
    a_run(store, read(one, 6, "R"), read(two, 6, "R"))
    assert pruned(store) == {"sighting": 8, "reading": 1, "run": 4}
    assert stored(store, "reading") == 1


class TestEvidence:
    """What is open keeps what it rests on, and no more."""

    @pytest.fixture
    def servers(self, store: Store) -> list[int]:
        return add_servers(store, 3)

    def a_past(self, store: Store, servers: Collection[int], runs: int = 3) -> None:
        for n in range(10, 10 + runs):
            a_run(store, *(read(s, n, "later") for s in servers))

    def test_of_a_pending_operation(self, store: Store, servers: list[int]) -> None:
        one, two, _ = servers
        (record,) = insert(store, a_record("HQ", one, two))
        run = a_run(store, *(read(s, 1, "HQ") for s in servers))
        with store.write() as uow:
            numbers = uow.operations.add(run, [an_update(record, 60)])
            uow.commit()
        self.a_past(store, servers)
        pruned(store)
        assert left(store)[run] == {one, two}
        with store.write() as uow:
            uow.operations.decide(numbers, EntryStatus.APPLIED, "ada", by_machine=False)
            uow.commit()
        pruned(store)
        assert left(store)[run] == set(), "its row stays, OperationTracker tells of it"

    def test_of_a_rejected_one_as_long_as_it_stands(self, store: Store, servers: list[int]) -> None:
        one, two, _ = servers
        (record,) = insert(store, a_record("HQ", one, two))
        run = a_run(store, read(one, 1, "HQ"), read(two, 1, "HQ"))
        with store.write() as uow:
            numbers = uow.operations.add(run, [an_update(record, 60)])
            uow.operations.decide(numbers, EntryStatus.REJECTED, "ada", by_machine=False)
            uow.commit()
        self.a_past(store, servers)
        pruned(store)
        assert left(store)[run] == {one, two}
        with store.write() as uow:
            uow.operations.end_acceptance(numbers)
            uow.commit()
        pruned(store)
        assert left(store)[run] == set()

    def test_of_an_open_finding(self, store: Store, servers: list[int]) -> None:
        one, two, _ = servers
        run = a_run(store, *(read(s, 1, "HQ") for s in servers))
        with store.write() as uow:
            found(uow, run, [a_finding("HQ", one, two)])
            uow.commit()
        self.a_past(store, servers)
        pruned(store)
        assert left(store)[run] == {one, two}
        with store.write() as uow:
            over(uow, [f.id for f in uow.findings.unresolved()])
            uow.commit()
        pruned(store)
        assert run not in left(store), "nothing tells of it any more"


class TestProblems:
    """What is over goes, with what happened to it; of what is open the last stays."""

    def happened(self, store: Store, problem: int, *events: Event) -> None:
        """Decided, and nobody has to be told."""
        with store.write() as uow:
            uow.outbox.add([an_event(uow, problem, event) for event in events])
            for event in uow.outbox.events([problem]):
                uow.outbox.set_outcome((problem, event.sequence), {NOBODY: "no route takes it"})
            if events[-1] is Event.RESOLVED:
                over(uow, [problem])
            uow.commit()

    def left(self, store: Store, problem: int) -> list[int]:
        """The numbers of its events."""
        with store.read() as reading:
            return [event.sequence for event in reading.outbox.events([problem])]

    def test_that_are_over_go_with_everything_about_them_and_their_run(self, store: Store) -> None:
        (problem,) = problems(store, 1)
        want(store, [problem])
        self.happened(store, problem, Event.OPENED, Event.CHANGED, Event.RESOLVED)
        claim(store, "A")
        delivered(store, "A", problem, sequence=3)
        with store.write() as uow:
            uow.deliveries.cancel(problem, "log")
            (run,) = uow.runs.latest(9)
            uow.runs.close(run.id, "done", {})
            uow.commit()
        assert pruned(store) == {"finding_event": 3, "finding": 1, "run": 1}
        tables = ("finding", "finding_server", "finding_event", "delivery", "run")
        assert [stored(store, table) for table in tables] == [0, 0, 0, 0, 0]

    def test_that_are_over_but_not_for_long_stay(self, store: Store) -> None:
        problem, unconfirmed = problems(store, 2)
        self.happened(store, problem, Event.OPENED, Event.RESOLVED)
        with store.write() as uow:
            over(uow, [unconfirmed])
            uow.commit()
        prune(store, timedelta(days=30), EventRecorder())
        assert self.left(store, problem) == [1, 2]
        assert stored(store, "finding") == 2

    def test_that_are_open_keep_the_last_event_of_each_kind(self, store: Store) -> None:
        (problem,) = problems(store, 1)
        told = (Event.OPENED, Event.RESOLVED, Event.OPENED, Event.CHANGED, Event.CHANGED)
        self.happened(store, problem, *told)
        assert pruned(store) == {"finding_event": 2}
        assert self.left(store, problem) == [2, 3, 5]
        assert pruned(store) == {}

    def test_that_are_open_keep_what_a_channel_knows(self, store: Store) -> None:
        """It may have to be told the same again."""
        (problem,) = problems(store, 1)
        self.happened(store, problem, Event.OPENED, Event.CHANGED, Event.CHANGED)
        want(store, [problem], sequence=2)
        claim(store, "A")
        delivered(store, "A", problem, sequence=2)
        assert pruned(store) == {}

    def test_keep_what_somebody_is_still_to_be_told(self, store: Store) -> None:
        """Over or not, and the problem with it."""
        (problem,) = problems(store, 1)
        want(store, [problem], sequence=2)
        self.happened(store, problem, Event.OPENED, Event.RESOLVED)
        assert pruned(store) == {"finding_event": 1}
        assert self.left(store, problem) == [2]
        claim(store, "A")
        delivered(store, "A", problem, sequence=2)
        assert pruned(store) == {"finding_event": 1, "finding": 1}

    def test_go_though_nobody_ever_decided_who_is_told(self, store: Store) -> None:
        """As where there is no channel."""
        (problem,) = problems(store, 1)
        with store.write() as uow:
            uow.outbox.add([an_event(uow, problem), an_event(uow, problem, Event.RESOLVED)])
            over(uow, [problem])
            uow.commit()
        assert pruned(store) == {"finding_event": 2, "finding": 1}

    def test_that_are_open_go_down_to_the_last_of_each_kind_also_while_undecided(
        self, store: Store
    ) -> None:
        (problem,) = problems(store, 1)
        with store.write() as uow:
            told = (Event.OPENED, Event.CHANGED, Event.CHANGED)
            uow.outbox.add([an_event(uow, problem, event) for event in told])
            uow.commit()
        assert pruned(store) == {"finding_event": 1}
        assert self.left(store, problem) == [1, 3]

    def test_that_explain_an_open_one_stay(self, store: Store) -> None:
        cause, effect = problems(store, 2)
        with store.write() as uow:
            uow.findings.set_causes({effect: cause})
            over(uow, [cause])
            uow.commit()
        assert pruned(store) == {}
        with store.write() as uow:
            uow.findings.set_causes({effect: None})
            uow.commit()
        assert pruned(store) == {"finding": 1}

    def test_come_back_without_a_history(self, store: Store) -> None:
        finding = a_finding("ring 0", 1, 2)
        (problem,) = problems(store, 1)
        self.happened(store, problem, Event.OPENED, Event.RESOLVED)
        pruned(store)
        with store.write() as uow:
            assert uow.findings.openings([finding.fingerprint]) == {}
            (anew,) = found(uow, open_run(uow), [finding]).values()
            assert anew != problem, "receivers must not take it for a double"

    def test_no_more_at_once_than_was_asked_for(self, store: Store) -> None:
        for problem in problems(store, 5):
            self.happened(store, problem, Event.OPENED, Event.RESOLVED)
        rows = [pruned(store, most=4) for _ in range(4)]
        assert [r.get("finding_event") for r in rows] == [4, 4, 2, None]
        assert [r.get("finding") for r in rows] == [2, 2, 1, None]


def test_no_more_goes_at_once_than_was_asked_for_and_in_the_end_all(store: Store) -> None:
    servers = add_servers(store, 4)
    for n in range(7):
        a_run(store, *(read(s, n, f"R{n}") for s in servers))
    rows = [pruned(store, most=6) for _ in range(5)]
    assert [r.get("sighting") for r in rows] == [6, 6, 6, 2, None]
    assert len(left(store)) == 2


def test_pruning_costs_a_fixed_number_of_statements(store: Store) -> None:
    servers = add_servers(store, 40)
    for n in range(6):
        a_run(store, *(read(s, n, f"R{n}") for s in servers))
    with counted(store.engine) as sql:
        assert pruned(store)["sighting"] == 160
    assert sql.statements <= 12


def test_sweeps_prune_on_as_long_as_something_is_old_and_then_pause(store: Store) -> None:
    (one,) = add_servers(store, 1)
    for n in range(6):
        a_run(store, read(one, n, "R"))
    soon = timedelta(hours=-1)  # all that is over is older than in an hour
    for expected in (4, 2, 2):
        prune(store, soon, EventRecorder(), most=2)
        assert len(left(store)) == expected
    a_run(store, read(one, 7, "R"))
    prune(store, soon, EventRecorder(), most=2)
    assert len(left(store)) == 3, "it was looked at less than an hour ago"


# ------------------------------------------------------------------------------------ size

SERVERS, RUNS = 50, 20
MOST_BYTES = 300
NUMBERS_SO_FAR = {"superseded": 0}


def a_quiet_run(store: Store, servers: list[int], at: datetime) -> None:
    """All that workers write in a run in which nothing is new."""
    with store.write() as uow:
        run = uow.runs.open(Trigger.SCHEDULE, "schedule", EVERYTHING, RunScope(), Lane.READ)
        uow.members.add(run, servers, targets=servers)
        for server in servers:
            uow.claims.claim([Claim(run, server, 1, uow.now())])
            told = a_reading(server, at, "HQ", f"branch {server}")
            seen = replace(told, clock_offset_seconds=0.25)
            uow.claims.conclude([Conclusion(run, server, seen)])
        uow.members.mark_judged(run, servers, unresolved=())
        uow.runs.add_counts(run, NUMBERS_SO_FAR)
        assert uow.runs.close_if_done(run)
        uow.runs.close(run, "done", NUMBERS)
        uow.members.remove(run)
        uow.commit()


def size(url: str) -> int:
    """Bytes of all tables and indexes, after the clean-up that the database does by itself."""
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
            used = "SELECT (page_count - freelist_count) * page_size FROM"
            pragmas = (f"pragma_{p}" for p in ("page_count", "freelist_count", "page_size"))
            rows = connection.execute(text(f"{used} {', '.join(pragmas)}"))
        else:
            connection.execute(text("VACUUM"))
            total = "SELECT sum(pg_total_relation_size(oid)) FROM pg_class"
            rows = connection.execute(
                text(f"{total} WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace")
            )
        used_bytes = int(rows.scalar_one())
    engine.dispose()
    return used_bytes


def test_a_quiet_fleet_grows_by_few_bytes_per_server_and_run(database_url: str) -> None:
    store = open_store(database_url)
    servers = add_servers(store, SERVERS)
    for n in range(5):
        a_quiet_run(store, servers, minutes(n))
    before = size(database_url)
    for n in range(RUNS):
        a_quiet_run(store, servers, minutes(5 + n))
        size(database_url)  # runs are minutes apart: the database cleans up in between
    grown = (size(database_url) - before) / (SERVERS * RUNS)
    assert grown <= MOST_BYTES
    assert stored(store, "sighting") == SERVERS * (RUNS + 5)
    assert stored(store, "reading") == SERVERS
    store.close()
