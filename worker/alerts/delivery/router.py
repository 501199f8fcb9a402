"""Who is told of an event: routes, silences and causes decide, and what each channel knows."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from reconcile.model.findings import Event
from worker.alerts.alerting import Alerting
from worker.alerts.delivery.composer import Words, build_alert, loudness, words_of
from worker.alerts.delivery.policy import (
    RESTLESS_WITHIN,
    deferred_until,
    informed_channels,
    next_look,
    target_channels,
    why_not,
)
from worker.alerts.delivery.quiet_reasons import flapping_until
from worker.alerts.rules import PlannedDelivery
from worker.model.alerts import NOBODY, Delivery, OpenFinding, PastEvent, Silence
from worker.store.unit_of_work import Store, UnitOfWork

#: Events decided in one transaction.
_AT_ONCE: Final = 100


def route(store: Store, alerting: Alerting, words: Words) -> int:
    """Decide about every event that is due, and return their number."""
    decided = 0
    while True:
        with store.read() as reading:
            # A look without the writer's turn, because most sweeps find nothing.
            if not reading.outbox.unrouted(1):
                return decided
        with store.write() as uow:
            # A bounded number in each transaction, so that other writers get their turn.
            events = uow.outbox.unrouted(_AT_ONCE)
            _route(uow, alerting, words, events)
            uow.commit()
        decided += len(events)


@dataclass(frozen=True, slots=True)
class _Desk:
    """The values that decisions about some events need."""

    alerting: Alerting
    words: Words
    problems: Mapping[int, OpenFinding]
    silences: tuple[Silence, ...]
    known: Mapping[int, tuple[Delivery, ...]]
    changes: Mapping[int, tuple[int, datetime]]
    now: datetime


def _route(
    uow: UnitOfWork, alerting: Alerting, words: Words, events: tuple[PastEvent, ...]
) -> None:
    problems = uow.findings.by_id({event.finding for event in events})
    deliveries_of: dict[int, list[Delivery]] = {key: [] for key in problems}
    for delivery in uow.deliveries.load(deliveries_of):
        deliveries_of[delivery.finding].append(delivery)
    known_deliveries = {key: tuple(deliveries) for key, deliveries in deliveries_of.items()}
    changed = {event.finding for event in events if event.event is Event.CHANGED}
    current_time, silences, words = uow.now(), uow.silences.load(), words_of(uow.inventory, words)
    changes = uow.outbox.change_counts(changed, current_time - RESTLESS_WITHIN)
    desk = _Desk(alerting, words, problems, silences, known_deliveries, changes, current_time)
    latest = {event.finding: event.sequence for event in events}
    for (
        finding,
        deliveries,
    ) in known_deliveries.items():  # the run of a newer event may have closed first
        newest = (max(d.told, d.wanted or 0) for d in deliveries)
        latest[finding] = max(latest[finding], *newest, 0)
    for event in events:
        if event.sequence < latest[event.finding]:
            overtaken = f"overtaken by {event.finding}-{latest[event.finding]}"
            uow.outbox.set_outcome((event.finding, event.sequence), {NOBODY: overtaken})
        else:
            _tell(uow, desk, event)


def _tell(uow: UnitOfWork, desk: _Desk, event: PastEvent) -> None:
    if event.event is Event.RESOLVED:
        _tell_the_end(uow, desk, event)
        return
    problem, deliveries = desk.problems[event.finding], desk.known[event.finding]
    alert = build_alert(event, problem, desk.words)
    reason, calm = why_not(problem, alert, desk.silences), None
    if reason is not None:
        uow.outbox.set_outcome((event.finding, event.sequence), {NOBODY: reason})
    else:
        calm = deferred_until(problem, alert, desk.changes.get(event.finding), desk.now)
        targets = target_channels(alert, problem, deliveries, desk.alerting, desk.now)
        _want_in_time(uow, event, targets, informed_channels(deliveries), calm)
    told_now = replace(alert, at=desk.now)  # a repeat is one of what was told
    look = next_look(problem, told_now, desk.silences, desk.alerting, desk.now)
    looks = [at for at in (look, calm) if at is not None]
    if loudness(problem.finding, problem, desk.words, desk.now) is not alert.severity:
        # The severity changed between the event and now, so no look in the future would notice.
        looks.append(desk.now)
    uow.outbox.set_reminder(
        event.finding, min(looks, default=None), alert.severity if reason is None else None
    )


def _want_in_time(
    uow: UnitOfWork,
    event: PastEvent,
    target_channels: Collection[PlannedDelivery],
    known: Collection[str],
    calm: datetime | None,
) -> None:
    """Enqueue an event. Channels that know of a flapping problem wait until it is ``calm``."""
    late = (
        {}
        if calm is None
        else {w.channel: flapping_until(calm) for w in target_channels if w.channel in known}
    )
    at_once = [way for way in target_channels if way.channel not in late]
    if late and not at_once:
        late = {NOBODY: next(iter(late.values()))}
    else:
        _want(uow, event, at_once)
    if late:
        uow.outbox.set_outcome((event.finding, event.sequence), late)


def _tell_the_end(uow: UnitOfWork, desk: _Desk, event: PastEvent) -> None:
    """Enqueue the end of a problem for the channels that know of it, or may."""
    deliveries = [d for d in desk.known[event.finding] if d.channel in desk.alerting.channels]
    _want(
        uow, event, [PlannedDelivery(d.channel, desk.now) for d in deliveries if d.may_know_it_open]
    )
    for delivery in deliveries:
        if not delivery.may_know_it_open:
            uow.deliveries.cancel(event.finding, delivery.channel)
        if not delivery.may_know_it_open and delivery.wanted is not None:
            outcome = {delivery.channel: "over before it was told"}
            uow.outbox.set_outcome((event.finding, delivery.wanted), outcome)


def _want(uow: UnitOfWork, event: PastEvent, target_channels: Iterable[PlannedDelivery]) -> None:
    outcome: dict[str, str] = {}
    for way in target_channels:
        earlier_event = uow.deliveries.enqueue(
            event.finding, way.channel, event.sequence, way.not_before
        )
        outcome[way.channel] = "waiting"
        if earlier_event is not None and earlier_event != event.sequence:
            overtaken = {way.channel: f"overtaken by {event.key}"}
            uow.outbox.set_outcome((event.finding, earlier_event), overtaken)
    reason = "nobody was told of it" if event.event is Event.RESOLVED else "no route takes it"
    uow.outbox.set_outcome((event.finding, event.sequence), outcome or {NOBODY: reason})
