"""Alerts as JSON for programs; docs/alerts/webhook.schema.json is the promise that is kept here.

Values are as the network gave them: JSON escapes them, and whoever shows them must, too.
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import Any, Final

from reconcile.model.formatting import dotted_all, shown
from reconcile.model.nouns import Operation, Value
from reconcile.model.record import PropertyChange
from worker.alerts.change_digest import done
from worker.alerts.message import Alert, Changes, Digest, Message, members
from worker.alerts.next_steps import remedy_document, remedy_of
from worker.alerts.templates import headline
from worker.alerts.wording import telling
from worker.model.change_feed import AppliedOperation

#: Grows when a key changes its meaning. New keys do not change it.
SCHEMA: Final = 1
#: Of one operation; the rest is counted.
_MOST_SCOPES: Final = 200
_TAKES_SCOPES: Final = (Operation.REMOVE_SCOPES, Operation.DELETE)


def document(message: Message) -> dict[str, Any]:
    """A message: its key, and its alerts, one or many, or else what was changed."""
    operations = message.operations if isinstance(message, Changes) else ()
    return {
        "schema": SCHEMA,
        "key": message.key,
        "digest": isinstance(message, Digest),
        "at": iso(message.at),
        "summary": headline(message),
        "alerts": [alert_document(alert) for alert in members(message)],
        "changes": [change_document(operation) for operation in operations],
        "more_changes": message.more if isinstance(message, Changes) else 0,
    }


def alert_document(alert: Alert) -> dict[str, Any]:
    """Return the document of an alert, with all that is known of it and its texts."""
    words, remedy = telling(alert), remedy_of(alert)
    return {
        "key": alert.key,
        "finding": alert.finding,
        "sequence": alert.sequence,
        "event": alert.event,
        "test": alert.test,
        "fingerprint": alert.fingerprint,
        "kind": alert.kind,
        "matter": alert.matter,
        "severity": alert.severity,
        "grade": alert.grade or None,
        "relationship": alert.relationship,
        "servers": list(alert.servers),
        "tags": list(alert.tags),
        "detail": alert.sentence,
        "text": words.sentence,
        "next": words.next,
        "remedy": None if remedy is None else remedy_document(remedy),
        "values": [
            {"subject": name, "said": [{"by": by, "value": value} for by, value in words]}
            for name, words in alert.said
        ],
        "ipam": dict(alert.ipam),
        "evidence": alert.evidence,
        "first_seen": iso(alert.first_seen),
        "at": iso(alert.at),
        "resolved_at": None if alert.resolved_at is None else iso(alert.resolved_at),
        "acknowledged": (
            None if alert.note is None else {"by": alert.note.by, "note": alert.note.text}
        ),
        "url": alert.url,
    }


def change_document(operation: AppliedOperation) -> dict[str, Any]:
    """Return the document of an applied operation, with its changes and its texts."""
    planned = operation.planned
    scopes = list(dotted_all(planned.scopes)[:_MOST_SCOPES])
    takes = planned.operation in _TAKES_SCOPES
    return {
        "key": f"applied-{operation.number}",
        "event": "applied",
        "number": operation.number,
        "run": operation.run,
        "at": iso(operation.at),
        "operation": planned.operation,
        "relationship": planned.relationship,
        "servers": [planned.server1.name, planned.server2.name],
        "properties": [_property(change) for change in planned.changes],
        "scopes_added": [] if takes else scopes,
        "scopes_removed": scopes if takes else [],
        "more_scopes": len(planned.scopes) - len(scopes),
        "evidence": planned.evidence,
        "reason": planned.reason,
        "text": done(operation).sentence,
    }


def _property(change: PropertyChange) -> dict[str, Value]:
    value_before, value_after = (
        shown(change.property, value) for value in (change.before, change.after)
    )
    return {"name": change.property, "before": value_before, "after": value_after}


def encoded(value: object) -> bytes:
    """The JSON on one line, in ASCII: the same bytes for the same value."""
    return json.dumps(value, separators=(",", ":")).encode("ascii")


def iso(time: datetime) -> str:
    """ISO 8601 in UTC, whole seconds, ``Z``."""
    return time.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def mark_of(fingerprint: str) -> str:
    """64 hexadecimal digits in place of a fingerprint, which may hold anything."""
    return hashlib.sha256(fingerprint.encode("utf-8", "surrogatepass")).hexdigest()
