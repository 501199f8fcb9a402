"""What a person decides about operations is kept, one row for each that was really decided."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from reconcile.model.nouns import Operation
from reconcile.model.record import EntryStatus, Hold, Planned, Record
from tests.worker.store.samples import (
    a_create,
    a_plan,
    a_record,
    add_servers,
    an_update,
    insert,
    open_run,
)
from worker.model.audit import Audited, Person
from worker.operations.apply import apply_entries
from worker.operations.decide import Decided, Terms, apply_selected, reject_selected
from worker.store.unit_of_work import Store

ADA = Person("ada", "cli@ops01")
TERMS = Terms(timedelta(hours=1), destructive=True, insist=True)
UNTIL = datetime(2999, 1, 1, tzinfo=UTC)


@pytest.fixture
def record(store: Store) -> Record:
    """HQ of two servers, with three scopes."""
    one, two = add_servers(store, 2)
    (kept,) = insert(store, a_record("HQ", one, two, 1, 2, 3))
    return kept


def wanted(store: Store, *planned: Planned) -> list[int]:
    """Pending operations, as a run recorded them."""
    with store.write() as uow:
        numbers = uow.operations.add(open_run(uow), planned)
        uow.commit()
    return numbers


def applied(store: Store, numbers: Collection[int], terms: Terms = TERMS) -> Decided:
    with store.write() as uow:
        decided, _ = apply_selected(uow, numbers, terms, ADA)
        uow.commit()
    return decided


def rejected(store: Store, numbers: Collection[int], until: datetime | None = None) -> Decided:
    with store.write() as uow:
        decided = reject_selected(uow, numbers, ADA, until)
        uow.commit()
    return decided


def kept(store: Store) -> tuple[Audited, ...]:
    with store.read() as reading:
        return reading.audit.latest(10)


def test_an_applied_operation_is_kept_with_what_the_record_had_and_has(
    store: Store, record: Record
) -> None:
    (number,) = wanted(store, an_update(record, 7200))
    assert applied(store, [number]).done == (number,)
    (row,) = kept(store)
    assert (row.who, row.origin, row.action) == ("ada", "cli@ops01", "apply")
    assert row.subject == f"operation {number}: FailoverUpdate of HQ"
    stored, changed = {"MCLT": "PT1H"}, {"MCLT": "PT2H"}
    assert row.before == {"status": "pending", "held": None, "stored": stored, "wanted": changed}
    assert row.after == {
        "status": "applied",
        "stored": changed,
        "insisted": "a server it rests on has no recorded reading",
    }


def test_a_removal_that_was_held_is_kept_as_such_and_leaves_nothing_stored(
    store: Store, record: Record
) -> None:
    planned = replace(a_plan(Operation.DELETE, record), hold=Hold.GUARD, witnesses=())
    (number,) = wanted(store, planned)
    assert applied(store, [number]).done == (number,)
    (row,) = kept(store)
    assert row.before is not None
    assert (row.before["held"], row.before["wanted"]) == ("guard", None)
    assert row.before["stored"] == {"Scopes": ["0.0.0.1", "0.0.0.2", "0.0.0.3"]}
    assert row.after == {"status": "applied", "stored": None, "insisted": None}


def test_a_rejected_operation_is_kept_with_what_stays_and_how_long(
    store: Store, record: Record
) -> None:
    (number,) = wanted(store, an_update(record, 7200))
    assert rejected(store, [number], UNTIL).done == (number,)
    (row,) = kept(store)
    assert row.action == "reject"
    assert row.before is not None
    assert row.before["wanted"] == {"MCLT": "PT2H"}
    assert row.after == {
        "status": "rejected",
        "stored": {"MCLT": "PT1H"},
        "until": "2999-01-01T00:00:00Z",
    }


def test_many_at_once_are_a_row_each_and_none_for_those_that_were_refused(
    store: Store, record: Record
) -> None:
    stale = replace(an_update(record, 7200), relationship="stale")
    stale = replace(stale, changes=(replace(stale.changes[0], before=60),))
    good = wanted(store, an_update(record, 7200), a_plan(Operation.REMOVE_SCOPES, record))
    (bad,) = wanted(store, stale)
    decided = applied(store, [*good, bad, 4711])
    assert set(decided.refused) == {bad, 4711}
    assert {row.subject.split(":")[0] for row in kept(store)} == {f"operation {n}" for n in good}


def test_what_is_held_and_not_agreed_to_is_not_kept(store: Store, record: Record) -> None:
    (number,) = wanted(store, replace(a_plan(Operation.DELETE, record), hold=Hold.GUARD))
    assert set(applied(store, [number], Terms(timedelta(hours=1))).refused) == {number}
    assert kept(store) == ()


def test_what_cannot_be_rejected_is_not_kept(store: Store, record: Record) -> None:
    (number,) = wanted(store, an_update(record, 7200))
    applied(store, [number])
    before = kept(store)
    assert set(rejected(store, [number, 4711]).refused) == {number, 4711}
    assert kept(store) == before


def test_a_rejected_create_is_kept_though_its_record_is_gone(store: Store) -> None:
    one, two = add_servers(store, 2)
    (pending,) = insert(store, replace(a_record("New", one, two, 1), pending=True))
    (number,) = wanted(store, a_create(pending))
    assert rejected(store, [number]).done == (number,)
    (row,) = kept(store)
    assert row.after == {"status": "rejected", "stored": None, "until": None}
    with store.read() as reading:
        assert reading.records.by_key([pending.key]) == ()


def test_what_the_machine_applies_and_supersedes_is_no_decision_of_a_person(
    store: Store, record: Record
) -> None:
    planned = (an_update(record, 7200), an_update(record, 60))
    first, second = wanted(store, *planned)
    with store.write() as uow:
        assert apply_entries(uow, {first: planned[0]}, "ipam-sync", by_machine=True).done
        uow.operations.decide([second], EntryStatus.SUPERSEDED, "ipam-sync", by_machine=True)
        uow.commit()
    assert kept(store) == ()


def test_what_is_rolled_back_is_not_kept(store: Store, record: Record) -> None:
    numbers = wanted(store, an_update(record, 7200), an_update(record, 60))
    with store.write() as uow:
        assert apply_selected(uow, numbers[:1], TERMS, ADA)[0].done
        assert reject_selected(uow, numbers[1:], ADA, None).done
    assert kept(store) == ()
