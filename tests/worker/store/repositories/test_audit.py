"""What people decided: added in the unit of work that does it, never changed, never removed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.worker.store.samples import open_run
from worker.model.audit import Action, Audited, AuditedDecision, Person
from worker.model.errors import RecordRefused
from worker.store.errors import DatabaseDescription, translated
from worker.store.unit_of_work import Store

ADA = Person("CORP\\ada", "cli@ops01")
RETIRED = AuditedDecision(
    Action.RETIRE, "dhcp01", {"standing": "enabled"}, {"standing": "retired", "ü": [None, 1]}
)
ADDED = AuditedDecision(Action.ADD_SERVER, "dhcp02", None, {"name": "dhcp02"})
GONE = AuditedDecision(Action.REMOVE_ALIAS, "dhcp02", {"aliases": ["hq"]}, None)


def decide(store: Store, *decisions: AuditedDecision, person: Person = ADA) -> None:
    with store.write() as uow:
        uow.audit.add(person, decisions)
        uow.commit()


def latest(store: Store, limit: int = 10) -> tuple[Audited, ...]:
    with store.read() as reading:
        return reading.audit.latest(limit)


def told(audited: Audited) -> AuditedDecision:
    return AuditedDecision(Action(audited.action), audited.subject, audited.before, audited.after)


def test_a_decision_is_kept_as_it_was_with_who_and_from_where_by_the_databases_clock(
    store: Store,
) -> None:
    with store.write() as uow:
        begin = uow.now()
        uow.audit.add(ADA, [RETIRED, ADDED, GONE])
        end = uow.now()
        uow.commit()
    kept = latest(store)
    assert [told(a) for a in kept] == [GONE, ADDED, RETIRED]
    assert {(a.who, a.origin) for a in kept} == {("CORP\\ada", "cli@ops01")}
    assert all(begin <= a.at <= end for a in kept)


def test_what_was_not_there_is_null_for_who_looks_with_sql(store: Store) -> None:
    decide(store, RETIRED, ADDED, GONE)
    with store.engine.connect() as connection:
        asked = "SELECT subject FROM audit WHERE before IS NULL OR after IS NULL ORDER BY id"
        assert [row.subject for row in connection.exec_driver_sql(asked)] == ["dhcp02", "dhcp02"]


def test_without_a_commit_nothing_was_decided(store: Store) -> None:
    with store.write() as uow:
        uow.audit.add(ADA, [RETIRED])
    assert latest(store) == ()


def test_no_decision_is_no_row(store: Store) -> None:
    decide(store)
    assert latest(store) == ()


def test_the_latest_come_first_and_so_many_at_most(store: Store) -> None:
    decide(store, RETIRED)
    decide(store, ADDED, person=Person("grace", "cli@ops02"))
    assert [(a.who, told(a)) for a in latest(store, 1)] == [("grace", ADDED)]
    assert [told(a) for a in latest(store)] == [ADDED, RETIRED]


def test_the_limit_counts_only_what_was_asked_for(store: Store) -> None:
    decide(store, RETIRED, ADDED, GONE)
    with store.read() as reading:
        (found,) = reading.audit.latest(1, action=Action.RETIRE)
        now = reading.now()
        assert told(found) == RETIRED
        assert reading.audit.latest(1, action=Action.APPLY) == ()
        assert len(reading.audit.latest(9, since=found.at)) == 3, "also what was decided right then"
        assert reading.audit.latest(9, since=now + timedelta(seconds=1)) == ()
        assert reading.audit.latest(9, action=Action.APPLY, since=found.at) == ()


@pytest.mark.parametrize("statement", ["UPDATE audit SET who = 'nobody'", "DELETE FROM audit"])
def test_the_database_itself_refuses_to_change_and_to_remove_it(
    store: Store, statement: str
) -> None:
    decide(store, RETIRED, ADDED)
    before = latest(store)
    with (
        pytest.raises(RecordRefused, match="what was decided is never"),
        translated(DatabaseDescription("it")),
        store.engine.begin() as connection,
    ):
        connection.exec_driver_sql(statement)
    assert latest(store) == before


def test_postgresql_refuses_to_empty_the_table_as_well(postgres_store: Store) -> None:
    with (
        pytest.raises(RecordRefused, match="what was decided is never"),
        translated(DatabaseDescription("it")),
        postgres_store.engine.begin() as connection,
    ):
        connection.exec_driver_sql("TRUNCATE audit")


def test_pruning_leaves_it_however_old_it_is(store: Store) -> None:
    decide(store, RETIRED, ADDED)
    with store.write() as uow:
        uow.runs.close(open_run(uow), "done", {})
        uow.commit()
    before = latest(store)
    with store.write() as uow:
        assert uow.retention.prune(uow.now() + timedelta(days=1), 1000)["run"] == 1
        uow.commit()
    assert latest(store) == before
