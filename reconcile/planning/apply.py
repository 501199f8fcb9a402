"""What an operation does to a record, and whether it still may (rule R6)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

from reconcile.model.formatting import dotted_all, listed, said
from reconcile.model.nouns import Operation
from reconcile.model.record import ATTRIBUTES, STATE_PROPERTIES, Planned, Record


@dataclass(frozen=True, slots=True)
class Becomes:
    """The record after an operation, None if it is gone."""

    record: Record | None


@dataclass(frozen=True, slots=True)
class Conflict:
    """The record no longer looks like ``before``: why, for people."""

    why: str


ApplyOutcome: TypeAlias = Becomes | Conflict


def apply(record: Record | None, planned: Planned) -> ApplyOutcome:
    """The record after the operation, if what it touches still looks like its ``before``."""
    if record is None:
        return Conflict("the record is gone")
    if (conflict := _changed_since(record, planned)) is not None:
        return Conflict(conflict)
    return Becomes(_after(record, planned))


def _after(record: Record, planned: Planned) -> Record | None:
    match planned.operation:
        case Operation.CREATE:
            return replace(record, pending=False)
        case Operation.DELETE:
            return None
        case Operation.ADD_SCOPES:
            scopes = record.scopes.union(planned.scopes)
            return replace(record, scopes=scopes, evidence=planned.evidence)
        case Operation.REMOVE_SCOPES:
            scopes = record.scopes.difference(planned.scopes)
            return replace(record, scopes=scopes, evidence=planned.evidence)
        case Operation.UPDATE:
            values = {ATTRIBUTES[c.property]: c.after for c in planned.changes}
            evidence = record.evidence if planned.state_only else planned.evidence
            return replace(record, **values, evidence=evidence)  # type: ignore[arg-type]  # each value fits the attribute of its property


def created(planned: Planned) -> Record:
    """Return the pending record of a FailoverCreate. The store gives it a key."""
    values = {ATTRIBUTES[c.property]: c.after for c in planned.changes}
    return Record(
        key=0,
        scopes=frozenset(planned.scopes),
        evidence=planned.evidence,
        pending=True,
        **values,  # type: ignore[arg-type]  # each value fits the attribute of its property
    )


def _changed_since(record: Record, planned: Planned) -> str | None:
    if planned.operation is Operation.CREATE:
        return None if record.pending else "it was created already"
    touched = [c for c in planned.changes if c.property not in _LOOSE[planned.operation]]
    for change in touched:
        stored = getattr(record, ATTRIBUTES[change.property])
        if stored != change.before:
            return (
                f"{change.property} is {said(change.property, stored)} by now, "
                f"not {said(change.property, change.before)}"
            )
    if (conflict := _other_partners(record, planned)) is not None:
        return conflict
    return _other_scopes(record, planned)


#: A Delete does not care which state a side was in last.
_LOOSE = {op: STATE_PROPERTIES if op is Operation.DELETE else frozenset[str]() for op in Operation}


def _other_partners(record: Record, planned: Planned) -> str | None:
    """Return why the record has other partners than the operation, or None.

    An Update names sides, so their order counts. For scopes the order does not matter.
    """
    stored = (record.server1_record_id, record.server2_record_id)
    planned_servers = (planned.server1.server, planned.server2.server)
    if planned.operation is Operation.UPDATE:
        touched = {c.property for c in planned.changes}
        sides = zip(("Server1RecordId", "Server2RecordId"), stored, planned_servers, strict=True)
        is_same_pair = all(p in touched or s is None or s == n for p, s, n in sides)
    else:
        is_same_pair = set(record.partners) <= set(planned_servers)
    return None if is_same_pair else "the record has other partners by now"


def _other_scopes(record: Record, planned: Planned) -> str | None:
    scopes = frozenset(planned.scopes)
    if planned.operation is Operation.ADD_SCOPES and (present := scopes & record.scopes):
        return f"it has {listed(dotted_all(present))} already"
    if planned.operation is Operation.REMOVE_SCOPES and (missing := scopes - record.scopes):
        return f"it no longer has {listed(dotted_all(missing))}"
    if planned.operation is Operation.DELETE and scopes != record.scopes:
        return "its scopes are others by now"
    return None
