"""How values are spelt where they are kept for good: on both sides of a decision.

Beside ``audit_ports``, for whoever fills them.  The rows are never changed, so neither is their
spelling: what a screen shows of the same is the matter of ``present``.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from reconcile.model.formatting import dotted_all, spelt
from reconcile.model.nouns import Operation
from reconcile.model.record import Planned, PropertyChange
from worker.model.audit import AuditValues


def kept_time(time: datetime | None) -> str | None:
    """ISO 8601 in UTC, whole seconds, ``Z``."""
    if time is None:
        return None
    return time.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def sides(planned: Planned) -> tuple[AuditValues | None, AuditValues | None]:
    """Return the values that an operation changes, before and after, None without a record."""
    scopes = {"Scopes": list(dotted_all(planned.scopes))}
    match planned.operation:
        case Operation.CREATE:
            return None, {**_after(planned.changes), **scopes}
        case Operation.DELETE:
            return {**_before(planned.changes), **scopes}, None
        case Operation.UPDATE:
            return _before(planned.changes), _after(planned.changes)
        case Operation.ADD_SCOPES:
            return {}, {**scopes}
        case Operation.REMOVE_SCOPES:
            return {**scopes}, {}


def _before(changes: Iterable[PropertyChange]) -> AuditValues:
    return {c.property: spelt(c.property, c.before) for c in changes}


def _after(changes: Iterable[PropertyChange]) -> AuditValues:
    return {c.property: spelt(c.property, c.after) for c in changes}
