"""What nobody was told of in time, is louder by now, or goes on for long: told again by rule."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final

from reconcile.model.findings import Event
from reconcile.model.nouns import Evidence
from worker.alerts.alerting import Alerting
from worker.alerts.delivery.composer import Words, build_alert, loudness, words_of
from worker.alerts.delivery.policy import (
    informed_channels,
    is_acknowledged,
    next_look,
    target_channels,
    why_not,
)
from worker.alerts.delivery.quiet_reasons import was_kept_quiet
from worker.alerts.message import Alert
from worker.model.alerts import Delivery, NewEvent, OpenFinding, PastEvent, Silence, Snapshot
from worker.store.unit_of_work import Store, UnitOfWork

#: Problems looked at in one transaction.
_AT_ONCE: Final = 500


def remind(store: Store, alerting: Alerting, words: Words) -> int:
    """Review every problem that is due for it, and return the number of new events."""
    event_count = 0
    while True:
        with store.read() as reading:
            # A look without the writer's turn, because most sweeps find nothing.
            if not reading.outbox.due_reminders(1):
                return event_count
        with store.write() as uow:
            # A bounded number in each transaction, so that other writers get their turn.
            due = uow.outbox.due_reminders(_AT_ONCE)
            event_count += _remind(uow, alerting, words, due)
            uow.commit()
        if len(due) < _AT_ONCE:
            return event_count


def _remind(uow: UnitOfWork, alerting: Alerting, words: Words, problems: tuple[int, ...]) -> int:
    problem_of = uow.findings.by_id(problems)
    numbers = [(key, problem.sequence) for key, problem in problem_of.items()]
    last_events = {event.finding: event for event in uow.outbox.events_at(numbers)}
    deliveries: dict[int, list[Delivery]] = {key: [] for key in problem_of}
    for delivery in uow.deliveries.load(problem_of):
        deliveries[delivery.finding].append(delivery)
    words, silences, current_time = words_of(uow.inventory, words), uow.silences.load(), uow.now()
    news: list[NewEvent] = []
    for key, problem in problem_of.items():
        last_event = last_events.get(key)
        if not problem.is_open or (last_event is not None and last_event.outcome is None):
            uow.outbox.set_reminder(key, None, None)  # who routes what happened last says when
            continue
        if last_event is None:  # it was open before there were events
            uow.outbox.set_reminder(key, None, None)
            snapshot = Snapshot(problem.finding, Evidence.NONE)
            news.append(NewEvent(key, Event.OPENED, snapshot, current_time))
            continue
        severity_now = loudness(problem.finding, problem, words, current_time)
        alert = replace(
            build_alert(_still(last_event, problem), problem, words), severity=severity_now
        )
        event = _event(
            problem, alert, last_event, deliveries[key], alerting, silences, current_time
        )
        if event is None:
            uow.outbox.set_reminder(
                key, next_look(problem, alert, silences, alerting, current_time), None
            )
            continue
        uow.outbox.set_reminder(key, None, None)  # until it is routed
        news.append(_news(last_event, problem, event, current_time))
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
    channel_names = {way.channel for way in target_channels(alert, problem, told, alerting, now)}
    if channel_names - informed_channels(told):
        return Event.STILL_OPEN
    repeat = alerting.repeat.get(alert.severity)
    is_due = repeat is not None and alert.at + repeat <= now
    is_worth_it = is_due and channel_names and not is_acknowledged(problem, now)
    return Event.STILL_OPEN if is_worth_it else None


def _news(before: PastEvent, problem: OpenFinding, event: Event, now: datetime) -> NewEvent:
    snapshot = replace(before.snapshot, finding=problem.finding)
    return NewEvent(problem.id, event, snapshot, now)
