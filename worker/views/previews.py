"""What would be sent, for people and for programs."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from worker.alerts.message import Alert
from worker.alerts.payloads import document
from worker.alerts.rules import ChannelDecision
from worker.alerts.templates import Medium, Texts
from worker.views.operations import Json
from worker.views.screen import Screen
from worker.views.text import iso, moment


@dataclass(frozen=True, slots=True)
class RenderedAlert:
    """An alert in a medium: ``txt``, ``html``, ``md``, or ``json``, which has no subject."""

    medium: str
    subject: str | None
    body: str


def written(alert: Alert, texts: Texts, medium: str) -> RenderedAlert:
    """Render an alert with the installation's texts, or as indented JSON for webhooks."""
    if medium not in set(Medium):
        return RenderedAlert(medium, None, json.dumps(document(alert), indent=2))
    return RenderedAlert(
        medium, texts.subject(alert), texts.body(alert, Medium(medium)).rstrip("\n")
    )


def preview_json(alert: Alert, text: RenderedAlert, fates: Iterable[ChannelDecision]) -> Json:
    """Return the rendered alert and the decision of each channel as JSON."""
    return {
        "key": alert.key,
        "event": alert.event.value,
        "severity": alert.severity.value,
        "medium": text.medium,
        "subject": text.subject,
        "body": text.body,
        "channels": [
            {
                "channel": fate.channel,
                "told": fate.is_told,
                "why": fate.why,
                "not_before": iso(fate.not_before),
            }
            for fate in fates
        ],
    }


def show_preview(screen: Screen, text: RenderedAlert, fates: Iterable[ChannelDecision]) -> None:
    """Show the text with its lines unbroken, then the channels."""
    if text.subject is not None:
        screen.command(f"Subject: {text.subject}")
        screen.line()
    for line in text.body.split("\n"):
        screen.verbatim(line)
    screen.line()
    screen.table(
        ("channel", "", "why"),
        (
            (
                fate.channel,
                "told" if fate.is_told else "not told",
                fate.why if fate.not_before is None else (fate.why, moment(fate.not_before)),
            )
            for fate in fates
        ),
    )
