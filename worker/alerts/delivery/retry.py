"""A person has what was given up, or failed, tried again at once; kept as a decision."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from worker.alerts.alerting import AppliedChangeRule
from worker.alerts.delivery.change_feed import backlogs
from worker.alerts.delivery.dead_letters import revive
from worker.model.audit import Action, AuditedDecision, Person
from worker.model.audit_format import kept_time
from worker.store.repositories.deliveries import DeliveryRepository
from worker.store.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class Retried:
    """How many are due now that were ``given_up``, or ``failed`` and waited for their next try.

    ``dropped`` were given up and are over: who was not told of a problem is not told of its end.
    ``quiet`` wait for the end of quiet hours, and go on waiting.  ``changes`` are operations that
    were applied and are due again.  ``is_pause_over``: the channel had asked to be left alone, and
    is not any more.
    """

    given_up: int = 0
    failed: int = 0
    dropped: int = 0
    quiet: int = 0
    changes: int = 0
    is_pause_over: bool = False


@dataclass(frozen=True, slots=True)
class Which:
    """The deliveries to retry: over these ``channels``, or of a single problem.

    ``subject`` describes them for people. ``applied`` are the channels that get changes. With
    ``ends_pauses`` channels are retried although their receivers asked for a pause.
    """

    subject: str
    channels: Collection[str]
    problem: int | None = None
    ends_pauses: bool = False
    applied: AppliedChangeRule = field(default_factory=AppliedChangeRule)


def retry(uow: UnitOfWork, by: Person, which: Which) -> Retried:
    """Make them due now, with every attempt before them."""
    of = None if which.problem is None else [which.problem]
    undone = [d for d in uow.deliveries.load(of, undone=True) if d.channel in which.channels]
    dead = [d for d in undone if d.is_dead]
    waiting_deliveries = [d for d in undone if not d.is_dead]
    failed = [d for d in waiting_deliveries if d.attempts]
    current_time = uow.now()
    for delivery in failed:
        if delivery.wanted is not None:
            uow.deliveries.enqueue(
                delivery.finding, delivery.channel, delivery.wanted, current_time
            )
    revived = revive(uow, dead)
    counts_before: dict[str, object] = {"given_up": len(dead), "due_now": 0}
    counts_after: dict[str, object] = {"given_up": 0, "due_now": revived + len(failed)}
    changes = _retry_changes(uow, which) if which.problem is None else 0
    if changes:
        counts_before["changes_due_now"], counts_after["changes_due_now"] = 0, changes
    pauses = _end_pauses(uow.deliveries, which.channels) if which.ends_pauses else {}
    if pauses:
        counts_before["paused_until"], counts_after["paused_until"] = pauses, {}
    if dead or failed or changes or pauses:
        uow.audit.add(
            by, [AuditedDecision(Action.RETRY_ALERTS, which.subject, counts_before, counts_after)]
        )
    return Retried(
        given_up=revived,
        failed=len(failed),
        dropped=len(dead) - revived,
        quiet=sum(1 for d in waiting_deliveries if not d.attempts and d.due_at > current_time),
        changes=changes,
        is_pause_over=bool(pauses),
    )


def _retry_changes(uow: UnitOfWork, which: Which) -> int:
    """Retry failed reports of changes, and return the number of operations."""
    count = 0
    for channel, backlog in backlogs(uow, which.applied).items():
        if channel in which.channels and (backlog.attempts or backlog.given_up):
            count += backlog.given_up + (backlog.waits if backlog.attempts else 0)
            uow.change_feed.retry(channel)
    return count


def _end_pauses(
    deliveries: DeliveryRepository, channels: Collection[str]
) -> Mapping[str, str | None]:
    """By channel, until when it had asked to be left alone."""
    paused = {
        name: pause_end for name, pause_end in deliveries.pauses().items() if name in channels
    }
    for channel in paused:
        deliveries.end_pause(channel)
    return {channel: kept_time(pause_end) for channel, pause_end in paused.items()}
