"""What would be told, and to whom, if something happened now to a problem; nothing is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from reconcile.kinds.severity import severity
from reconcile.kinds.table import KINDS
from reconcile.model.findings import Event, Finding, Kind
from reconcile.model.nouns import Evidence
from worker.alerts.alerting import Alerting
from worker.alerts.delivery.composer import Words, as_first_seen_by, build_alert, words_of
from worker.alerts.delivery.policy import target_channels, why_not
from worker.alerts.message import Alert, Note, trial
from worker.alerts.problems import UnknownProblem
from worker.alerts.rules import ChannelDecision, channels_for
from worker.model.alerts import Delivery, OpenFinding, PastEvent, Silence, Snapshot
from worker.store.repositories.deliveries import DeliveryRepository
from worker.store.repositories.findings import FindingRepository
from worker.store.unit_of_work import Transaction


@dataclass(frozen=True, slots=True)
class Stored:
    """A problem of the store, with what decides who is told of it."""

    problem: OpenFinding
    deliveries: tuple[Delivery, ...]
    silences: tuple[Silence, ...]


def of_an_example(alert: Alert, alerting: Alerting, now: datetime) -> tuple[ChannelDecision, ...]:
    """Return the decisions of the routes alone, by channel."""
    start_times = {way.channel: way.not_before for way in channels_for(alert, alerting.routes, now)}
    return tuple(_by_route(channel, start_times, now) for channel in alerting.channels)


def of_a_problem(
    alert: Alert, stored: Stored, alerting: Alerting, now: datetime
) -> tuple[ChannelDecision, ...]:
    """Return the decisions about an event if it is routed now, by channel.

    For an event that happened these are the deliveries that are left.
    """
    delivery_of = {delivery.channel: delivery for delivery in stored.deliveries}
    return tuple(
        fate if (past := _past(alert, delivery_of.get(fate.channel))) is None else past
        for fate in _decided(alert, stored, delivery_of, alerting, now)
    )


def _decided(
    alert: Alert,
    stored: Stored,
    known: Mapping[str, Delivery],
    alerting: Alerting,
    now: datetime,
) -> tuple[ChannelDecision, ...]:
    if alert.event is Event.RESOLVED:
        return tuple(_of_the_end(channel, known.get(channel)) for channel in alerting.channels)
    if (reason := _why_nobody(alert, stored)) is not None:
        return tuple(ChannelDecision(channel, False, reason) for channel in alerting.channels)
    chosen = target_channels(alert, stored.problem, stored.deliveries, alerting, now)
    start_times = {way.channel: way.not_before for way in chosen}
    routed = {way.channel for way in channels_for(alert, alerting.routes, now)}
    return tuple(
        ChannelDecision(channel, False, _left_out(alert))
        if channel in routed and channel not in start_times
        else _by_route(channel, start_times, now)
        for channel in alerting.channels
    )


def _past(alert: Alert, delivery: Delivery | None) -> ChannelDecision | None:
    """Return why a past event is not sent again, or None."""
    if delivery is None:
        return None
    if delivery.told >= alert.sequence:
        return ChannelDecision(delivery.channel, False, "was told already")
    return None


def _why_nobody(alert: Alert, stored: Stored) -> str | None:
    if stored.problem.resolved_at is None and not stored.problem.is_open:
        return "not confirmed yet, so nobody is told"
    return why_not(stored.problem, alert, stored.silences)


def _left_out(alert: Alert) -> str:
    if alert.kind is Kind.ALERT_UNDELIVERED:
        return "it is the one that does not work"
    return "it knows of it, and somebody looks after it"


def _by_route(channel: str, found: Mapping[str, datetime], now: datetime) -> ChannelDecision:
    start = found.get(channel)
    if start is None:
        return ChannelDecision(channel, False, "no route takes it there")
    if start > now:
        return ChannelDecision(channel, True, "when its quiet hours are over", start)
    return ChannelDecision(channel, True, "a route takes it there")


def _of_the_end(channel: str, delivery: Delivery | None) -> ChannelDecision:
    if delivery is not None and delivery.may_know_it_open:
        return ChannelDecision(channel, True, "it was told of the problem")
    return ChannelDecision(
        channel, False, "it was not told of the problem, or knows that it is over"
    )


_SOMEBODY: Final = Note("somebody", "an example of a note")


@dataclass(frozen=True, slots=True)
class Supposed:
    """The alert, and what becomes of it by channel."""

    alert: Alert
    fates: tuple[ChannelDecision, ...]


def problem_of(findings: FindingRepository, number: int) -> OpenFinding:
    """A problem, over or not. Raises UnknownProblem."""
    problem = findings.by_id([number]).get(number)
    if problem is None:
        raise UnknownProblem(f"There is no problem {number}. See: ipam-sync drift list")
    return problem


def suppose(
    reading: Transaction, number: int, event: Event | None, alerting: Alerting, words: Words
) -> Supposed:
    """Return the decisions about an event of a stored problem, None for its latest one.

    Raises UnknownProblem.
    """
    problem = problem_of(reading.findings, number)
    past = reading.outbox.events([number])
    happened = _next(problem, past, event, reading.now())
    alert = build_alert(happened, problem, words_of(reading.inventory, words))
    stored = Stored(problem, reading.deliveries.load([number]), reading.silences.load())
    return Supposed(alert, of_a_problem(alert, stored, alerting, reading.now()))


def as_channel_is_told(deliveries: DeliveryRepository, alert: Alert, channel: str) -> Alert:
    """Return the alert as a channel gets it, by what it knows of the problem."""
    delivery_of = {delivery.channel: delivery for delivery in deliveries.load([alert.finding])}
    return as_first_seen_by(alert, delivery_of.get(channel))


def _next(
    problem: OpenFinding, past: Sequence[PastEvent], event: Event | None, now: datetime
) -> PastEvent:
    if event is None and past:
        return past[-1]
    evidence = past[-1].snapshot.evidence if past else Evidence.NONE
    ipam = past[-1].snapshot.ipam if past else {}
    return PastEvent(
        finding=problem.id,
        sequence=problem.sequence + 1,
        event=event or Event.OPENED,
        at=now,
        snapshot=Snapshot(problem.finding, evidence, ipam),
        who=_SOMEBODY.by,
        note=_SOMEBODY.text,
        outcome=None,
    )


def suppose_example(
    kind: Kind, event: Event, alerting: Alerting, words: Words, now: datetime
) -> Supposed:
    """A problem of that kind, of which everything else is made up."""
    finding = Finding(kind, None, (), "")
    alert = replace(
        trial(now, event=event),
        kind=kind,
        matter=KINDS[kind].matter,
        severity=severity(finding, words.severities),
        sentence=f"Example: {KINDS[kind].meaning}",
        note=_SOMEBODY if event is Event.ACKNOWLEDGED else None,
        test=False,
    )
    return Supposed(alert, of_an_example(alert, alerting, now))
