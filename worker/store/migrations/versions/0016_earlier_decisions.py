"""Decisions of people from before revision 0009, as far as the store knows who made them and when.

These are operations that were applied or rejected, and maintenance that was ended before its time.
Nobody kept who named an alias, retired or confirmed a server, resumed a credential, imported a file
or began maintenance, or when; so that is not made up.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

from reconcile.model.formatting import dotted_all, iso_duration

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

#: Nobody kept from where.
ORIGIN = "before the audit"
_DURATIONS = ("MCLT", "StateSwitchInterval")
_AUDIT = sa.table(
    "audit",
    *map(sa.column, ("at", "who", "origin", "action", "subject", "before", "after")),
)


def upgrade() -> None:
    """Add what is missing, oldest first: what is there already was kept when it was decided."""
    connection = op.get_bind()
    op.create_index("ix_audit_at", "audit", ["at", "id"])
    kept = sa.select(_AUDIT.c.action, _AUDIT.c.subject)
    known = {(action, _mark(subject)) for action, subject in connection.execute(kept)}
    rows = [*_operations(connection), *_windows(connection)]
    missing = [row for row in rows if (row["action"], _mark(row["subject"])) not in known]
    if missing:
        connection.execute(sa.insert(_AUDIT), sorted(missing, key=lambda row: row["at"]))


def _mark(subject: str) -> str:
    """The number that a subject begins with: names may be others by now.

    A line of OperationTracker is decided once, and a window ends once.
    """
    return " ".join(subject.split(" ", 2)[:2]).rstrip(":")


def _operations(connection: sa.Connection) -> Iterator[dict[str, Any]]:
    told = connection.execute(
        sa.text(
            "SELECT number, operation, relationship, changes, scopes, hold, status, stands_until,"
            " decided_at, decided_by FROM operation_tracker WHERE status IN ('applied', 'rejected')"
            " AND NOT by_machine AND decided_at IS NOT NULL AND decided_by IS NOT NULL"
        )
    )
    for row in told:
        stored, wanted = _sides(row.operation, json.loads(row.changes), json.loads(row.scopes))
        before = {"status": "pending", "held": row.hold or None, "stored": stored, "wanted": wanted}
        if row.status == "applied":
            action, after = "apply", {"status": "applied", "stored": wanted}
        else:
            until = _spelt(row.stands_until)
            action, after = "reject", {"status": "rejected", "stored": stored, "until": until}
        subject = f"operation {row.number}: {row.operation} of {row.relationship}"
        yield _row(row.decided_at, row.decided_by, action, subject, before, after)


def _windows(connection: sa.Connection) -> Iterator[dict[str, Any]]:
    """Until when it would have lasted is not known."""
    told = connection.execute(
        sa.text(
            "SELECT m.id, m.relationship, m.starts_at, m.ends_at, m.note, m.ended_by, s.name"
            " FROM maintenance m JOIN server s ON s.id = m.server_id WHERE m.ended_by IS NOT NULL"
        )
    )
    for row in told:
        name = row.name if row.relationship is None else f"{row.relationship}@{row.name}"
        before = {"starts_at": _spelt(row.starts_at), "note": row.note}
        after = {**before, "ends_at": _spelt(row.ends_at)}
        subject = f"window {row.id} of {name}"
        yield _row(row.ends_at, row.ended_by, "end_maintenance", subject, before, after)


def _row(
    at: object, who: str, action: str, subject: str, before: object, after: object
) -> dict[str, Any]:
    sides = (json.dumps(side, sort_keys=True, separators=(",", ":")) for side in (before, after))
    told = dict(zip(("before", "after"), sides, strict=True))
    return {"at": at, "who": who, "origin": ORIGIN, "action": action, "subject": subject, **told}


def _sides(
    operation: str, changes: list[list[Any]], scopes: list[int]
) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """What it touched before and after, in the spelling of the audit."""
    dotted = {"Scopes": list(dotted_all(scopes))}
    before = {p: _value(p, value) for p, value, _ in changes}
    after = {p: _value(p, value) for p, _, value in changes}
    return {
        "FailoverCreate": (None, after | dotted),
        "FailoverDelete": (before | dotted, None),
        "FailoverUpdate": (before, after),
        "FailoverAddScopes": ({}, dotted),
        "FailoverRemoveScopes": (dotted, {}),
    }[operation]


def _value(property: str, value: Any) -> Any:  # noqa: ANN401 - a value of JSON
    """Durations as ISO 8601, all else as it is."""
    is_duration = property in _DURATIONS and isinstance(value, int)
    return iso_duration(value) if is_duration else value


def _spelt(time: datetime | str | None) -> str | None:
    """To the second; SQLite has it as text."""
    if time is None:
        return None
    known = datetime.fromisoformat(time) if isinstance(time, str) else time
    return known.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
