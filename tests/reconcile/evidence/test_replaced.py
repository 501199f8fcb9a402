"""Another machine answers under a known name (R1): what it has counts, what it lacks does not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconcile.findings.drift import drift
from reconcile.model.findings import Finding, Kind
from reconcile.model.nouns import Operation, Standing, Story
from reconcile.planning.plan import Plan
from tests.reconcile.fleet import HUB, OTHER, SPOKE, both, kinds, nets, operations, told_by
from tests.reconcile.machines import Estate, Told, is_open
from tests.reconcile.remedy_examples import commands_for

A, B, C = HUB, SPOKE, OTHER
#: Another relationship of A and B, so that who lacks HQ is not empty.
KEPT_A, KEPT_B = both(name="kept", scopes=nets("10.9.0.0"))


def told(of_a: Story | None, of_b: Story | None) -> Told:
    """What A and B tell of HQ, besides the relationship that they keep."""
    return {A: [s for s in (of_a, KEPT_A) if s], B: [s for s in (of_b, KEPT_B) if s]}


def replaced(ipam: Estate | None = None) -> Estate:
    """IPAM has HQ as both told it; then A was installed anew, on another machine."""
    if ipam is None:
        ipam = Estate(machines={A.id: "old", B.id: "b"})
        ipam.run(told(*both()))
    ipam.machines[A.id] = "new"
    return ipam


def the(plan: Plan, kind: Kind) -> Finding:
    (found,) = (f for f in plan.findings if f.kind is kind)
    return found


def test_it_is_a_finding_with_both_ids_and_the_way_out() -> None:
    found = the(replaced().plan(told(*both())), Kind.SERVER_REPLACED)
    assert found.servers == (A.id,)
    assert found.values == (("machine id", (("IPAM", "old"), (A.name, "new"))),)
    assert f"ipam-sync servers confirm {A.name}" in commands_for(found, A.name)


def test_the_first_machine_that_answers_is_remembered() -> None:
    ipam = Estate(machines={A.id: "old"})
    assert Kind.SERVER_REPLACED not in kinds(ipam.run({A: [KEPT_A]}))
    assert ipam.servers[0].machine_id == "old"


def test_who_says_no_machine_id_is_nobody_else() -> None:
    """An export, or a server whose registry we may not read."""
    ipam = replaced()
    del ipam.machines[A.id]
    assert kinds(ipam.plan(told(*both()))) == []


def test_what_it_has_counts() -> None:
    """A change that it tells, a state, a new relationship and a new scope."""
    ipam = replaced()
    one, two = both(mclt_seconds=7200, scopes=nets("10.1.0.0", "10.1.1.0", "10.1.2.0"))
    new = both(name="new", scopes=nets("10.5.0.0"))
    plan = ipam.plan({A: [one, new[0], KEPT_A], B: [two, new[1], KEPT_B]})
    assert operations(plan) == [Operation.UPDATE, Operation.CREATE, Operation.ADD_SCOPES]
    assert kinds(plan) == [Kind.SERVER_REPLACED]


def test_that_it_lacks_a_relationship_is_no_proof() -> None:
    """Its partner lacks it, too: with any other reading that is a FailoverDelete."""
    ipam = replaced()
    plan = ipam.plan(told(None, None))
    assert (operations(plan), kinds(plan)) == ([], [Kind.SERVER_REPLACED])
    ipam.confirm(A)
    assert operations(ipam.plan(told(None, None))) == [Operation.DELETE]


def test_that_it_lacks_what_its_partner_tells_is_said_and_nothing_follows() -> None:
    plan = replaced().plan(told(None, both(mclt_seconds=7200)[1]))
    assert operations(plan) == []
    detail = the(plan, Kind.ONE_SIDED).detail
    assert f"{A.name} is another machine now, which lacks it" in detail


def test_with_a_silent_partner_it_is_an_absence_that_nobody_verified() -> None:
    plan = replaced().plan({A: [KEPT_A], B: None})
    assert operations(plan) == []
    assert f"{A.name} is another machine now" in the(plan, Kind.ABSENCE_UNVERIFIED).detail


def test_that_it_lacks_a_scope_is_no_proof() -> None:
    """Nor is its partner's word beside it."""
    ipam = replaced()
    fewer = told(*both(scopes=nets("10.1.0.0")))
    plan = ipam.plan(fewer)
    assert operations(plan) == []
    detail = the(plan, Kind.ABSENCE_UNVERIFIED).detail
    assert "10.1.1.0" in detail
    assert f"{A.name} is a different machine than before" in detail
    ipam.confirm(A)
    assert operations(ipam.plan(fewer)) == [Operation.REMOVE_SCOPES]


def test_that_it_lacks_all_scopes_is_no_proof_however_often_it_says_so() -> None:
    ipam = replaced()
    empty = told(*both(scopes=frozenset()))
    for _ in range(3):
        assert Operation.REMOVE_SCOPES not in operations(ipam.run(empty))
    ipam.confirm(A)
    assert operations(ipam.plan(empty)) == [Operation.REMOVE_SCOPES]


def test_that_it_is_empty_is_no_proof_however_often_it_says_so() -> None:
    """And no alarm of its own: of another machine nothing else was to be expected."""
    ipam = replaced()
    for _ in range(3):
        plan = ipam.run({A: [], B: [KEPT_B]})
        assert operations(plan) == []
        assert Kind.EMPTY_READ_UNCONFIRMED not in kinds(plan)


def test_alone_it_proves_nothing_either() -> None:
    """Its partner is no server of IPAM: a removal would wait for a person, there is none."""
    ipam = Estate(servers=(A,), machines={A.id: "old"})
    story = told_by(A, B, scopes=nets("10.1.0.0", "10.1.1.0"))
    ipam.run({A: [story, KEPT_A]})
    replaced(ipam)
    assert operations(ipam.plan({A: [KEPT_A]})) == []
    fewer = ipam.plan({A: [replace(story, scopes=nets("10.1.0.0")), KEPT_A]})
    assert operations(fewer) == []
    assert (
        f"{A.name} is a different machine than before" in the(fewer, Kind.ABSENCE_UNVERIFIED).detail
    )


def test_that_it_tells_the_name_with_another_partner_removes_nothing() -> None:
    """It has HQ with C now, and that waits: what it had with B is gone when a person says so."""
    ipam = replaced()
    elsewhere = told_by(A, C, scopes=nets("10.6.0.0"))
    answer = told_by(C, A, primary=False, scopes=nets("10.6.0.0"))
    now: Told = {A: [elsewhere, KEPT_A], B: [KEPT_B], C: [answer]}
    plan = ipam.plan(now)
    assert operations(plan) == [Operation.CREATE]
    assert plan.new[0].contested
    ipam.confirm(A)
    assert operations(ipam.plan(now)) == [Operation.DELETE, Operation.CREATE]


def test_a_create_that_waits_is_not_withdrawn_for_what_it_lacks() -> None:
    ipam = Estate(machines={A.id: "old", B.id: "b"})
    ipam.run(told(*both()), apply_all=False)
    replaced(ipam)
    for of_b in (None, both()[1]):
        assert ipam.plan(told(None, of_b)).superseded == ()
    ipam.confirm(A)
    assert len(ipam.plan(told(None, None)).superseded) == 1


def test_a_removal_that_waits_is_not_confirmed_by_it() -> None:
    """Recorded on the word of the old machine, it is not applied on that of the new one."""
    ipam = Estate(machines={A.id: "old", B.id: "b"})
    ipam.run(told(*both()))
    ipam.run(told(None, None), apply_all=False)
    replaced(ipam)
    (need,) = ipam.plan(told(None, None)).needs
    assert (need.planned.operation, need.confirmed) == (Operation.DELETE, False)


@pytest.mark.parametrize("stored", [True, False])
def test_a_disagreement_is_not_over_for_what_it_lacks(stored: bool) -> None:
    """Only A told it, whether or not IPAM has a record; a new machine without it settles nothing."""
    ipam = Estate(machines={A.id: "old", B.id: "b"})
    if stored:
        ipam.run(told(*both()))
    ipam.run(told(both()[0], None))
    assert is_open(ipam, Kind.ONE_SIDED)
    replaced(ipam)
    for of_b in ([KEPT_B], None):
        ipam.run({A: [KEPT_A], B: of_b})
        assert is_open(ipam, Kind.ONE_SIDED)
    ipam.confirm(A)
    ipam.run(told(None, None))
    assert not is_open(ipam, Kind.ONE_SIDED)


def test_a_rejected_create_stands_for_what_it_lacks() -> None:
    ipam = Estate(machines={A.id: "old", B.id: "b"})
    ipam.run(told(*both()), apply_all=False)
    (create,) = (e for e in ipam.pending() if e.planned.relationship == "HQ")
    ipam.reject(create.number)
    replaced(ipam)
    assert ipam.plan(told(None, None)).ended == ()
    ipam.confirm(A)
    assert ipam.plan(told(None, None)).ended == (create.number,)


def test_the_finding_ends_when_the_old_machine_answers_or_a_person_confirms() -> None:
    """Not by silence, and not by an export."""
    ipam = replaced()
    ipam.run(told(*both()))
    ipam.run({A: None, B: [KEPT_B]})
    assert is_open(ipam, Kind.SERVER_REPLACED)
    new = ipam.machines.pop(A.id)
    ipam.run(told(*both()))
    assert is_open(ipam, Kind.SERVER_REPLACED)
    ipam.machines[A.id] = new
    ipam.confirm(A)
    ipam.run(told(*both()))
    assert not is_open(ipam, Kind.SERVER_REPLACED)


def test_a_third_machine_changes_the_finding() -> None:
    ipam = replaced()
    ipam.run(told(*both()))
    ipam.machines[A.id] = "newer"
    plan = ipam.plan(told(*both()))
    assert drift(plan.findings, ipam.findings.values(), plan.judged).changed == (
        the(plan, Kind.SERVER_REPLACED),
    )


def test_a_retired_server_is_no_machine_any_more() -> None:
    """A person is the witness: the reading of whatever answers there is none."""
    ipam = replaced()
    ipam.change(A, standing=Standing.RETIRED)
    assert operations(ipam.plan({B: [KEPT_B]}))[0] is Operation.DELETE
