"""Who is told of a problem and who is not, and when to look at it again: pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from reconcile.findings.life import Patience
from reconcile.model.findings import Event, Kind
from worker.alerts.alerting import Alerting
from worker.alerts.delivery.quiet_reasons import explained_by, silenced_by_rule
from worker.alerts.message import Alert
from worker.alerts.rules import PlannedDelivery, channels_for
from worker.alerts.silences import silenced_by
from worker.model.alerts import Delivery, OpenFinding, Silence

#: What changed as often as would make a problem flap is told in steps as long as its calm.
_PATIENCE: Final = Patience()
RESTLESS_WITHIN: Final = _PATIENCE.window


def target_channels(
    alert: Alert,
    problem: OpenFinding,
    deliveries: Iterable[Delivery],
    alerting: Alerting,
    now: datetime,
) -> list[PlannedDelivery]:
    """Return the channels that get an alert, and from when on.

    The failure of a channel is reported over the others. Of an acknowledged problem only channels
    that do not know of it are reminded.
    """
    planned = [
        way
        for way in channels_for(alert, alerting.routes, now)
        if alert.kind is not Kind.ALERT_UNDELIVERED or problem.finding.about != way.channel
    ]
    if alert.event is not Event.STILL_OPEN or not is_acknowledged(problem, now):
        return planned
    informed = informed_channels(deliveries)
    return [way for way in planned if way.channel not in informed]


def informed_channels(deliveries: Iterable[Delivery]) -> set[str]:
    """The channels that know of a problem, are about to, or cannot be told of it."""
    return {d.channel for d in deliveries if d.knows_it_open or d.wanted is not None or d.is_dead}


def is_acknowledged(problem: OpenFinding, now: datetime) -> bool:
    """True while a person knows of it."""
    acknowledged = problem.acknowledgement
    return acknowledged is not None and acknowledged.in_force(now)


def why_not(problem: OpenFinding, alert: Alert, silences: Iterable[Silence]) -> str | None:
    """Return why a problem is reported to no channel, or None if it is."""
    if problem.resolved_at is not None:
        return "over before it was told"
    if problem.caused_by is not None:
        return explained_by(problem.caused_by)
    silence = silenced_by(alert, silences)
    return None if silence is None else silenced_by_rule(silence.id)


def deferred_until(
    problem: OpenFinding, alert: Alert, told: tuple[int, datetime] | None, now: datetime
) -> datetime | None:
    """Return the time from which a change of a flapping problem may be sent, or None for now.

    ``told`` is the number of changes that were sent within ``RESTLESS_WITHIN``, and the time of the
    last one. A change of severity cannot wait.
    """
    if alert.event is not Event.CHANGED or alert.severity is not problem.told_severity:
        return None
    number, last_at = told or (0, now)
    calm = last_at + _PATIENCE.calm
    return calm if number >= _PATIENCE.flaps and calm > now else None


def next_look(
    problem: OpenFinding,
    alert: Alert,
    silences: Iterable[Silence],
    alerting: Alerting,
    now: datetime,
) -> datetime | None:
    """Return when a problem may have to be reported again, or None without a known time.

    ``alert`` is the last one that was sent, or would be.
    """
    if problem.resolved_at is not None or problem.caused_by is not None:
        return None
    if (silence := silenced_by(alert, silences)) is not None:
        return silence.ends_at
    repeat, looks = alerting.repeat.get(alert.severity), []
    if problem.acknowledgement is not None and is_acknowledged(problem, now):
        looks = (
            []
            if (acknowledged_until := problem.acknowledgement.until) is None
            else [acknowledged_until]
        )
    elif repeat is not None:
        looks = [alert.at + repeat]  # one that is due by now is one that no route takes
    if problem.finding.patience is not None:
        looks.append(problem.first_seen + timedelta(seconds=problem.finding.patience))
    return min((look for look in looks if look > now), default=None)
