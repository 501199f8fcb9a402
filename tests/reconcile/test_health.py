"""What a state that is not Normal means for people: who ordered it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconcile.findings import Finding, Kind
from reconcile.model import State, Story
from reconcile.plan import Plan
from tests.reconcile.fleet import HUB, SPOKE, Ipam, both

A, B = HUB, SPOKE
BY_HAND = "A person ordered PartnerDown on {}: AutoStateTransition is off"


def about_states(plan: Plan) -> Finding:
    (finding,) = (f for f in plan.findings if f.kind is Kind.STATE_NOT_NORMAL)
    return finding


def alone(story: Story, *, switches_itself: bool) -> Story:
    return replace(story, state=State.PARTNER_DOWN, auto_state_transition=switches_itself)


def test_partner_down_was_ordered_by_a_person_where_no_server_goes_there_by_itself() -> None:
    one, two = both()
    told = {A: [alone(one, switches_itself=False)], B: [two]}
    assert BY_HAND.format(A.name) in about_states(Ipam().plan(told)).detail


@pytest.mark.parametrize(
    ("state", "switches_itself"),
    [(State.PARTNER_DOWN, True), (State.COMMUNICATIONS_INTERRUPTED, False)],
)
def test_nobody_is_said_to_have_ordered_what_a_server_does_by_itself(
    state: State, switches_itself: bool
) -> None:
    one, two = both()
    told = {A: [replace(one, state=state, auto_state_transition=switches_itself)], B: [two]}
    assert "person" not in about_states(Ipam().plan(told)).detail


def test_each_side_answers_for_its_own_state() -> None:
    """The partners differ in AutoStateTransition, and both are alone."""
    one, two = both()
    told = {A: [alone(one, switches_itself=True)], B: [alone(two, switches_itself=False)]}
    detail = about_states(Ipam().plan(told)).detail
    assert BY_HAND.format(B.name) in detail


def test_the_last_word_of_a_silent_side_says_who_ordered_its_state() -> None:
    one, two = both()
    ipam = Ipam()
    ipam.run(
        {A: [replace(one, auto_state_transition=True)], B: [alone(two, switches_itself=False)]}
    )
    interrupted = replace(one, state=State.COMMUNICATIONS_INTERRUPTED, auto_state_transition=True)
    assert BY_HAND.format(B.name) in about_states(ipam.plan({A: [interrupted], B: None})).detail


@pytest.mark.parametrize("switches_itself", [True, False])
def test_without_a_reading_that_is_kept_the_record_says_it(switches_itself: bool) -> None:
    one, two = both(auto_state_transition=switches_itself)
    ipam = Ipam()
    ipam.run({A: [one], B: [replace(two, state=State.PARTNER_DOWN)]})
    ipam.previous.clear()
    detail = about_states(ipam.plan({A: [one], B: None})).detail
    assert (BY_HAND.format(B.name) in detail) is not switches_itself
