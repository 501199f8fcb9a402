"""A run that is judged piece by piece comes to what it would have come to at once (rule R8)."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.evidence.inputs import JudgementInput
from reconcile.evidence.witness import partner_texts
from reconcile.findings.drift import drift
from reconcile.model.findings import Kind
from reconcile.model.names import Known
from reconcile.model.nouns import Seen, Server, Story
from reconcile.planning.doubts import doubtful
from reconcile.planning.plan import Draft, draft
from tests.reconcile.fleet import HUB, OTHER, SPOKE, Ipam, both
from tests.reconcile.strategies import History, histories
from tests.reconcile.test_properties import lived, more


def pieces(inputs: JudgementInput, order: Iterable[int], size: int) -> list[Draft]:
    """The drafts of a run whose servers conclude in this order, so many in each piece."""
    waiting = list(order)
    judged: set[int] = set()
    drafts = []
    unresolved: set[int] = set()
    while waiting:
        focus, waiting = frozenset(waiting[:size]), waiting[size:]
        drafts.append(draft(piece(inputs, focus, frozenset(waiting), judged | focus)))
        if waiting:
            unresolved |= {s for s in focus if lacks_a_partner(inputs, s)}
        judged |= focus
    if unresolved:
        drafts.append(draft(piece(inputs, frozenset(unresolved), frozenset(), judged)))
    return drafts


def piece(
    inputs: JudgementInput, focus: frozenset[int], awaited: frozenset[int], heard: Iterable[int]
) -> JudgementInput:
    """The world as it is seen when only some have concluded."""
    sightings = {s: inputs.sightings[s] for s in heard if s in inputs.sightings}
    return replace(inputs, sightings=sightings, focus=focus, awaited=awaited)


def lacks_a_partner(inputs: JudgementInput, server: int) -> bool:
    """True if one of its pairs waits for everybody."""
    if any(server in r.partners and len(r.partners) == 1 for r in inputs.records):
        return True
    sighting = inputs.sightings.get(server)
    told = sighting.stories if isinstance(sighting, Seen) else ()
    texts = (partner_texts(story) for story in told)
    return any(not isinstance(inputs.names.resolve(t, server), Known) for t in texts)


def needs(drafts: Iterable[Draft]) -> set[str]:
    """What is to be recorded, or found needed again."""
    return {repr((n.planned, n.entry, n.confirmed)) for d in drafts for n in d.plan.needs}


def open_after(inputs: JudgementInput, drafts: Iterable[Draft]) -> dict[str, object]:
    """The findings that are open in the end."""
    known = {f.fingerprint: f for f in inputs.open_findings}
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
    inputs = ipam.inputs(history.told(history.rounds[-1]))
    order = sorted(inputs.sightings)
    chance.shuffle(order)
    whole, parts = draft(inputs), pieces(inputs, order, size)
    assert needs(parts) == needs([whole])
    assert {s for d in parts for s in d.plan.superseded} == set(whole.plan.superseded)
    assert open_after(inputs, parts) == open_after(inputs, [whole])
    assert {d.subject for p in parts for d in doubtful(p.plan.findings, p.plan.needs, inputs)} == {
        d.subject for d in doubtful(whole.plan.findings, whole.plan.needs, inputs)
    }


def resolved(inputs: JudgementInput, drafts: Iterable[Draft]) -> set[str]:
    """The findings of which somebody is told on the way that they are over."""
    known = {f.fingerprint: f for f in inputs.open_findings}
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
    inputs = ipam.later(minutes=15).inputs(history.told(history.rounds[-1]))
    order = sorted(inputs.sightings)
    chance.shuffle(order)
    whole, parts = draft(inputs), pieces(inputs, order, size)
    assert resolved(inputs, parts) == resolved(inputs, [whole])
    assert {n for d in parts for n in d.plan.ended} == set(whole.plan.ended)


def told_by_both() -> dict[Server, list[Story]]:
    """The hub and the spoke have a relationship."""
    hub, spoke = both()
    return {HUB: [hub], SPOKE: [spoke]}


def test_a_pair_waits_for_its_second_partner() -> None:
    inputs = Ipam(servers=(HUB, SPOKE)).inputs(told_by_both())
    alone = draft(piece(inputs, frozenset({HUB.id}), frozenset({SPOKE.id}), {HUB.id}))
    assert alone.plan.needs == ()
    together = draft(piece(inputs, frozenset({SPOKE.id}), frozenset(), {HUB.id, SPOKE.id}))
    assert len(together.plan.needs) == 1


def test_a_pair_whose_partner_nobody_can_name_waits_for_everybody() -> None:
    """Any of them may turn out to be meant."""
    inputs = Ipam(servers=(HUB, OTHER)).inputs({HUB: [both()[0]], OTHER: []})
    early = draft(piece(inputs, frozenset({HUB.id}), frozenset({OTHER.id}), {HUB.id}))
    assert early.plan.needs == ()
    late = draft(piece(inputs, frozenset({HUB.id}), frozenset(), {HUB.id}))
    assert len(late.plan.needs) == 1


def test_a_rejected_record_whose_partner_nobody_can_name_stays_rejected() -> None:
    """Its server alone was heard, and that is not everybody."""
    ipam = Ipam(servers=(HUB, OTHER))
    told = {HUB: [both()[0]], OTHER: list[Story]()}
    ipam.run(told, apply_all=False)
    (create,) = ipam.entries.values()
    ipam.reject(create.number)
    inputs = ipam.later(minutes=15).inputs(told)
    whole, parts = draft(inputs), pieces(inputs, [HUB.id, OTHER.id], 1)
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
    inputs = ipam.later(minutes=15).inputs(twice)
    assert {f.kind for f in inputs.open_findings} == {Kind.DUPLICATE_RELATIONSHIP}
    assert resolved(inputs, [draft(inputs)]) == resolved(inputs, pieces(inputs, order, 1)) == set()


def test_what_was_judged_before_is_left_as_it_is() -> None:
    inputs = Ipam(servers=(HUB, SPOKE, OTHER)).inputs({**told_by_both(), OTHER: []})
    last = draft(piece(inputs, frozenset({OTHER.id}), frozenset(), {HUB.id, SPOKE.id, OTHER.id}))
    assert last.plan.needs == ()
    assert last.plan.judged.pairs == {}
