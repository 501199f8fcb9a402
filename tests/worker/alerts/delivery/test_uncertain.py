"""Nobody knows whether it arrived: a deliverer died between sending and marking."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.worker.alerts.delivery.inbox import Died, Digests, Inbox
from tests.worker.alerts.delivery.ops import Ops, mismatch
from worker.alerts.message import Digest, members
from worker.alerts.rules import AlertRoute, Match

CLAIM = timedelta(minutes=3)
NAMES = ("Attic", "Branch", "Depot", "HQ")


def reaching(ops: Ops, inbox: Inbox) -> Inbox:
    """Everything goes there."""
    ops.channels = {inbox.name: inbox}
    ops.routes = (AlertRoute(Match(), (inbox.name,)),)
    return inbox


def dies(ops: Ops, inbox: Inbox, when: str = "after") -> None:
    inbox.dies = when
    with pytest.raises(Died):
        ops.deliverer().deliver()


def happened(inbox: Inbox) -> list[str]:
    return [alert.event for alert in inbox.alerts]


def test_who_was_perhaps_told_is_told_the_end(ops: Ops) -> None:
    """The problem is over before anybody could tell it again."""
    inbox = reaching(ops, Inbox("log"))
    ops.see(mismatch("HQ", *ops.servers[:2]))
    dies(ops, inbox)
    ops.see()
    ops.deliverer().deliver()
    ops.later(CLAIM)
    ops.deliverer().deliver()
    assert happened(inbox) == ["opened", "resolved"]


def test_what_happened_in_between_does_not_hide_that_somebody_may_know(ops: Ops) -> None:
    inbox = reaching(ops, Inbox("log"))
    ops.see(mismatch("HQ", *ops.servers[:2]))
    dies(ops, inbox)
    ops.see(mismatch("HQ", *ops.servers[:2], value="120"))
    ops.deliverer().deliver()
    ops.see()
    ops.deliverer().deliver()
    ops.later(CLAIM)
    ops.deliverer().deliver()
    assert happened(inbox) == ["opened", "resolved"]


def test_a_digest_that_is_tried_again_is_the_same(ops: Ops) -> None:
    inbox = reaching(ops, Digests("mail"))
    ops.see(*(mismatch(name, *ops.servers[:2]) for name in NAMES))
    dies(ops, inbox)
    ops.later(CLAIM)
    ops.deliverer().deliver()
    first, second = inbox.messages
    assert isinstance(first, Digest)
    assert first.key == second.key
    assert [a.key for a in members(first)] == [a.key for a in members(second)]
