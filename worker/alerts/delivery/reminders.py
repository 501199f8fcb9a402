"""What nobody was told of in time, is louder by now, or goes on for long: told again by rule."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final

from reconcile.model.findings import Event
from reconcile.model.nouns import Evidence
from worker.alerts.alerting import Alerting
from worker.alerts.delivery.composer import Words, composed, loudness, words_of
from worker.alerts.delivery.policy import is_acknowledged, knowing, next_look, ways, why_not
from worker.alerts.delivery.quiet_reasons import was_kept_quiet
from worker.alerts.message import Alert
from worker.model.alerts import Delivery, NewEvent, OpenFinding, PastEvent, Silence, Snapshot
from worker.store.unit_of_work import Store, UnitOfWork

#: Problems looked at in one transaction.
_AT_ONCE: Final = 500


def remind(store: Store, alerting: Alerting, words: Words) -> int:
    """Review every problem that is due for it, and return the number of new events."""
    told = 0
    while True:
        with store.read() as reading:
            if not reading.outbox.due_reminders(1):
                return told
        with store.write() as uow:
            due = uow.outbox.due_reminders(_AT_ONCE)
            told += _remind(uow, alerting, words, due)
            uow.commit()
        if len(due) < _AT_ONCE:
            return told


def _remind(uow: UnitOfWork, alerting: Alerting, words: Words, problems: tuple[int, ...]) -> int:
    known = uow.findings.by_id(problems)
    numbers = [(key, problem.sequence) for key, problem in known.items()]
    last = {event.finding: event for event in uow.outbox.events_at(numbers)}
    told: dict[int, list[Delivery]] = {key: [] for key in known}
    for delivery in uow.deliveries.load(known):
        told[delivery.finding].append(delivery)
    words, silences, now = words_of(uow.inventory, words), uow.silences.load(), uow.now()
    news: list[NewEvent] = []
    for key, problem in known.items():
        before = last.get(key)
        if not problem.is_open or (before is not None and before.outcome is None):
            uow.outbox.set_reminder(key, None, None)  # who routes what happened last says when
            continue
        if before is None:  # it was open before there were events
            uow.outbox.set_reminder(key, None, None)
            snapshot = Snapshot(problem.finding, Evidence.NONE)
            news.append(NewEvent(key, Event.OPENED, snapshot, now))
            continue
        loud = loudness(problem.finding, problem, words, now)
        alert = replace(composed(_still(before, problem), problem, words), severity=loud)
        event = _event(problem, alert, before, told[key], alerting, silences, now)
        if event is None:
            uow.outbox.set_reminder(key, next_look(problem, alert, silences, alerting, now), None)
            continue
        uow.outbox.set_reminder(key, None, None)  # until it is routed
        news.append(_news(before, problem, event, now))
    uow.outbox.add(news)
    return len(news)


def _still(before: PastEvent, problem: OpenFinding) -> PastEvent:
    """The last event, of the problem as it is now."""
    return replace(before, snapshot=replace(before.snapshot, finding=problem.finding))


def _event(
    problem: OpenFinding,
    alert: Alert,
    before: PastEvent,
    told: list[Delivery],
    alerting: Alerting,
    silences: tuple[Silence, ...],
    now: datetime,
) -> Event | None:
    """Return the event to send now, or None if there is none yet."""
    if why_not(problem, alert, silences) is not None:
        return None
    if problem.told_severity is not None and alert.severity is not problem.told_severity:
        return Event.CHANGED
    if was_kept_quiet(before.outcome) and any(d.knows_it_open for d in told):
        return Event.CHANGED
    wanted = {way.channel for way in ways(alert, problem, told, alerting, now)}
    if wanted - knowing(told):
        return Event.STILL_OPEN
    repeat = alerting.repeat.get(alert.severity)
    is_due = repeat is not None and alert.at + repeat <= now
    is_worth_it = is_due and wanted and not is_acknowledged(problem, now)
    return Event.STILL_OPEN if is_worth_it else None


def _news(before: PastEvent, problem: OpenFinding, event: Event, now: datetime) -> NewEvent:
    snapshot = replace(before.snapshot, finding=problem.finding)
    return NewEvent(problem.id, event, snapshot, now)
