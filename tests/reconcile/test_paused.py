"""Maintenance: a server that is not asked proves nothing, a paused relationship is not judged."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.findings.drift import drift
from reconcile.findings.life import Drift
from reconcile.model.findings import Finding, Kind
from reconcile.model.names import fold_relationship
from reconcile.model.nouns import Operation, Server, Standing, Story
from reconcile.model.record import Planned
from reconcile.planning.plan import Plan, draft
from tests.reconcile.fleet import HUB, OTHER, SPOKE, Ipam, both, kinds, operations, told_by
from tests.reconcile.strategies import History, histories
from tests.reconcile.test_pieces import needs, open_after, pieces
from tests.reconcile.test_properties import lived, more

A, B, C = HUB, SPOKE, OTHER
Told = dict[Server, list[Story] | None]
Pause = tuple[str, int]


def told(**values: object) -> Told:
    """Both partners tell HQ."""
    one, two = both(**values)  # type: ignore[arg-type]  # overrides are per test
    return {A: [one], B: [two]}


def known(**kept: object) -> Ipam:
    """IPAM that has HQ of A and B."""
    ipam = Ipam(servers=(A, B, C))
    ipam.run(told(**kept))
    return ipam


def life(ipam: Ipam, plan: Plan) -> Drift:
    return drift(plan.findings, ipam.findings.values(), plan.judged)


def outcome(ipam: Ipam, plan: Plan) -> tuple[object, ...]:
    """All that recording the plan would change."""
    now = life(ipam, plan)
    return (plan.new, plan.superseded, plan.ended, now.opened, now.changed, now.resolved)


NOTHING: tuple[object, ...] = ((), (), (), (), (), ())


# ------------------------------------------------------------------------- a server in maintenance


def test_a_server_in_maintenance_is_no_problem() -> None:
    ipam = known()
    ipam.resting = frozenset({B.id})
    assert outcome(ipam, ipam.plan(told())) == NOTHING


def test_its_partner_s_word_counts_as_beside_any_silent_one() -> None:
    """R2: one_side evidence for what is news, nothing is taken away."""
    ipam = known()
    ipam.resting = frozenset({B.id})
    assert operations(ipam.plan(told(mclt_seconds=60))) == [Operation.UPDATE]
    assert operations(ipam.plan({A: [told_by(A, C, "X")], B: []})) == [Operation.CREATE]


def test_its_problems_stay_open_and_are_not_said_again() -> None:
    """R1: it was not read, so nothing of it is resolved; nor is it unread."""
    ipam = known()
    ipam.run({A: told()[A], B: None})
    ipam.resting = frozenset({B.id})
    plan = ipam.plan(told())
    assert Kind.SERVER_UNREAD not in kinds(plan)
    assert [f.kind for f in life(ipam, plan).persisting] == [Kind.SERVER_UNREAD]
    ipam.resting = frozenset()
    assert [f.kind for f in life(ipam, ipam.plan(told())).resolved] == [Kind.SERVER_UNREAD]


@pytest.mark.parametrize("stale_before", [True, False])
@pytest.mark.parametrize("other", ["rests too", "is unread"])
def test_a_pair_with_one_in_maintenance_and_nobody_read_is_left_as_it_is(
    other: str, stale_before: bool
) -> None:
    """Not even stale_evidence comes or goes: people know that nobody looks."""
    ipam = known().later(hours=3)
    if stale_before:
        ipam.run({A: None, B: None})
    stale = Kind.STALE_EVIDENCE in {f.kind for f in ipam.findings.values()}
    assert stale is stale_before
    ipam.resting = frozenset({A.id, B.id} if other == "rests too" else {A.id})
    plan = ipam.plan(told() | ({} if other == "rests too" else {B: None}))
    now = life(ipam, plan)
    assert plan.paused == 1
    assert not plan.judged.pairs
    assert Kind.STALE_EVIDENCE not in {f.kind for f in (*now.opened, *now.changed, *now.resolved)}


def test_the_removal_of_a_retired_partner_s_relationship_waits_for_the_one_in_maintenance() -> None:
    ipam = known()
    ipam.servers = (replace(A, standing=Standing.RETIRED), B, C)
    ipam.resting = frozenset({B.id})
    assert outcome(ipam, ipam.plan({B: []})) == NOTHING
    ipam.resting = frozenset()
    assert operations(ipam.plan({B: [told_by(B, C, "X")]})) == [Operation.DELETE, Operation.CREATE]


# ------------------------------------------------------------------- a relationship in maintenance


@pytest.mark.parametrize("server", [A, B])
@pytest.mark.parametrize(
    "now",
    [
        told(mclt_seconds=60),
        told(scopes=frozenset()),
        {A: told(mclt_seconds=60)[A], B: told()[B]},
        {A: told()[A], B: [told_by(B, C, "X", scopes=frozenset())]},
        {A: told()[A], B: [*(told()[B] or ()), *(told()[B] or ())]},
        {A: [told_by(A, B, unknown_values=(("State", "?"),))], B: told()[B]},
    ],
    ids=["news", "emptied", "contradiction", "one-sided", "told twice", "an unknown word"],
)
def test_whatever_is_told_of_it_nothing_is_concluded(now: Told, server: Server) -> None:
    ipam = known()
    before = ipam.plan(now)
    assert any(about_hq(n) for n in before.new) or any(map(about_hq, before.findings))
    ipam.paused = frozenset({("hq", server.id)})
    plan = ipam.plan(now)
    assert not any(about_hq(n) for n in plan.new)
    assert not any(map(about_hq, plan.findings))
    assert plan.paused == 1


def about_hq(what: Planned | Finding) -> bool:
    return what.relationship == "HQ"


def test_nothing_is_concluded_from_its_absence() -> None:
    ipam = known()
    ipam.paused = frozenset({("hq", A.id)})
    gone: Told = {A: [told_by(A, C, "X")], B: [told_by(B, C, "Y")]}
    assert not any(about_hq(n) for n in ipam.plan(gone).new)
    ipam.paused = frozenset()
    assert Operation.DELETE in operations(ipam.plan(gone))


def test_other_relationships_of_its_partners_are_judged() -> None:
    ipam = known()
    ipam.paused = frozenset({("hq", A.id)})
    one, two = both(A, C, name="West")
    plan = ipam.plan({A: [*(told()[A] or ()), one], B: told()[B], C: [two]})
    assert [(n.operation, n.relationship) for n in plan.new] == [(Operation.CREATE, "West")]


def test_one_of_the_same_name_between_others_is_judged() -> None:
    ipam = known()
    ipam.paused = frozenset({("hq", C.id)})
    assert operations(ipam.plan(told(mclt_seconds=60))) == [Operation.UPDATE]


def test_one_that_is_still_to_be_made_is_not_recorded() -> None:
    ipam = Ipam(servers=(A, B))
    ipam.paused = frozenset({("hq", B.id)})
    assert outcome(ipam, ipam.plan(told())) == NOTHING


def test_its_pending_operations_stay_and_are_applied_by_no_run() -> None:
    """Neither superseded, as the stored values would have it, nor confirmed."""
    ipam = known()
    ipam.run(told(mclt_seconds=60), apply_all=False)
    ipam.paused = frozenset({("hq", B.id)})
    for now in (told(), told(mclt_seconds=60), told(mclt_seconds=30)):
        plan = ipam.plan(now)
        assert (plan.needs, plan.superseded) == ((), ())


def test_its_findings_stay_when_the_contradiction_is_gone_and_end_after_the_window() -> None:
    ipam = known()
    contradiction: Told = {A: told(mclt_seconds=60)[A], B: told()[B]}
    ipam.run(contradiction)
    ipam.paused = frozenset({("hq", A.id)})
    assert outcome(ipam, ipam.plan(told())) == NOTHING
    assert [f.kind for f in life(ipam, ipam.plan(told())).now] == [Kind.PARTNER_MISMATCH]
    ipam.paused = frozenset()
    assert [f.kind for f in life(ipam, ipam.plan(told())).resolved] == [Kind.PARTNER_MISMATCH]


def test_findings_about_its_other_partner_alone_stay_too() -> None:
    """The window names A; that B told an unknown word is of the same relationship."""
    ipam = known()
    one, two = both()
    ipam.run({A: [one], B: [replace(two, unknown_values=(("State", "?"),))]})
    ipam.paused = frozenset({("hq", A.id)})
    assert outcome(ipam, ipam.plan(told())) == NOTHING


def test_an_accepted_difference_stands_although_nobody_tells_it_any_more() -> None:
    ipam = Ipam(servers=(A, B))
    ipam.run(told(), apply_all=False)
    ipam.reject(1)
    nothing: Told = {A: [told_by(A, C, "X")], B: [told_by(B, C, "Y")]}
    ipam.paused = frozenset({("hq", A.id)})
    assert ipam.plan(nothing).ended == ()
    ipam.paused = frozenset()
    assert ipam.plan(nothing).ended == (1,)


# -------------------------------------------------------------------------------- whatever happens


def pauses(history: History) -> st.SearchStrategy[frozenset[Pause]]:
    """Windows of some of the relationships of a history."""
    every = [
        (fold_relationship(link.name), server.id)
        for link in history.links
        for server in (link.one, link.two)
    ]
    return st.frozensets(st.sampled_from(every)) if every else st.just(frozenset())


@more
@given(histories(rounds=3), st.booleans(), st.data())
def test_of_what_is_in_maintenance_nothing_is_written(
    history: History, apply_all: bool, choice: st.DataObject
) -> None:
    ipam = lived(history, apply_all)
    ipam.paused = choice.draw(pauses(history))
    plan = ipam.plan(history.told(history.rounds[-1]))
    now = life(ipam, plan)
    for finding in (*now.opened, *now.changed, *now.resolved):
        assert not is_paused(ipam, finding.relationship, finding.servers), finding
    touched = [*plan.new, *(ipam.entries[n].planned for n in (*plan.superseded, *plan.ended))]
    touched += [n.planned for n in plan.needs if n.confirmed]
    for planned in touched:
        assert not is_paused(ipam, planned.relationship, planned.partners), planned


def is_paused(ipam: Ipam, relationship: str | None, servers: tuple[int, ...]) -> bool:
    name = None if relationship is None else fold_relationship(relationship)
    return any((name, server) in ipam.paused for server in servers)


@more
@given(histories(rounds=3), st.booleans(), st.data())
def test_what_is_not_in_maintenance_is_judged_as_ever(
    history: History, apply_all: bool, choice: st.DataObject
) -> None:
    """But that it may have to wait for what is."""
    ipam = lived(history, apply_all)
    inputs = ipam.inputs(history.told(history.rounds[-1]))
    paused = choice.draw(pauses(history))
    without, within = draft(inputs).plan, draft(replace(inputs, paused=paused)).plan
    names = {name for name, _ in paused}
    assert [n for n in within.needs if fold_relationship(n.planned.relationship) not in names] == [
        n for n in without.needs if fold_relationship(n.planned.relationship) not in names
    ]


@more
@given(histories(rounds=3), st.randoms(use_true_random=False), st.integers(1, 3), st.data())
def test_in_pieces_the_same_is_left_alone(
    history: History, chance: random.Random, size: int, choice: st.DataObject
) -> None:
    """R8: maintenance of servers and relationships in a run that is judged piece by piece."""
    ipam = lived(history, apply_all=False)
    ipam.paused = choice.draw(pauses(history))
    ipam.resting = choice.draw(st.frozensets(st.sampled_from([s.id for s in history.servers])))
    inputs = ipam.inputs(history.told(history.rounds[-1]))
    order = sorted(inputs.sightings)
    chance.shuffle(order)
    whole, parts = draft(inputs), pieces(inputs, order, size)
    assert needs(parts) == needs([whole])
    assert {s for d in parts for s in d.plan.superseded} == set(whole.plan.superseded)
    assert open_after(inputs, parts) == open_after(inputs, [whole])


def test_in_pieces_each_pair_is_counted_once() -> None:
    ipam = known()
    ipam.paused = frozenset({("hq", A.id)})
    inputs = ipam.inputs(told())
    for order in ((A.id, B.id), (B.id, A.id)):
        assert [d.plan.paused for d in pieces(inputs, order, 1)] == [0, 1]


@more
@given(histories(rounds=3), st.booleans(), st.data())
def test_a_server_in_maintenance_resolves_and_removes_nothing(
    history: History, apply_all: bool, choice: st.DataObject
) -> None:
    ipam = lived(history, apply_all)
    ipam.resting = choice.draw(st.frozensets(st.sampled_from([s.id for s in history.servers])))
    plan = ipam.plan(history.told(history.rounds[-1]))
    now = life(ipam, plan)
    assert not any(p.destructive and set(p.partners) & ipam.resting for p in plan.new)
    for finding in (*now.opened, *now.resolved):
        assert not (finding.servers and set(finding.servers) <= ipam.resting), finding
