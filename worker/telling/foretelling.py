"""Which channels would be told of something, and why not the others: pure, and nothing is sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from reconcile.findings import Kind
from reconcile.life import Event
from worker.alert_ports import Delivery, OpenFinding, Silence
from worker.alerts.config import Alerting
from worker.alerts.message import Alert
from worker.alerts.routes import Fate, channels_for
from worker.telling.choosing import ways, why_not


@dataclass(frozen=True, slots=True)
class Stored:
    """A problem of the store, with what decides who is told of it."""

    problem: OpenFinding
    deliveries: tuple[Delivery, ...]
    silences: tuple[Silence, ...]


def of_an_example(alert: Alert, alerting: Alerting, now: datetime) -> tuple[Fate, ...]:
    """What routes alone decide, by channel."""
    found = {way.channel: way.not_before for way in channels_for(alert, alerting.routes, now)}
    return tuple(_by_route(channel, found, now) for channel in alerting.channels)


def of_a_problem(
    alert: Alert, stored: Stored, alerting: Alerting, now: datetime
) -> tuple[Fate, ...]:
    """What is decided when the event is routed now, by channel; of one that happened, what is left."""
    known = {delivery.channel: delivery for delivery in stored.deliveries}
    return tuple(
        fate if (past := _past(alert, known.get(fate.channel))) is None else past
        for fate in _decided(alert, stored, known, alerting, now)
    )


def _decided(
    alert: Alert,
    stored: Stored,
    known: Mapping[str, Delivery],
    alerting: Alerting,
    now: datetime,
) -> tuple[Fate, ...]:
    if alert.event is Event.RESOLVED:
        return tuple(_of_the_end(channel, known.get(channel)) for channel in alerting.channels)
    if (nobody := _why_nobody(alert, stored)) is not None:
        return tuple(Fate(channel, False, nobody) for channel in alerting.channels)
    chosen = ways(alert, stored.problem, stored.deliveries, alerting, now)
    found = {way.channel: way.not_before for way in chosen}
    routed = {way.channel for way in channels_for(alert, alerting.routes, now)}
    return tuple(
        Fate(channel, False, _left_out(alert))
        if channel in routed and channel not in found
        else _by_route(channel, found, now)
        for channel in alerting.channels
    )


def _past(alert: Alert, delivery: Delivery | None) -> Fate | None:
    """Why what happened already is not told again; nobody was told yet of what did not happen."""
    if delivery is None:
        return None
    if delivery.told >= alert.sequence:
        return Fate(delivery.channel, False, "was told already")
    return None


def _why_nobody(alert: Alert, stored: Stored) -> str | None:
    if stored.problem.resolved_at is None and not stored.problem.is_open:
        return "not confirmed yet, so nobody is told"
    return why_not(stored.problem, alert, stored.silences)


def _left_out(alert: Alert) -> str:
    if alert.kind is Kind.ALERT_UNDELIVERED:
        return "it is the one that does not work"
    return "it knows of it, and somebody looks after it"


def _by_route(channel: str, found: Mapping[str, datetime], now: datetime) -> Fate:
    when = found.get(channel)
    if when is None:
        return Fate(channel, False, "no route takes it there")
    if when > now:
        return Fate(channel, True, "when its quiet hours are over", when)
    return Fate(channel, True, "a route takes it there")


def _of_the_end(channel: str, delivery: Delivery | None) -> Fate:
    if delivery is not None and delivery.may_know_it_open:
        return Fate(channel, True, "it was told of the problem")
    return Fate(channel, False, "it was not told of the problem, or knows that it is over")
