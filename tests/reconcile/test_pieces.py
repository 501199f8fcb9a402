"""A run that is judged piece by piece comes to what it would have come to at once (rule R8)."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.evidence.witness import partner_texts
from reconcile.evidence.world import JudgementInput
from reconcile.findings.drift import drift
from reconcile.model.findings import Kind
from reconcile.model.names import Known
from reconcile.model.nouns import Seen, Server, Story
from reconcile.planning.doubts import doubtful
from reconcile.planning.plan import Draft, draft
from tests.reconcile.fleet import HUB, OTHER, SPOKE, Ipam, both
from tests.reconcile.strategies import History, histories
from tests.reconcile.test_properties import lived, more


def pieces(world: JudgementInput, order: Iterable[int], size: int) -> list[Draft]:
    """The drafts of a run whose servers conclude in this order, so many in each piece."""
    waiting = list(order)
    judged: set[int] = set()
    drafts = []
    unresolved: set[int] = set()
    while waiting:
        focus, waiting = frozenset(waiting[:size]), waiting[size:]
        drafts.append(draft(piece(world, focus, frozenset(waiting), judged | focus)))
        if waiting:
            unresolved |= {s for s in focus if lacks_a_partner(world, s)}
        judged |= focus
    if unresolved:
        drafts.append(draft(piece(world, frozenset(unresolved), frozenset(), judged)))
    return drafts


def piece(
    world: JudgementInput, focus: frozenset[int], awaited: frozenset[int], heard: Iterable[int]
) -> JudgementInput:
    """The world as it is seen when only some have concluded."""
    sightings = {s: world.sightings[s] for s in heard if s in world.sightings}
    return replace(world, sightings=sightings, focus=focus, awaited=awaited)


def lacks_a_partner(world: JudgementInput, server: int) -> bool:
    """True if one of its pairs waits for everybody."""
    if any(server in r.partners and len(r.partners) == 1 for r in world.records):
        return True
    sighting = world.sightings.get(server)
    told = sighting.stories if isinstance(sighting, Seen) else ()
    texts = (partner_texts(story) for story in told)
    return any(not isinstance(world.names.resolve(t, server), Known) for t in texts)


def needs(drafts: Iterable[Draft]) -> set[str]:
    """What is to be recorded, or found needed again."""
    return {repr((n.planned, n.entry, n.confirmed)) for d in drafts for n in d.plan.needs}


def open_after(world: JudgementInput, drafts: Iterable[Draft]) -> dict[str, object]:
    """The findings that are open in the end."""
    known = {f.fingerprint: f for f in world.open_findings}
    for each in drafts:
        life = drift(each.plan.findings, known.values(), each.plan.judged)
        known = {f.fingerprint: f for f in life.now}
    return {key: (f.values, f.grade) for key, f in known.items()}


@more
@given(histories(rounds=2), st.randoms(use_true_random=False), st.integers(1, 3))
def test_in_pieces_the_same_is_needed_and_the_same_findings_are_open(
    history: History, chance: random.Random, size: int
) -> None:
    ipam = lived(history)
    world = ipam.world(history.told(history.rounds[-1]))
    order = sorted(world.sightings)
    chance.shuffle(order)
    whole, parts = draft(world), pieces(world, order, size)
    assert needs(parts) == needs([whole])
    assert {s for d in parts for s in d.plan.superseded} == set(whole.plan.superseded)
    assert open_after(world, parts) == open_after(world, [whole])
    assert {d.subject for p in parts for d in doubtful(p.plan.findings, p.plan.needs, world)} == {
        d.subject for d in doubtful(whole.plan.findings, whole.plan.needs, world)
    }


def resolved(world: JudgementInput, drafts: Iterable[Draft]) -> set[str]:
    """The findings of which somebody is told on the way that they are over."""
    known = {f.fingerprint: f for f in world.open_findings}
    over: set[str] = set()
    for each in drafts:
        life = drift(each.plan.findings, known.values(), each.plan.judged)
        over |= {f.fingerprint for f in life.resolved}
        known = {f.fingerprint: f for f in life.now}
    return over


@more
@given(histories(rounds=2), st.randoms(use_true_random=False), st.integers(1, 3))
def test_in_pieces_nothing_is_over_for_a_moment_that_goes_on(
    history: History, chance: random.Random, size: int
) -> None:
    ipam = lived(history)
    ipam.run(history.told(history.rounds[-1]))
    world = ipam.later(minutes=15).world(history.told(history.rounds[-1]))
    order = sorted(world.sightings)
    chance.shuffle(order)
    whole, parts = draft(world), pieces(world, order, size)
    assert resolved(world, parts) == resolved(world, [whole])
    assert {n for d in parts for n in d.plan.ended} == set(whole.plan.ended)


def told_by_both() -> dict[Server, list[Story]]:
    """The hub and the spoke have a relationship."""
    hub, spoke = both()
    return {HUB: [hub], SPOKE: [spoke]}


def test_a_pair_waits_for_its_second_partner() -> None:
    world = Ipam(servers=(HUB, SPOKE)).world(told_by_both())
    alone = draft(piece(world, frozenset({HUB.id}), frozenset({SPOKE.id}), {HUB.id}))
    assert alone.plan.needs == ()
    together = draft(piece(world, frozenset({SPOKE.id}), frozenset(), {HUB.id, SPOKE.id}))
    assert len(together.plan.needs) == 1


def test_a_pair_whose_partner_nobody_can_name_waits_for_everybody() -> None:
    """Any of them may turn out to be meant."""
    world = Ipam(servers=(HUB, OTHER)).world({HUB: [both()[0]], OTHER: []})
    early = draft(piece(world, frozenset({HUB.id}), frozenset({OTHER.id}), {HUB.id}))
    assert early.plan.needs == ()
    late = draft(piece(world, frozenset({HUB.id}), frozenset(), {HUB.id}))
    assert len(late.plan.needs) == 1


def test_a_rejected_record_whose_partner_nobody_can_name_stays_rejected() -> None:
    """Its server alone was heard, and that is not everybody."""
    ipam = Ipam(servers=(HUB, OTHER))
    told = {HUB: [both()[0]], OTHER: list[Story]()}
    ipam.run(told, apply_all=False)
    (create,) = ipam.entries.values()
    ipam.reject(create.number)
    world = ipam.later(minutes=15).world(told)
    whole, parts = draft(world), pieces(world, [HUB.id, OTHER.id], 1)
    assert [n for d in (whole, *parts) for n in d.plan.ended] == []


@pytest.mark.parametrize("order", [[HUB.id, SPOKE.id], [SPOKE.id, HUB.id]])
def test_a_name_that_is_told_twice_stays_a_finding_when_its_partner_has_its_turn(
    order: list[int],
) -> None:
    ipam = Ipam(servers=(HUB, SPOKE))
    ipam.run(told_by_both())
    hub, spoke = both()
    twice = {HUB: [hub, hub], SPOKE: [spoke]}
    ipam.later(minutes=15).run(twice)
    world = ipam.later(minutes=15).world(twice)
    assert {f.kind for f in world.open_findings} == {Kind.DUPLICATE_RELATIONSHIP}
    assert resolved(world, [draft(world)]) == resolved(world, pieces(world, order, 1)) == set()


def test_what_was_judged_before_is_left_as_it_is() -> None:
    world = Ipam(servers=(HUB, SPOKE, OTHER)).world({**told_by_both(), OTHER: []})
    last = draft(piece(world, frozenset({OTHER.id}), frozenset(), {HUB.id, SPOKE.id, OTHER.id}))
    assert last.plan.needs == ()
    assert last.plan.judged.pairs == {}
