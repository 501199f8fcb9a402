"""Rows of failover records: their values and columns, and the rules that a record must meet.

Pure functions for the repository of records.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import fields
from typing import Any, Final

from reconcile.model.names import fold_relationship
from reconcile.model.nouns import Evidence, Mode, Scope, State
from reconcile.model.record import Record
from worker.model.errors import RecordRefused
from worker.store.connection import AnyRow
from worker.store.tables.failover import NAME_LIMIT

#: Attributes of Record that are columns of the same name.
RECORD_COLUMNS: Final = tuple(
    f.name for f in fields(Record) if f.name not in {"key", "scopes", "changed_at"}
)


def record_columns(record: Record) -> dict[str, Any]:
    """Return the columns of a record, without its key and ``changed_at``."""
    return {name: getattr(record, name) for name in RECORD_COLUMNS}


def name_key_column(record: Record) -> dict[str, str]:
    """Return the column with the folded name, by which records are found."""
    return {"name_key": fold_relationship(record.relationship_name)}


def record_of(row: AnyRow, scopes: Iterable[Scope]) -> Record:
    """Return the record of a row and its scopes."""
    values = {name: getattr(row, name) for name in RECORD_COLUMNS}
    values["mode"] = Mode(row.mode)
    values["server1_state"] = State(row.server1_state)
    values["server2_state"] = State(row.server2_state)
    values["evidence"] = Evidence(row.evidence)
    return Record(key=row.id, scopes=frozenset(scopes), changed_at=row.changed_at, **values)


def scopes_by_record(rows: Iterable[AnyRow]) -> dict[int, list[Scope]]:
    """Return scopes by record key, from rows of (record, scope)."""
    grouped: defaultdict[int, list[Scope]] = defaultdict(list)
    for record, scope in rows:
        grouped[record].append(scope)
    return grouped


def check_record(record: Record) -> None:
    """Check the rules of a DhcpFailover row, [MS-IPAMM2] 3.1.4.16 and 3.1.1.1.44.

    Raises:
        RecordRefused: the record breaks a rule.
    """
    name = record.relationship_name
    percentage = record.server1_percentage
    if not name.strip():
        problem = "it has no name"
    elif len(name) > NAME_LIMIT:
        problem = f"its name is longer than {NAME_LIMIT} characters"
    elif record.mode in (None, Mode.NONE):
        problem = "it has no mode"
    elif percentage is not None and not 0 <= percentage <= 100:  # noqa: PLR2004 - per cent
        problem = f"its percentage is {percentage}, not 0 to 100"
    else:
        return
    raise RecordRefused(f"Relationship {name[:NAME_LIMIT]!r} cannot be stored: {problem}.")
