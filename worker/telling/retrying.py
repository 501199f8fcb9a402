"""A person has what was given up, or failed, tried again at once; kept as a decision."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from reconcile.life import Event
from worker.alert_ports import Delivery, PastEvent
from worker.audit_ports import Action, Decision, Person
from worker.ports import UnitOfWork


@dataclass(frozen=True, slots=True)
class Retried:
    """How many are due now that were ``given_up``, or ``failed`` and waited for their next try.

    ``dropped`` were given up and are over: who was not told of a problem is not told of its end.
    ``quiet`` wait for the end of quiet hours, and go on waiting.
    """

    given_up: int = 0
    failed: int = 0
    dropped: int = 0
    quiet: int = 0


@dataclass(frozen=True, slots=True)
class Which:
    """Deliveries over these ``channels``, of all problems or of one; ``subject`` is that for people."""

    subject: str
    channels: Collection[str]
    problem: int | None = None


def retry(uow: UnitOfWork, by: Person, which: Which) -> Retried:
    """Make them due now, with every attempt before them."""
    of = None if which.problem is None else [which.problem]
    undone = [d for d in uow.deliveries(of, undone=True) if d.channel in which.channels]
    dead = [d for d in undone if d.is_dead]
    waiting = [d for d in undone if not d.is_dead]
    failed = [d for d in waiting if d.attempts]
    now = uow.now()
    for delivery in failed:
        if delivery.wanted is not None:
            uow.want(delivery.finding, delivery.channel, delivery.wanted, now)
    again = _revive(uow, dead)
    told = Retried(
        given_up=again,
        failed=len(failed),
        dropped=len(dead) - again,
        quiet=sum(1 for d in waiting if not d.attempts and d.due_at > now),
    )
    if dead or failed:
        before = {"given_up": len(dead), "due_now": 0}
        after = {"given_up": 0, "due_now": again + len(failed)}
        uow.add_audits(by, [Decision(Action.RETRY_ALERTS, which.subject, before, after)])
    return told


def _revive(uow: UnitOfWork, dead: Collection[Delivery]) -> int:
    """So many are to be told what happened last to their problems; the others need not be."""
    last = {
        event.finding: event
        for event in uow.events({delivery.finding for delivery in dead})
        if event.outcome is not None  # of another it is still to be decided who is told
    }
    revived = 0
    for delivery in dead:
        event = last.get(delivery.finding)
        if event is None or not _is_news(event, delivery):
            uow.drop(delivery.finding, delivery.channel)
            continue
        uow.want(delivery.finding, delivery.channel, event.sequence, uow.now())
        uow.decide_event((event.finding, event.sequence), {delivery.channel: "waiting"})
        revived += 1
    return revived


def _is_news(event: PastEvent, delivery: Delivery) -> bool:
    return event.event is not Event.RESOLVED or delivery.knows_it_open
