"""What a state that is not Normal means for people: who ordered it, and for how long it may last."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from reconcile.evidence.inputs import Rules
from reconcile.kinds.severity import severity
from reconcile.model.findings import Finding, Kind, Severity
from reconcile.model.nouns import Mode, Server, ServerRole, State, Story
from reconcile.planning.plan import Plan
from tests.reconcile.fleet import HUB, SPOKE, Ipam, both

A, B = HUB, SPOKE
BY_HAND = "PartnerDown was set manually on {} (AutoStateTransition is off)."


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
    assert "manually" not in about_states(Ipam().plan(told)).detail


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


def standby(role: ServerRole) -> dict[str, object]:
    """A hot standby relationship in which the server that tells it has this part."""
    return {
        "mode": Mode.HOT_STANDBY,
        "server_role": role,
        "load_balance_percent": None,
        "reserve_percent": 5,
    }


def switching(seconds: int) -> dict[str, object]:
    return {"auto_state_transition": True, "state_switch_interval_seconds": seconds}


LOST = State.COMMUNICATIONS_INTERRUPTED
MINUTE = 60


@pytest.mark.parametrize(
    ("terms", "rules", "patience"),
    [
        ({}, Rules(), 30 * MINUTE),
        (switching(60 * MINUTE), Rules(), 30 * MINUTE),
        (switching(59 * MINUTE), Rules(), 29 * MINUTE + 30),
        (switching(10 * MINUTE), Rules(), 5 * MINUTE),
        (standby(ServerRole.ACTIVE), Rules(), 30 * MINUTE),
        (standby(ServerRole.STANDBY), Rules(), 15 * MINUTE),
        (standby(ServerRole.STANDBY) | switching(60 * MINUTE), Rules(), 15 * MINUTE),
        (standby(ServerRole.STANDBY) | switching(10 * MINUTE), Rules(), 5 * MINUTE),
        (
            standby(ServerRole.STANDBY) | switching(10 * MINUTE),
            Rules(interrupted_critical_after=timedelta(hours=2)),
            120 * MINUTE,
        ),
        ({}, Rules(interrupted_critical_after=timedelta(0)), 0),
    ],
)
def test_an_interruption_is_a_warning_no_longer_than_its_terms_allow(
    terms: dict[str, object], rules: Rules, patience: int
) -> None:
    """The shorter of half an hour (15 minutes for a hot standby) and half of the switch interval."""
    one, two = both(A, B, **terms)
    told = {A: [replace(one, state=LOST)], B: [two]}
    assert about_states(Ipam(rules=rules).plan(told)).patience == patience


def test_the_side_that_can_wait_less_decides_if_both_lost_each_other() -> None:
    one, two = both(state=LOST)
    active = replace(one, **standby(ServerRole.ACTIVE))  # type: ignore[arg-type]  # fields of a Story
    waiting = replace(two, **standby(ServerRole.STANDBY))  # type: ignore[arg-type]  # fields of a Story
    told = {A: [active], B: [waiting]}
    assert about_states(Ipam().plan(told)).patience == 15 * MINUTE


@pytest.mark.parametrize(("lost", "patience"), [(A, 30 * MINUTE), (B, 15 * MINUTE)])
def test_without_a_reading_that_is_kept_server2_is_the_standby(lost: Server, patience: int) -> None:
    """Only the record is left of the side that is silent now, and of its part in it."""
    one, two = both(mode=Mode.HOT_STANDBY, load_balance_percent=None, reserve_percent=5)
    stories = {
        A: replace(one, server_role=ServerRole.ACTIVE),
        B: replace(two, server_role=ServerRole.STANDBY),
    }
    ipam = Ipam()
    ipam.run({s: [replace(t, state=LOST) if s is lost else t] for s, t in stories.items()})
    ipam.previous.clear()
    told = {s: None if s is lost else [t] for s, t in stories.items()}
    assert about_states(ipam.plan(told)).patience == patience


@pytest.mark.parametrize("state", [s for s in State if s not in (State.NORMAL, LOST)])
def test_states_on_their_way_may_last_half_an_hour_and_alarming_ones_never_get_louder(
    state: State,
) -> None:
    one, two = both()
    finding = about_states(Ipam().plan({A: [replace(one, state=state)], B: [two]}))
    on_its_way = severity(finding, {}) is Severity.INFO
    assert finding.patience == (30 * MINUTE if on_its_way else None)


def test_people_say_how_long_a_state_may_be_on_its_way() -> None:
    one, two = both()
    told = {A: [replace(one, state=State.RECOVER_WAIT)], B: [two]}
    ipam = Ipam(rules=Rules(transition_warning_after=timedelta(hours=2)))
    assert about_states(ipam.plan(told)).patience == 120 * MINUTE
