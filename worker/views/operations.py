"""An operation as JSON: of a plan, of a run, of OperationTracker.

Property names are those of DhcpFailover and values are spelt as the type does; ``before`` and
``after`` are null where the record is not there (before a Create, after a Delete).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from reconcile.model.formatting import dotted, dotted_all
from reconcile.model.nouns import Operation
from reconcile.model.record import Contest, EntryStatus, Hold, Planned
from worker.model.audit_format import sides
from worker.model.operations import EntryView
from worker.model.run_report import OperationLine
from worker.views.text import HELD_BECAUSE, iso

Json: TypeAlias = dict[str, object]


def server_name(names: Mapping[int, str], server: int) -> str:
    """A server's name, or its number if it is no longer there."""
    return names.get(server, f"server {server}")


def operation_json(planned: Planned, names: Mapping[int, str], *, pending: bool = True) -> Json:
    """Return the common part of an operation.

    A decided one (not ``pending``) is not held any more.
    """
    values_before, values_after = sides(planned)
    hold = planned.hold if pending else Hold.NONE
    return {
        "operation": planned.operation.value,
        "relationship": planned.relationship,
        "server1": planned.server1.name,
        "server2": planned.server2.name,
        "modified_properties": _modified(planned),
        "scopes": list(dotted_all(planned.scopes)),
        "before": values_before,
        "after": values_after,
        "evidence": planned.evidence.value,
        "reason": planned.reason,
        "held": hold is not Hold.NONE,
        "held_because": HELD_BECAUSE.get(hold),
        "waits_for": [_contest(c, names) for c in planned.contested] if pending else [],
        "record": planned.record,
    }


def line_json(line: OperationLine, names: Mapping[int, str]) -> Json:
    """A line of a plan or of a run: ``number`` is null until it is recorded."""
    return {
        **operation_json(line.planned, names),
        "number": line.number,
        "new": line.new,
        "fate": line.fate.value,
    }


def entry_json(view: EntryView, names: Mapping[int, str]) -> Json:
    """A line of OperationTracker with its life."""
    entry = view.entry
    pending = entry.status is EntryStatus.PENDING
    return {
        "number": entry.number,
        "status": entry.status.value,
        **operation_json(entry.planned, names, pending=pending),
        "run": view.run,
        "recorded_at": iso(view.recorded_at),
        "evidence_at": iso(view.evidence_at),
        "decided_at": iso(view.decided_at),
        "decided_by": view.decided_by,
        "stands": entry.stands,
        "stands_until": iso(view.stands_until),
    }


def _modified(planned: Planned) -> list[str]:
    if planned.operation is not Operation.UPDATE:
        return []
    return [c.property for c in planned.changes]


def _contest(contest: Contest, names: Mapping[int, str]) -> Json:
    """Return a contest. ``scope`` null: the name is held. ``record`` null: by another operation."""
    return {
        "server": server_name(names, contest.server),
        "scope": None if contest.scope is None else dotted(contest.scope),
        "record": contest.holder,
    }
