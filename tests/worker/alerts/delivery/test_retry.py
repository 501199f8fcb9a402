"""What is not done, counted and listed; and tried again when a person says so."""

from __future__ import annotations

from datetime import timedelta

from reconcile.model.findings import Event
from tests.worker.alerts.delivery.ops import Ops, mismatch, one_sided
from worker.alerts.delivery.composer import Words
from worker.alerts.delivery.retry import Retried, Which, retry
from worker.alerts.delivery.router import route
from worker.model.alerts import ChannelBacklog
from worker.model.audit import Person

ADA = Person("ada", "test@here")
EVERY = Which("all alerts", {"log", "pager"})


def tried_again(ops: Ops, which: Which = EVERY) -> Retried:
    with ops.store.write() as uow:
        told = retry(uow, ADA, which)
        uow.commit()
    return told


def fails(ops: Ops, channel: str, *problems: int, is_dead: bool) -> None:
    """The channel does not take what it was to be told of these."""
    with ops.store.write() as uow:
        claimed = uow.deliveries.claim(channel, "claim", uow.now() + timedelta(minutes=3), 100)
        tried = {d.finding: d.wanted for d in claimed if d.wanted and d.finding in problems}
        due = uow.now() + timedelta(hours=1)
        uow.deliveries.mark_failed("claim", tried, "no", due, is_dead=is_dead)
        for key in tried.items() if is_dead else ():
            uow.outbox.set_outcome(key, {channel: "given up: no"})
        uow.deliveries.release("claim", [d.finding for d in claimed])
        uow.commit()


def two_problems(ops: Ops) -> tuple[int, int]:
    """Of HQ and of Branch, on their way to the log; Branch also to the pager."""
    hq, branch = mismatch("HQ", *ops.servers[:2]), one_sided("Branch", *ops.servers[2:])
    ops.see(hq, branch)
    with ops.store.read() as reading:
        assert reading.outbox.undecided() == 2
    route(ops.store, ops.alerting, Words({}))
    return ops.problem(hq), ops.problem(branch)


def backlogs(ops: Ops) -> dict[str, ChannelBacklog]:
    with ops.store.read() as reading:
        assert reading.outbox.undecided() == 0
        return dict(reading.deliveries.backlogs())


def undone(ops: Ops, channel: str | None = None, *, most: int = 9, dead: bool = False) -> list[int]:
    with ops.store.read() as reading:
        return [d.finding for d in reading.deliveries.undone(most, channel=channel, dead=dead)]


def test_what_waits_failed_and_was_given_up_is_counted_by_channel(ops: Ops) -> None:
    hq, branch = two_problems(ops)
    fails(ops, "log", hq, is_dead=False)
    fails(ops, "pager", branch, is_dead=True)
    found = backlogs(ops)
    log, pager = found["log"], found["pager"]
    assert (log.waits, log.failed, log.given_up, log.told_at) == (2, 1, 0, None)
    assert (pager.waits, pager.failed, pager.given_up, pager.told_at) == (0, 0, 1, None)
    ops.later(timedelta(hours=2))
    ops.deliverer().deliver()
    assert backlogs(ops)["log"].waits == 0
    assert backlogs(ops)["log"].told_at is not None


def test_what_is_due_first_is_listed_first_and_what_was_given_up_last(ops: Ops) -> None:
    hq, branch = two_problems(ops)
    fails(ops, "log", hq, is_dead=False)
    fails(ops, "pager", branch, is_dead=True)
    assert undone(ops) == [branch, hq, branch]
    assert undone(ops, most=1) == [branch]
    assert undone(ops, "log") == [branch, hq]
    assert undone(ops, dead=True) == [branch]


def test_what_is_tried_again_has_every_attempt_before_it(ops: Ops) -> None:
    hq, branch = two_problems(ops)
    fails(ops, "log", hq, branch, is_dead=True)
    fails(ops, "pager", branch, is_dead=False)
    assert tried_again(ops) == Retried(given_up=2, failed=1)
    with ops.store.read() as reading:
        every = reading.deliveries.load()
        now = reading.now()
    assert [(d.attempts, d.is_dead, d.wanted, d.due_at <= now) for d in every] == [
        (0, False, 1, True)
    ] * 3
    ops.deliverer().deliver()
    assert sorted(ops.events("log")) == [("opened", "Branch"), ("opened", "HQ")]
    assert tried_again(ops) == Retried()


def test_an_event_that_nobody_decided_about_is_left_to_who_does(ops: Ops) -> None:
    hq, _ = two_problems(ops)
    fails(ops, "log", hq, is_dead=True)
    ops.happens(hq, Event.CHANGED)
    assert tried_again(ops).given_up == 1
    with ops.store.read() as reading:
        assert reading.outbox.undecided() == 1
    ops.deliverer().deliver()
    with ops.store.read() as reading:
        (known,) = (d for d in reading.deliveries.load([hq]) if d.channel == "log")
    assert (known.told, known.told_event) == (2, Event.OPENED)


def test_only_what_was_named_is_tried_again(ops: Ops) -> None:
    hq, branch = two_problems(ops)
    fails(ops, "log", hq, branch, is_dead=True)
    fails(ops, "pager", branch, is_dead=True)
    assert tried_again(ops, Which("pager", {"pager"})).given_up == 1
    assert tried_again(ops, Which("HQ", {"log", "pager"}, hq)).given_up == 1
    assert undone(ops, dead=True) == [branch]
