"""That a channel did not take an alert is a problem itself, told over the others."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from reconcile.findings.life import LifeStep, begin
from reconcile.kinds.decisions import ALERT_UNDELIVERED
from reconcile.model.findings import Event, Finding, Kind
from reconcile.model.nouns import Evidence
from worker.alerts.delivery.quiet_reasons import was_kept_quiet
from worker.model.alerts import Delivery, NewEvent, OpenFinding, PastEvent, Snapshot
from worker.store.repositories.findings import FindingRepository
from worker.store.repositories.outbox import OutboxRepository
from worker.store.unit_of_work import UnitOfWork

#: The rest has its turn when the channel takes something again.
_MOST_REVIVED: Final = 1000


def give_up(uow: UnitOfWork, channel: str, why: str) -> None:
    """Open a problem about a channel that failed, one for all alerts that it did not take."""
    if _open(uow.findings, channel) is not None:
        return
    finding = Finding(
        Kind.ALERT_UNDELIVERED,
        None,
        (),
        ALERT_UNDELIVERED.sentence(channel, why),
        about=channel,
    )
    earlier_openings = uow.findings.openings({finding.fingerprint}).get(finding.fingerprint, ())
    step = begin(finding, uow.now(), earlier_openings)
    latest = max((run.id for run in uow.runs.latest(1)), default=0)
    (key,) = uow.findings.begin(latest, [step]).values()
    _tell(uow, key, finding, Event.OPENED)


def is_in_trouble(findings: FindingRepository, channel: str) -> bool:
    """True while people know that it did not take something."""
    return _open(findings, channel) is not None


def works_again(uow: UnitOfWork, channel: str, *, is_last: bool = False) -> bool:
    """Note that a channel took a message, and return True if its dead letters are tried now.

    The channel works when it has no dead letters left. Otherwise two channels that each refuse one
    message, and take the alert about the other, would work again and fail for ever. The problem
    does not end before it was reported over the other channels. With ``is_last`` the dead letters
    were tried already.
    """
    problem = _open(uow.findings, channel)
    if problem is None or _is_undecided(uow.outbox, problem):
        return False
    if not is_last and revive(
        uow, uow.deliveries.undone(_MOST_REVIVED, channel=channel, dead=True)
    ):
        return True
    undone = (d for d in uow.deliveries.load(undone=True) if d.channel == channel)
    if not any(d.is_dead or d.attempts for d in undone):
        _end(uow, problem)
    return False


def revive(uow: UnitOfWork, dead: Collection[Delivery]) -> int:
    """Enqueue the latest event of each problem with a dead letter, and return their number.

    A channel that does not know of a problem need not be told of its end. A silenced problem is
    reported in its time.
    """
    problems = uow.findings.by_id({delivery.finding for delivery in dead})
    numbers = [(key, problem.sequence) for key, problem in problems.items()]
    last_events = {event.finding: event for event in uow.outbox.events_at(numbers)}
    revived = 0
    for delivery in dead:
        event = last_events.get(delivery.finding)
        if event is not None and event.outcome is None:
            revived += 1  # by who decides in a moment who is told of it
            continue
        if event is None or not _is_news(event, delivery):
            uow.deliveries.cancel(delivery.finding, delivery.channel)
            continue
        uow.deliveries.enqueue(delivery.finding, delivery.channel, event.sequence, uow.now())
        uow.outbox.set_outcome((event.finding, event.sequence), {delivery.channel: "waiting"})
        revived += 1
    return revived


def forget_others(uow: UnitOfWork, channels: Collection[str]) -> None:
    """A channel that is not in the file any more is told nothing, and can be mended by nobody."""
    for problem in uow.findings.unresolved(kinds=[Kind.ALERT_UNDELIVERED]):
        if problem.finding.about not in channels:
            _end(uow, problem)
    for delivery in uow.deliveries.load(undone=True):
        if delivery.channel not in channels:
            uow.deliveries.cancel(delivery.finding, delivery.channel)
            if delivery.wanted is not None:
                outcome = {delivery.channel: "this channel is not in the file any more"}
                uow.outbox.set_outcome((delivery.finding, delivery.wanted), outcome)


def _is_news(event: PastEvent, delivery: Delivery) -> bool:
    if event.event is Event.RESOLVED:
        return delivery.may_know_it_open
    return not was_kept_quiet(event.outcome)


def _is_undecided(outbox: OutboxRepository, problem: OpenFinding) -> bool:
    return any(e.outcome is None for e in outbox.events_at([(problem.id, problem.sequence)]))


def _end(uow: UnitOfWork, problem: OpenFinding) -> None:
    uow.findings.save([(problem.id, LifeStep(problem.finding, None))])
    _tell(uow, problem.id, problem.finding, Event.RESOLVED)


def _open(findings: FindingRepository, channel: str) -> OpenFinding | None:
    problems = findings.unresolved(kinds=[Kind.ALERT_UNDELIVERED])
    return next((p for p in problems if p.finding.about == channel), None)


def _tell(uow: UnitOfWork, key: int, finding: Finding, event: Event) -> None:
    uow.outbox.add([NewEvent(key, event, Snapshot(finding, Evidence.BOTH), uow.now())])
