"""An acknowledgement ends repeats; it keeps nobody from knowing."""

from __future__ import annotations

from datetime import timedelta

from reconcile.model.findings import Event
from tests.worker.alerts.delivery.ops import Ops, mismatch, one_sided
from worker.alerts.rules import AlertRoute, Match
from worker.model.alerts import Acknowledgement, Silence

HOUR = timedelta(hours=1)


def acknowledged(ops: Ops, problem: int) -> None:
    with ops.store.write() as uow:
        uow.findings.acknowledge(problem, Acknowledgement("ada", "seen", uow.now()))
        uow.commit()
    ops.happens(problem, Event.ACKNOWLEDGED)


def test_what_was_acknowledged_before_anybody_was_told_is_told_with_the_note(ops: Ops) -> None:
    """An acknowledgement ends repeats; it keeps nobody from knowing."""
    hq = mismatch("HQ", *ops.servers[:2])
    ops.see(hq)
    acknowledged(ops, ops.problem(hq))
    ops.deliverer().deliver()
    (told,) = ops.told("log")
    assert (told["event"], told["acknowledged"]) == ("opened", {"by": "ada", "note": "seen"})


def test_a_route_that_comes_after_an_acknowledgement_is_told_and_nobody_else(ops: Ops) -> None:
    hq = mismatch("HQ", *ops.servers[:2])
    ops.see(hq)
    ops.deliverer().deliver()
    acknowledged(ops, ops.problem(hq))
    ops.deliverer().deliver()
    ops.routes = (*ops.routes, AlertRoute(Match(), ("pager",)))
    ops.deliverer().deliver()
    assert ops.events("log") == [("opened", "HQ"), ("acknowledged", "HQ")]
    assert ops.events("pager") == [("opened", "HQ")]


def test_a_silence_that_ends_after_an_acknowledgement_hides_it_no_more(ops: Ops) -> None:
    with ops.store.write() as uow:
        now = uow.now()
        uow.silences.add(Silence(0, "moving house", "ada", now, now + HOUR))
        uow.commit()
    teller = ops.deliverer()
    hq = mismatch("HQ", *ops.servers[:2])
    ops.see(hq)
    acknowledged(ops, ops.problem(hq))
    teller.deliver()
    assert ops.told("log") == []
    ops.later(HOUR)
    teller.deliver()
    assert ops.events("log") == [("opened", "HQ")]


def test_an_acknowledgement_that_is_taken_back_lets_repeats_come_again(ops: Ops) -> None:
    branch = one_sided("Branch", *ops.servers[2:])
    teller = ops.deliverer()
    ops.see(branch)
    teller.deliver()
    acknowledged(ops, ops.problem(branch))
    teller.deliver()
    ops.later(5 * HOUR)
    with ops.store.write() as uow:
        uow.findings.acknowledge(ops.problem(branch), None)
        uow.commit()
    teller.deliver()
    assert ops.events("log")[2:] == [("still_open", "Branch")]
