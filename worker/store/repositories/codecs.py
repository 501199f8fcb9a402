"""Operations and findings as columns and back, without loss.

Pure functions for the repositories of operations and of problems. ``Columns`` are values by column
name. Rows are read by attribute.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final, TypeAlias

from reconcile.model.findings import Finding, Kind, Testimony
from reconcile.model.names import fold_relationship
from reconcile.model.nouns import Evidence, Mode, Operation, State, Value
from reconcile.model.record import Contest, Hold, Party, Planned, PropertyChange
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
    """Return the SHA-256 of the canonical JSON of a value, as hexadecimal text."""
    return sha256(canonical(value).encode("ascii")).hexdigest()


def contested_column(contested: Iterable[Contest]) -> list[list[int | None]]:
    """Return the contests of an operation as (server, scope, holder), for the column."""
    return [[c.server, c.scope, c.holder] for c in contested]


def operation_columns(planned: Planned) -> Columns:
    """Return the columns of ``operation_tracker`` for an operation."""
    changes = [[c.property, c.before, c.after] for c in planned.changes]
    name_key = fold_relationship(planned.relationship)
    parties = [planned.server1.server, planned.server2.server]
    identity = [planned.operation, planned.record, name_key, parties, changes, list(planned.scopes)]
    relationships, scopes = _removals(planned)
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
        "fingerprint": digest(identity),
        "takes_relationships": relationships,
        "takes_scopes": scopes,
    }


def operation_of(row: AnyRow) -> Planned:
    """Return the operation of a row of ``operation_tracker``."""
    return Planned(
        operation=Operation(row.operation),
        record=row.record,
        relationship=row.relationship,
        server1=Party(row.server1_id, row.server1_name),
        server2=Party(row.server2_id, row.server2_name),
        changes=tuple(PropertyChange(p, _value(p, b), _value(p, a)) for p, b, a in row.changes),
        scopes=tuple(row.scopes),
        evidence=Evidence(row.evidence),
        reason=row.reason,
        witnesses=tuple(row.witnesses),
        hold=Hold(row.hold),
        contested=tuple(Contest(*contest) for contest in row.contested),
    )


def _removals(planned: Planned) -> tuple[int, int]:
    """Return how many (relationships, scope memberships) the operation removes, for the guard."""
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
    """Return the columns of ``finding`` for a finding."""
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
    """Return the finding of a row."""
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


def said_of(encoded: Sequence[Any]) -> Testimony:
    """Return the value of each witness for a subject, from JSON."""
    subject, testimonies = encoded
    return subject, tuple((witness, value) for witness, value in testimonies)
