"""Operations and findings as columns and back, without loss.  Pure; for ``tracker``, ``findings``.

``Columns`` are what a table takes; rows are read by attribute.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final, TypeAlias

from reconcile.model.findings import Finding, Kind, Said
from reconcile.model.names import fold_relationship
from reconcile.model.nouns import Evidence, Mode, Operation, State, Value
from reconcile.model.record import Change, Contest, Hold, Party, Planned
from worker.store.connection import AnyRow
from worker.store.tables.columns import canonical

Columns: TypeAlias = dict[str, Any]

#: Properties whose values are words of an enumeration, not free text.
_WORDS: Final[dict[str, type[StrEnum]]] = {
    "Mode": Mode,
    "Server1State": State,
    "Server2State": State,
}


def digest(value: object) -> str:
    """SHA-256 of the canonical JSON of a value, as hexadecimal text."""
    return sha256(canonical(value).encode("ascii")).hexdigest()


def contested_column(contested: Iterable[Contest]) -> list[list[int | None]]:
    """What an operation waits for, as its column has it."""
    return [[c.server, c.scope, c.holder] for c in contested]


def operation_columns(planned: Planned) -> Columns:
    """What operation_tracker keeps of an operation."""
    changes = [[c.property, c.before, c.after] for c in planned.changes]
    name_key = fold_relationship(planned.relationship)
    parties = [planned.server1.server, planned.server2.server]
    what = [planned.operation, planned.record, name_key, parties, changes, list(planned.scopes)]
    relationships, scopes = _taken(planned)
    return {
        "record": planned.record,
        "operation": planned.operation,
        "relationship": planned.relationship,
        "name_key": name_key,
        "server1_id": planned.server1.server,
        "server1_name": planned.server1.name,
        "server2_id": planned.server2.server,
        "server2_name": planned.server2.name,
        "changes": changes,
        "scopes": planned.scopes,
        "contested": contested_column(planned.contested),
        "witnesses": planned.witnesses,
        "evidence": planned.evidence,
        "reason": planned.reason,
        "hold": planned.hold,
        "fingerprint": digest(what),
        "takes_relationships": relationships,
        "takes_scopes": scopes,
    }


def operation_of(row: AnyRow) -> Planned:
    """The operation of a row of operation_tracker."""
    return Planned(
        operation=Operation(row.operation),
        record=row.record,
        relationship=row.relationship,
        server1=Party(row.server1_id, row.server1_name),
        server2=Party(row.server2_id, row.server2_name),
        changes=tuple(Change(p, _value(p, b), _value(p, a)) for p, b, a in row.changes),
        scopes=tuple(row.scopes),
        evidence=Evidence(row.evidence),
        reason=row.reason,
        witnesses=tuple(row.witnesses),
        hold=Hold(row.hold),
        contested=tuple(Contest(*contest) for contest in row.contested),
    )


def _taken(planned: Planned) -> tuple[int, int]:
    """(relationships, scope memberships) that the operation takes away, for the guard's sums."""
    match planned.operation:
        case Operation.DELETE:
            return 1, len(planned.scopes)
        case Operation.REMOVE_SCOPES:
            return 0, len(planned.scopes)
        case _:
            return int(planned.destructive), 0


def _value(property: str, value: Value) -> Value:
    words = _WORDS.get(property)
    return words(value) if words is not None and isinstance(value, str) else value


def finding_columns(finding: Finding) -> Columns:
    """What the finding table keeps of a finding."""
    return {
        "fingerprint": digest(finding.fingerprint),
        "kind": finding.kind,
        "relationship": finding.relationship,
        "servers": finding.servers,
        "detail": finding.detail,
        "said": finding.values,
        "grade": finding.grade,
        "about": finding.about,
        "patience": finding.patience,
    }


def finding_of(row: AnyRow) -> Finding:
    """The finding of a row."""
    return Finding(
        kind=Kind(row.kind),
        relationship=row.relationship,
        servers=tuple(row.servers),
        detail=row.detail,
        values=tuple(said_of(s) for s in row.said),
        grade=row.grade,
        about=row.about,
        patience=row.patience,
    )


def said_of(told: Sequence[Any]) -> Said:
    """What each witness says of something, from JSON."""
    subject, words = told
    return subject, tuple((who, value) for who, value in words)
