"""A person has what was given up, or failed, tried again at once; kept as a decision."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from worker.audit_ports import Action, Decision, Person
from worker.ports import UnitOfWork
from worker.telling.giving_up import revive


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
    again = revive(uow, dead)
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
