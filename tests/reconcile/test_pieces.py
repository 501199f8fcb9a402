"""A run that is judged piece by piece comes to what it would have come to at once (rule R8)."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from reconcile.doubts import doubtful
from reconcile.drift import drift
from reconcile.model import Seen, Server, Story
from reconcile.names import Known
from reconcile.plan import Draft, draft
from reconcile.witness import partner_texts
from reconcile.world import World
from tests.reconcile.fleet import HUB, OTHER, SPOKE, Ipam, both
from tests.reconcile.strategies import History, histories
from tests.reconcile.test_properties import lived, more


def pieces(world: World, order: Iterable[int], size: int) -> list[Draft]:
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
    world: World, focus: frozenset[int], awaited: frozenset[int], heard: Iterable[int]
) -> World:
    """The world as it is seen when only some have concluded."""
    sightings = {s: world.sightings[s] for s in heard if s in world.sightings}
    return replace(world, sightings=sightings, focus=focus, awaited=awaited)


def lacks_a_partner(world: World, server: int) -> bool:
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


def open_after(world: World, drafts: Iterable[Draft]) -> dict[str, object]:
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
    assert {d.subject for p in parts for d in doubtful(p, world)} == {
        d.subject for d in doubtful(whole, world)
    }


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


def test_what_was_judged_before_is_left_as_it_is() -> None:
    world = Ipam(servers=(HUB, SPOKE, OTHER)).world({**told_by_both(), OTHER: []})
    last = draft(piece(world, frozenset({OTHER.id}), frozenset(), {HUB.id, SPOKE.id, OTHER.id}))
    assert last.plan.needs == ()
    assert last.plan.judged.pairs == {}
