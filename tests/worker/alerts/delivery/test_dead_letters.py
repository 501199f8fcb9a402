"""A channel that refuses for good: people learn of it once, and of what it did not take in the end."""

from __future__ import annotations

import pytest

from reconcile.model.findings import Event, Finding, Kind
from tests.worker.alerts.delivery.inbox import EVERYTHING, Inbox
from tests.worker.alerts.delivery.ops import Ops, mismatch, one_sided
from worker.alerts.rules import AlertRoute, Match

ROUNDS = 6


@pytest.fixture
def inboxes(ops: Ops) -> tuple[Inbox, Inbox]:
    """Two channels that are told everything; each refuses one relationship for good."""
    one, two = Inbox("one", refuses="HQ"), Inbox("two", refuses="Branch")
    ops.channels = {"one": one, "two": two}
    ops.routes = (AlertRoute(Match(), ("one", "two")),)
    return one, two


@pytest.fixture
def found(ops: Ops) -> tuple[Finding, ...]:
    return mismatch("HQ", *ops.servers[:2]), one_sided("Branch", *ops.servers[2:])


def rounds(ops: Ops) -> None:
    teller = ops.deliverer()
    for _ in range(ROUNDS):
        teller.deliver()


def trouble(inbox: Inbox) -> list[Event]:
    return [a.event for a in inbox.alerts if a.kind is Kind.ALERT_UNDELIVERED]


def test_two_channels_that_refuse_something_do_not_tell_of_each_other_for_ever(
    ops: Ops, inboxes: tuple[Inbox, Inbox], found: tuple[Finding, ...]
) -> None:
    """That one took a word about the other is no reason to say that it works, and then again not."""
    ops.see(*found)
    rounds(ops)
    before = [(len(inbox.messages), inbox.refused) for inbox in inboxes], ops.outcomes()
    rounds(ops)
    assert ([(len(i.messages), i.refused) for i in inboxes], ops.outcomes()) == before
    assert [trouble(inbox) for inbox in inboxes] == [[Event.OPENED]] * 2


def test_a_channel_that_still_refuses_something_does_not_work_again_by_what_it_takes(
    ops: Ops, inboxes: tuple[Inbox, Inbox], found: tuple[Finding, ...]
) -> None:
    one, two = inboxes
    two.refuses = None
    ops.see(*found)
    rounds(ops)
    ops.see(*found, mismatch("Depot", *ops.servers[:2]))
    rounds(ops)
    assert trouble(two) == [Event.OPENED]
    one.refuses = None
    ops.see(*found, mismatch("Yard", *ops.servers[:2]))
    rounds(ops)
    assert trouble(two) == [Event.OPENED, Event.RESOLVED]
    assert {a.relationship for a in one.alerts} >= {"HQ", "Branch", "Depot", "Yard"}


def test_a_channel_works_again_when_all_that_was_given_up_is_over(
    ops: Ops, inboxes: tuple[Inbox, Inbox], found: tuple[Finding, ...]
) -> None:
    one, two = inboxes
    two.refuses = None
    ops.see(*found)
    rounds(ops)
    ops.see()
    rounds(ops)
    assert one.refuses == "HQ"
    assert trouble(two) == [Event.OPENED, Event.RESOLVED]


def test_a_channel_that_refuses_everything_is_tried_a_few_times_and_no_more(
    ops: Ops, inboxes: tuple[Inbox, Inbox], found: tuple[Finding, ...]
) -> None:
    one, two = inboxes
    one.refuses, two.refuses = EVERYTHING, EVERYTHING
    ops.see(*found)
    rounds(ops)
    tried = one.refused, two.refused
    rounds(ops)
    assert (one.refused, two.refused) == tried
