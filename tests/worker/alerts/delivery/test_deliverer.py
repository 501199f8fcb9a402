"""Every problem arrives at every channel: at least once, in order, whoever fails meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from reconcile.model.findings import Event, Finding, Kind
from tests.worker.alerts.delivery.inbox import Inbox
from tests.worker.alerts.delivery.ops import Ops, mismatch
from tests.worker.alerts.delivery.receiving_ends import hook, told
from tests.worker.alerts.receivers import Manner, Post, receiving
from tests.worker.store.sql_counter import counted
from worker.alerts.message import Message, members
from worker.alerts.rules import AlertRoute, Match
from worker.model.alerts import Delivery

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
#: Longer than any pause between two tries.
LONG = timedelta(hours=2)
#: In which everything that fails is given up.
VERY_LONG = timedelta(days=1)


@pytest.fixture
def to() -> Iterator[Post]:
    """A receiver of webhooks."""
    with receiving() as post:
        yield post


@pytest.fixture
def site(ops: Ops, to: Post) -> Ops:
    """Everything goes to the log and to the receiver; nothing is repeated."""
    ops.channels["hook"] = hook(to)
    ops.routes = (AlertRoute(Match(), ("log", "hook")),)
    ops.repeat = {}
    return ops


def waiting(ops: Ops, channel: str = "hook") -> list[Delivery]:
    with ops.store.read() as reading:
        return [d for d in reading.deliveries.load(undone=True) if d.channel == channel]


def now(ops: Ops) -> datetime:
    with ops.store.read() as reading:
        return reading.now()


def undelivered(ops: Ops) -> list[str]:
    """The channels that are known not to work."""
    with ops.store.read() as reading:
        known = reading.findings.unresolved(kinds=[Kind.ALERT_UNDELIVERED])
    return [problem.finding.about for problem in known]


def give_up(ops: Ops, teller_passes: int = 40) -> None:
    """Time passes until nothing that fails is tried any more."""
    teller = ops.deliverer()
    for _ in range(teller_passes):
        ops.later(LONG)
        teller.deliver()
        if all(d.is_dead for d in waiting(ops)):
            return
    raise AssertionError(f"still tried: {waiting(ops)}")


# ------------------------------------------------------------------- a receiver that fails


def test_what_fails_is_sent_again_as_it_was_after_longer_and_longer_pauses(
    site: Ops, to: Post, hq: Finding
) -> None:
    to.manner = Manner(500)
    teller = site.deliverer()
    site.see(hq)
    pauses = (10, 20, 40, 80)
    for tries, seconds in enumerate(pauses, 1):
        before = now(site)
        teller.deliver()
        teller.deliver()
        assert len(to.got) == tries, "not again before the pause is over"
        (failed,) = waiting(site)
        assert before + seconds * SECOND <= failed.due_at <= now(site) + seconds * SECOND
        assert (failed.attempts, failed.is_dead) == (tries, False)
        assert "answered with 500" in (failed.error or "")
        site.later(seconds * SECOND)
    to.manner = Manner()
    teller.deliver()
    site.later(LONG)
    teller.deliver()
    assert len(to.got) == len(pauses) + 1, "it has it"
    assert len(set(told(to))) == 1
    assert site.events("log") == [("opened", "HQ")], "once, at once"


@pytest.mark.parametrize(("status", "at_once"), [(500, 1), (400, 2)])
def test_who_fails_is_asked_once_in_a_pass_and_who_refuses_for_each_alert(
    site: Ops, to: Post, hq: Finding, branch: Finding, status: int, at_once: int
) -> None:
    to.manner = Manner(status)
    teller = site.deliverer()
    site.see(hq, branch)
    teller.deliver()
    assert len(to.got) == at_once
    teller.deliver()
    assert sorted(name for _, _, name in told(to)) == ["Branch", "HQ"], "the other was let go"


def test_who_says_when_to_come_back_is_left_alone_until_then_by_every_alert(
    site: Ops, to: Post, hq: Finding, branch: Finding
) -> None:
    to.manner = Manner(429, {"Retry-After": "600"})
    site.see(hq)
    site.deliverer().deliver()
    site.later(9 * MINUTE)
    site.see(hq, branch)
    site.deliverer().deliver()
    assert len(to.got) == 1, "what is new does not try either, nor does another process"
    assert site.view("log") == {hq.fingerprint, branch.fingerprint}
    to.manner = Manner()
    site.later(MINUTE)
    site.deliverer().deliver()
    assert [name for _, _, name in told(to)[1:]] == ["HQ", "Branch"]


def test_a_receiver_that_asks_for_little_patience_is_not_given_up_sooner(
    site: Ops, to: Post, hq: Finding
) -> None:
    to.manner = Manner(429, {"Retry-After": "1"})
    site.see(hq)
    for _ in range(15):
        site.deliverer().deliver()
        site.later(SECOND)
    assert len(to.got) < 5
    assert undelivered(site) == []


@pytest.mark.parametrize("fault", ["drop", "half", "garbage"])
def test_what_perhaps_arrived_is_sent_again_with_its_key(
    site: Ops, to: Post, hq: Finding, fault: str
) -> None:
    to.manner = Manner(fault=fault)
    site.see(hq)
    site.deliverer().deliver()
    to.manner = Manner()
    site.later(MINUTE)
    site.deliverer().deliver()
    first, second = told(to)
    assert first == second


def test_who_perhaps_knows_of_a_problem_is_told_its_end(site: Ops, to: Post, hq: Finding) -> None:
    to.manner = Manner(fault="drop")
    site.see(hq)
    site.deliverer().deliver()
    to.manner = Manner()
    site.see()
    site.deliverer().deliver()
    assert [event for _, event, _ in told(to)] == ["opened", "resolved"]


def test_once_in_doubt_it_stays_in_doubt_whatever_comes_of_the_next_try(
    site: Ops, to: Post, hq: Finding
) -> None:
    site.see(hq)
    for manner in (Manner(fault="drop"), Manner(500)):
        to.manner = manner
        site.deliverer().deliver()
        site.later(MINUTE)
    site.see()
    to.manner = Manner()
    site.deliverer().deliver()
    assert [event for _, event, _ in told(to)] == ["opened", "opened", "resolved"]


def test_who_refused_a_problem_is_not_told_its_end(
    site: Ops, to: Post, hq: Finding, branch: Finding
) -> None:
    to.manner = Manner(500)
    site.see(hq)
    site.deliverer().deliver()
    to.manner = Manner()
    site.see()
    site.later(LONG)
    site.deliverer().deliver()
    assert [event for _, event, _ in told(to)] == ["opened"]
    assert site.events("log") == [("opened", "HQ"), ("resolved", "HQ")]
    assert "over before it was told" in {o["hook"] for o in site.outcomes() if o and "hook" in o}


# ------------------------------------------------------------------- given up


def test_what_is_refused_for_good_is_a_problem_told_over_the_others(
    site: Ops, to: Post, hq: Finding, branch: Finding
) -> None:
    to.manner = Manner(400)
    teller = site.deliverer()
    site.see(hq)
    for _ in range(3):
        teller.deliver()
        site.later(LONG)
    assert len(to.got) == 1, "it is not tried again, and nothing is said of it there"
    assert undelivered(site) == ["hook"]
    assert [a["kind"] for a in site.told("log")] == [hq.kind, Kind.ALERT_UNDELIVERED]
    to.manner = Manner()
    site.see(hq, branch)
    teller.deliver()
    assert [name for _, _, name in told(to)[1:]] == ["Branch", "HQ"], "also what was given up"
    assert undelivered(site) == []
    teller.deliver()
    assert [(a["kind"], a["event"]) for a in site.told("log")[-1:]] == [
        (Kind.ALERT_UNDELIVERED, "resolved")
    ]


def test_what_comes_after_a_dead_letter_carries_the_whole_state(
    site: Ops, to: Post, hq: Finding
) -> None:
    to.manner = Manner(400)
    site.see(hq)
    site.deliverer().deliver()
    to.manner = Manner()
    site.see(mismatch("HQ", *site.servers[:2], value="120"))
    site.deliverer().deliver()
    (alert,) = to.documents[-1]["alerts"]
    assert (alert["event"], alert["detail"]) == ("opened", "They differ: 120.")
    site.see()
    site.deliverer().deliver()
    assert told(to)[-1][1:] == ("resolved", "HQ")


def test_a_dead_letter_that_nobody_got_needs_no_end(site: Ops, to: Post, hq: Finding) -> None:
    to.manner = Manner(400)
    site.see(hq)
    site.deliverer().deliver()
    to.manner = Manner()
    site.see()
    site.deliverer().deliver()
    assert len(to.got) == 1


def test_a_receiver_that_is_down_for_long_is_given_up_after_hours(
    site: Ops, to: Post, hq: Finding
) -> None:
    to.manner = Manner(503)
    site.see(hq)
    give_up(site)
    assert len(to.got) == 12
    assert undelivered(site) == ["hook"]


def test_the_end_of_what_a_receiver_knows_is_told_once_it_is_back(
    site: Ops, to: Post, hq: Finding, branch: Finding
) -> None:
    site.see(hq)
    site.deliverer().deliver()
    to.manner = Manner(503)
    site.see()
    give_up(site)
    to.manner = Manner()
    to.got.clear()
    site.see(branch)
    site.deliverer().deliver()
    assert [(event, name) for _, event, name in told(to)] == [
        ("opened", "Branch"),
        ("resolved", "HQ"),
    ]
    assert waiting(site) == []


# --------------------------------------------------------------------------- mistakes of ours


@dataclass
class Broken(Inbox):
    """Cannot tell of one relationship."""

    def deliver(self, message: Message) -> None:
        if any(alert.relationship == "HQ" for alert in members(message)):
            raise ZeroDivisionError
        super().deliver(message)


def test_an_alert_that_our_own_code_fails_on_keeps_nothing_from_the_channel(
    site: Ops, hq: Finding, branch: Finding
) -> None:
    """It is tried again and given up as if the receiver had failed, and the log has the traceback."""
    broken = Broken("hook")
    site.channels, site.routes = {"hook": broken}, (AlertRoute(Match(), ("hook",)),)
    site.see(hq, branch)
    teller = site.deliverer()
    for _ in range(3):
        teller.deliver()
        site.later(LONG)
    assert [alert.relationship for alert in broken.alerts] == ["Branch"]
    (failed,) = waiting(site)
    assert "ZeroDivisionError" in (failed.error or "")
    assert failed.attempts > 1
    give_up(site)


def test_what_a_problem_once_went_through_costs_nothing_when_it_is_told(
    site: Ops, hq: Finding
) -> None:
    """Only what is to be told is read."""
    site.see(hq)
    problem = site.problem(hq)
    costs = []
    for events in (1, 60):
        for _ in range(events):
            site.happens(problem, Event.CHANGED)
        site.deliverer().deliver()
        site.later(timedelta(hours=2))  # it changes often, and was calm for a while
        site.happens(problem, Event.CHANGED)
        with counted(site.store.engine) as sql:
            site.deliverer().deliver()  # a new one looks at everything that is open
        costs.append(sql.fetched)
    assert costs[0] == costs[1]
