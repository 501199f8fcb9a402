"""The remedy of an alert: as lines for people, and as JSON for programs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from collectors.quote import escaped
from reconcile.kinds.remedy import build_remedy
from reconcile.model.findings import Event
from reconcile.remedies.command import Command
from reconcile.remedies.model import Facts, Remedy
from reconcile.remedies.text import lines
from worker.alerts.message import Alert

#: Bounds a hostile text and leaves every command of ours whole.
_LONGEST: Final = 3900


@dataclass(frozen=True, slots=True)
class NextStep:
    """A line of a remedy: a sentence or a command, indented by ``level``."""

    text: str
    level: int
    is_command: bool


def remedy_of(alert: Alert) -> Remedy | None:
    """Build the remedy of an alert. Return None if there is nothing to do."""
    if alert.test or alert.event is Event.RESOLVED:
        return None
    return build_remedy(
        Facts(
            kind=alert.kind,
            number=alert.finding or None,
            relationship=alert.relationship,
            servers=alert.servers,
            values=alert.said,
            grade=alert.grade,
            about=alert.about,
            stored=alert.ipam,
        )
    )


def next_steps(remedy: Remedy) -> tuple[NextStep, ...]:
    """Return the lines of a remedy, harmless as plain text."""
    return tuple(
        NextStep(escaped(line.text, _LONGEST), line.level, line.is_command)
        for line in lines(remedy)
    )


def remedy_document(remedy: Remedy) -> dict[str, Any]:
    """Return a remedy as JSON."""
    return {
        "page": remedy.page,
        "heading": remedy.heading,
        "steps": [
            {
                "text": step.text,
                "commands": [_command(command) for command in step.commands],
                "options": [
                    {
                        "condition": option.condition,
                        "loss": option.loss,
                        "command": _command(option.command),
                    }
                    for option in step.options
                ],
            }
            for step in remedy.steps
        ],
    }


def _command(command: Command) -> dict[str, str]:
    return {"shell": command.shell.value, "text": command.text}
