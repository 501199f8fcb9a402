"""Alerts for PagerDuty, by version 2 of its Events API; others speak it, too."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, ClassVar, Final

from collectors.quote import escaped
from reconcile.model.findings import Event
from worker.alerts.channels.port import Undelivered, no_incident
from worker.alerts.channels.posting import Receiver, post
from worker.alerts.message import Alert, Changes, Message, members
from worker.alerts.payloads import alert_document, encoded, iso, mark_of
from worker.alerts.wording import telling

URL: Final = "https://events.pagerduty.com/v2/enqueue"
_LONGEST_SUMMARY: Final = 1000  # of 1024
_ACTIONS: Final = {Event.ACKNOWLEDGED: "acknowledge", Event.RESOLVED: "resolve"}


@dataclass(frozen=True, slots=True)
class PagerDuty:
    """A channel that sends one event for each alert.

    A problem is an incident, by its fingerprint.
    """

    for_people: ClassVar[bool] = False
    refresh: ClassVar[None] = None

    receiver: Receiver
    routing_key: str = field(repr=False)

    @property
    def name(self) -> str:
        return self.receiver.channel

    def deliver(self, message: Message) -> None:
        if isinstance(message, Changes):
            raise no_incident(self.name)
        deadline = time.monotonic() + self.receiver.timeout.total_seconds()
        for alert in members(message):
            timeout = timedelta(seconds=deadline - time.monotonic())
            if timeout <= timedelta(0):  # what was sent already does no harm when it comes again
                sentence = f"{escaped(self.name)}: there was no time for all alerts."
                raise Undelivered(sentence, unsure=True)
            body = encoded({"routing_key": self.routing_key, **event(alert)})
            post(
                replace(self.receiver, timeout=timeout), body, {"Content-Type": "application/json"}
            )


def event(alert: Alert) -> dict[str, Any]:
    """Return the event of an alert, without the key of the account."""
    words = telling(alert)
    servers = escaped(",".join(alert.servers), 255)
    return {
        "event_action": _ACTIONS.get(alert.event, "trigger"),
        "dedup_key": f"ipam-sync-{mark_of(alert.fingerprint)}",
        "client": "ipam-sync",
        "links": [{"href": words.url, "text": "ipam-sync"}] if words.url else [],
        "payload": {
            "summary": escaped(f"{words.subject}: {words.what}", _LONGEST_SUMMARY),
            "source": servers or "ipam-sync",
            "severity": alert.severity,
            "timestamp": iso(alert.at),
            "component": escaped(alert.relationship or "", 255),
            "group": alert.matter,
            "class": alert.kind,
            "custom_details": alert_document(alert),
        },
    }
