"""What people do while a run goes on: they take a server out, apply by hand, and come back late."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from collectors.simulator.fleet import made
from reconcile.model.findings import Kind
from reconcile.model.nouns import Operation, Standing
from reconcile.model.record import Entry, EntryStatus
from tests.worker.runs.office import Killed, Message, Office, die_before_applying, handle, office
from worker.config.run_policy import Policy, RunPolicy
from worker.model.audit import Person
from worker.model.runs import OpenRun, Trigger
from worker.operations.decide import Decided, Terms, apply_selected
from worker.runs import judge
from worker.runs.record import RecordedBatch
from worker.store.unit_of_work import Store

OUT = "dhcp0001"


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Office]:
    """Four servers, each in two relationships, all recorded; two workers."""
    with office(tmp_path, made(4, partners=2), worker_processes=2) as at:
        at.run()
        yield at


def readings(at: Office) -> int:
    """So often the server was read that is taken out."""
    return at.running.station(OUT).runs


def take_out(at: Office, standing: Standing) -> None:
    """As a person does."""
    with at.ipam.store.write() as uow:
        uow.inventory.set_standing(1, standing)
        uow.commit()


def do(at: Office, message: Message) -> None:
    """One message, before all others."""
    at.dispatcher.waiting_now.remove(message)
    handle(at.worker_processes[0], message)


# ------------------------------------------------------------------------------------ taken out


@pytest.mark.parametrize("standing", [Standing.DISABLED, Standing.RETIRED])
@pytest.mark.parametrize("trigger", [Trigger.SCHEDULE, Trigger.CLI])
def test_a_server_that_is_taken_out_before_its_turn_is_not_asked_and_the_run_ends(
    at: Office, standing: Standing, trigger: Trigger
) -> None:
    before = readings(at)
    runs = [at.ask(trigger), at.ask(server=OUT)]
    take_out(at, standing)
    at.work()
    assert readings(at) == before
    for run in runs:
        assert 1 not in at.summary(run).sightings, "it was not asked"


@pytest.mark.parametrize("when", ["before its turn", "when it was read"])
def test_the_pairs_of_a_disabled_server_are_left_alone(at: Office, when: str) -> None:
    """What both tell is a removal, but nobody is asked any more who could say so."""
    at.running.change("dhcp0001-dhcp0002", {"deleted": "true"})
    rows = at.records()
    run = at.ask()
    if when == "when it was read":
        do(at, ("read", run, 1))
    take_out(at, Standing.DISABLED)
    at.work()
    summary = at.summary(run)
    assert at.records() == rows
    assert (summary.lines, {f.kind for f in summary.findings}) == ((), {Kind.ABSENCE_UNVERIFIED})
    with at.ipam.store.write() as uow:
        uow.inventory.set_standing(1, Standing.ENABLED)
        uow.commit()
    (removed,) = at.run().lines
    assert (removed.planned.operation, removed.fate) == (Operation.DELETE, "applied")


# ------------------------------------------------------------------------------------ by hand


def apply_by_hand(at: Office, numbers: list[int], *, insist: bool = False) -> Decided:
    """As ``ipam-sync operations apply`` does."""
    terms = Terms(at.ipam.run_policy.rules.evidence_age, insist=insist)
    with at.ipam.store.write() as uow:
        decided, _ = apply_selected(uow, numbers, terms, Person("operator", "cli@ops01"))
        uow.commit()
    return decided


def pending(at: Office) -> list[Entry]:
    return [entry for entry, _ in at.entries() if entry.status is EntryStatus.PENDING]


def deciders(at: Office) -> list[tuple[object, ...]]:
    """Who applied how much."""
    return at.sql(
        "SELECT decided_by, count(*) FROM operation_tracker WHERE status = 'applied' AND run_id > 1"
        " GROUP BY decided_by ORDER BY decided_by"
    )


def test_what_an_operator_applies_before_the_worker_does_is_applied_once(
    at: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker has recorded it and is about to apply it."""
    apply = judge._apply

    def with_haste(
        store: Store,
        written: RecordedBatch,
        holder: judge._Holder,
        run: OpenRun,
        run_policy: RunPolicy,
    ) -> None:
        mine = [n for n, p in written.confirmed.items() if p.relationship == "dhcp0001-dhcp0002"]
        assert apply_by_hand(at, mine).done == tuple(mine)
        apply(store, written, holder, run, run_policy)

    monkeypatch.setattr(judge, "_apply", with_haste)
    for name in ("dhcp0001-dhcp0002", "dhcp0002-dhcp0003"):
        at.running.change(name, {"mclt_seconds": "60"})
    summary = at.run()
    assert deciders(at) == [("ipam-sync", 1), ("operator", 1)]
    assert [line.fate for line in summary.lines] == ["applied", "applied"]
    assert sum(record.mclt_seconds == 60 for record in at.records()) == 2


def test_what_the_worker_applied_before_the_operator_did_is_refused_with_why(at: Office) -> None:
    at.running.change("dhcp0001-dhcp0002", {"mclt_seconds": "60"})
    (line,) = at.run().lines
    assert line.number is not None
    decided = apply_by_hand(at, [line.number])
    assert (decided.done, decided.refused) == ((), {line.number: "it is applied by now"})
    assert deciders(at) == [("ipam-sync", 1)]


# ------------------------------------------------------------------------------------ old readings


@pytest.fixture
def reviewed(tmp_path: Path) -> Iterator[Office]:
    """One change of a relationship is recorded, and a person has not decided yet."""
    with office(tmp_path, made(4, partners=2)) as at:
        at.run()
    with office(tmp_path, made(4, partners=2), policy=Policy.REVIEW) as at:
        at.running.change("dhcp0001-dhcp0002", {"mclt_seconds": "60"})
        at.run()
        yield at


@pytest.mark.parametrize("still_so", [True, False])
def test_what_is_approved_after_its_readings_grew_old_is_judged_again_first(
    reviewed: Office, still_so: bool
) -> None:
    """A fresh run confirms it, and then it may go; or finds that it is no longer so (R6)."""
    (entry,) = pending(reviewed)
    reviewed.long_ago("sighting", "read_at")
    assert apply_by_hand(reviewed, [entry.number]).done == ()
    if not still_so:
        reviewed.running.change("dhcp0001-dhcp0002", {"mclt_seconds": "3600"})
    reviewed.run()
    decided = apply_by_hand(reviewed, [entry.number])
    assert decided.done == ((entry.number,) if still_so else ())
    assert sum(record.mclt_seconds == 60 for record in reviewed.records()) == still_so
    assert decided.refused == ({} if still_so else {entry.number: "it is superseded by now"})


def hours_later(at: Office) -> None:
    """Nobody did anything meanwhile."""
    columns = {"run": "started_at", "sighting": "read_at", "failover": "changed_at"}
    columns |= {"lease": "expires_at", "run_member": "published_at", "server": "changed_at"}
    for table, column in columns.items():
        moved = f"strftime('%Y-%m-%dT%H:%M:%f000Z', {column}, '-2 hours')"
        at.sql(f"UPDATE {table} SET {column} = {moved}")  # noqa: S608 - our own tables
    at.sql("UPDATE writer SET inventory = inventory + 1")


def test_a_run_that_is_taken_up_after_hours_applies_nothing_on_its_old_readings(
    at: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All workers died when the change was recorded; the next run sees it again and applies it."""
    at.running.change("dhcp0001-dhcp0002", {"mclt_seconds": "60"})
    run = at.ask()
    with monkeypatch.context() as patch:
        patch.setattr(judge, "_apply", die_before_applying)
        with pytest.raises(Killed):
            at.work(threads=1)
    hours_later(at)
    at.running.change("dhcp0001-dhcp0002", {"mclt_seconds": "3600"})
    at.worker_processes[1].sweep()
    at.work()
    assert [line.fate for line in at.summary(run).lines] == ["pending"]
    assert {record.mclt_seconds for record in at.records()} == {3600}
    assert at.run().superseded == 1
