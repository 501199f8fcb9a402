"""What people decided, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from reconcile.model.formatting import listed
from worker.model.audit import Audited, AuditValues
from worker.views.operations import Json
from worker.views.screen import Screen
from worker.views.text import iso, moment

#: A row with more values would fill the screen.
_SHOWN: Final = 5


def audit_json(audited: Audited) -> Json:
    """Return a decision. ``before`` null: it was not there. ``after`` null: it is not any more."""
    return {
        "id": audited.id,
        "at": iso(audited.at),
        "who": audited.who,
        "origin": audited.origin,
        "action": audited.action,
        "subject": audited.subject,
        "before": audited.before,
        "after": audited.after,
    }


def show_audits(screen: Screen, audits: Iterable[Audited]) -> None:
    """Show one row for each decision. Long lists are cut. JSON has them whole."""
    rows = (
        (
            moment(audited.at),
            (audited.who, audited.origin),
            audited.action.replace("_", " "),
            audited.subject,
            _came_to(audited.before or {}, audited.after or {}),
        )
        for audited in audits
    )
    screen.table(("when", "who, from", "did", "to", "before -> after"), rows)


def _came_to(before: AuditValues, after: AuditValues) -> tuple[str, ...]:
    """Return a line for each value that changed. A value on one side only stands alone."""
    lines = []
    for name in dict.fromkeys((*before, *after)):
        value_before, value_after = before.get(name), after.get(name)
        if value_before == value_after:
            continue
        sides = [_said(side[name]) for side in (before, after) if name in side]
        lines.append(f"{name.replace('_', ' ')}: {' -> '.join(sides)}")
    return tuple(lines)


def _said(value: object) -> str:
    if value is None or value in ([], {}):
        return "none"
    if isinstance(value, dict):
        return listed((f"{name} {_said(inner)}" for name, inner in value.items()), _SHOWN)
    return listed(map(_said, value), _SHOWN) if isinstance(value, list) else str(value)
