"""Alerts for Prometheus' Alertmanager, by version 2 of its API.

An alert is known to it by its labels, so a change of severity is another alert there: with every
event after the first, the twins with the other severities are told to be over.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Final

from collectors.quote import escaped
from reconcile.model.findings import Event, Severity
from worker.alerts.channels.port import no_incident
from worker.alerts.channels.posting import Receiver, authorization, post
from worker.alerts.message import Alert, Changes, Message, members
from worker.alerts.payloads import encoded, iso, mark_of
from worker.alerts.wording import telling

#: How long an open alert lives there without being told again.
KEEP: Final = timedelta(hours=1)
_PATH: Final = "/api/v2/alerts"
#: Label values longer than this help nobody, and Prometheus keeps them all in memory.
_LONGEST: Final = 1000
#: So often within that time it is told again.
_REFRESHES: Final = 3


@dataclass(frozen=True, slots=True)
class Alertmanager:
    """Posts to the Alertmanager at the receiver's URL (without the path of its API)."""

    for_people: ClassVar[bool] = False

    receiver: Receiver
    keep: timedelta = KEEP
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        return self.receiver.channel

    @property
    def refresh(self) -> timedelta | None:
        return self.keep / _REFRESHES

    def deliver(self, message: Message) -> None:
        if isinstance(message, Changes):
            raise no_incident(self.name)
        current_time = datetime.fromtimestamp(time.time(), UTC)
        alerts = [
            item for alert in members(message) for item in _alerts(alert, current_time, self.keep)
        ]
        headers = authorization(self.username, self.password, self.token)
        to = replace(self.receiver, url=self.receiver.url.rstrip("/") + _PATH)
        post(to, encoded(alerts), {"Content-Type": "application/json", **headers})


def _alerts(alert: Alert, now: datetime, keep: timedelta) -> Iterator[dict[str, Any]]:
    ends_at = max(now, alert.first_seen)
    ends = ends_at if alert.event is Event.RESOLVED else now + keep
    yield _alert(alert, alert.severity, ends)
    if alert.event is not Event.OPENED:
        for severity in Severity:
            if severity is not alert.severity:
                yield _alert(alert, severity, ends_at)


def _alert(alert: Alert, severity: Severity, ends: datetime) -> dict[str, Any]:
    words = telling(alert)
    annotations = {
        "summary": words.subject,
        "description": words.sentence,
        "values": "; ".join(words.values),
        "evidence": alert.evidence,
        "next": words.next,
        "note": words.note,
    }
    fields: dict[str, Any] = {
        "labels": _without_empty(_labels(alert, severity)),
        "annotations": _without_empty(annotations),
        "startsAt": iso(alert.first_seen),
        "endsAt": iso(ends),
    }
    return fields | ({"generatorURL": words.url} if words.url else {})


def _labels(alert: Alert, severity: Severity) -> dict[str, str]:
    """Return the labels that tell alerts apart.

    While a problem is open only the severity changes.
    """
    kind = "".join(word.capitalize() for word in alert.kind.split("_"))
    return {
        "alertname": "IpamSyncTest" if alert.test else f"IpamSync{kind}",
        "kind": alert.kind,
        "matter": alert.matter,
        "severity": severity,
        "relationship": escaped(alert.relationship or "", _LONGEST),
        "servers": escaped(",".join(alert.servers), _LONGEST),
        "fingerprint": mark_of(alert.fingerprint)[:16],
    }


def _without_empty(texts: dict[str, str]) -> dict[str, str]:
    """An empty label is none to Alertmanager."""
    return {name: text for name, text in texts.items() if text}
