"""Needs against OperationTracker (rule R5): the same need twice is one line, one that went away is
superseded, a rejected one stands for exactly its values.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from reconcile.evidence.judgement import Judgement, Undecided
from reconcile.model.nouns import Operation, Scope, Value
from reconcile.model.record import (
    ATTRIBUTES,
    SIDE_PROPERTIES,
    STATE_PROPERTIES,
    Entry,
    EntryStatus,
    Planned,
    PropertyChange,
    Record,
)


@dataclass(frozen=True, slots=True)
class NeededOperation:
    """An operation that is needed now. ``entry`` is its number if it is recorded already.

    ``confirmed`` is False for a recorded operation that this run could not judge (again). It stays
    pending, and this run's evidence does not apply it.
    """

    planned: Planned
    entry: int | None = None
    confirmed: bool = True


@dataclass(frozen=True, slots=True)
class Settlement:
    """Needs of a pair, pending entries that are superseded, rejected ones that no longer stand."""

    needs: tuple[NeededOperation, ...]
    superseded: tuple[int, ...] = ()
    ended: tuple[int, ...] = ()


def settle(judged: Judgement, entries: tuple[Entry, ...]) -> Settlement:
    """Settle the needs of one judgement against the entries of its pair."""
    pending = [e for e in entries if e.status is EntryStatus.PENDING]
    rejected = [e for e in entries if e.status is EntryStatus.REJECTED and e.stands]
    ended_numbers = tuple(e.number for e in rejected if not _still_needed(e.planned, judged))
    standing = [e.planned for e in rejected if e.number not in ended_numbers]
    open_needs = [n for need in judged.needs if (n := _not_accepted(need, standing)) is not None]
    judged_now = {_content(n) for n in open_needs}
    needs: list[NeededOperation] = []
    pending_by_content = {_content(e.planned): e for e in pending}
    for planned in _carry(open_needs, pending, judged):
        content = _content(planned)
        if (entry := pending_by_content.pop(content, None)) is None:
            needs.append(NeededOperation(planned, confirmed=content in judged_now))
        else:
            needs.append(
                NeededOperation(entry.planned, entry.number, confirmed=content in judged_now)
            )
    kept_numbers = {n.entry for n in needs}
    superseded = tuple(e.number for e in pending if e.number not in kept_numbers)
    return Settlement(tuple(needs), superseded, ended_numbers)


def _content(planned: Planned) -> tuple[object, ...]:
    """Return the content that makes two needs of one pair the same, without reason and witnesses.

    Server1State means another server after a change of order, so an Update includes the sides.
    """
    sides = (planned.server1.server, planned.server2.server)
    whose = sides if planned.operation is Operation.UPDATE else ()
    return (planned.operation, whose, _configured(planned), planned.scopes)


def _configured(planned: Planned) -> tuple[PropertyChange, ...]:
    """A Create is the same whatever the states are by now: they are facts of their own."""
    if planned.operation not in (Operation.CREATE, Operation.DELETE):
        return planned.changes
    return tuple(c for c in planned.changes if c.property not in STATE_PROPERTIES)


def _not_accepted(need: Planned, standing: list[Planned]) -> Planned | None:
    """Return the need without the parts that a person rejected, or None if nothing is left."""
    rejected = [s for s in standing if s.operation is need.operation]
    if any(_content(s) == _content(need) for s in rejected):
        return None
    if need.operation is Operation.UPDATE and not _is_swap(need):
        accepted = {c for s in rejected for c in s.changes}
        changes = tuple(c for c in need.changes if c not in accepted)
        return replace(need, changes=changes) if changes else None
    if need.operation in (Operation.ADD_SCOPES, Operation.REMOVE_SCOPES):
        scopes = tuple(s for s in need.scopes if not any(s in r.scopes for r in rejected))
        return replace(need, scopes=scopes) if scopes else None
    return need


def _is_swap(planned: Planned) -> bool:
    return {c.property for c in planned.changes} >= SIDE_PROPERTIES


def _still_needed(rejected: Planned, judged: Judgement) -> bool:
    """True while both sides are as they were when the person accepted the difference."""
    if judged.undecided.everything:
        return True
    same_operation = [n for n in judged.needs if n.operation is rejected.operation]
    undecided = judged.undecided
    match rejected.operation:
        case Operation.UPDATE:
            needed_changes = {c for n in same_operation for c in n.changes}
            return all(
                c in needed_changes or c.property in undecided.properties for c in rejected.changes
            )
        case Operation.ADD_SCOPES | Operation.REMOVE_SCOPES:
            scopes = {s for n in same_operation for s in n.scopes} | undecided.scopes
            return scopes.issuperset(rejected.scopes)
        case Operation.CREATE | Operation.DELETE:
            return any(_content(n) == _content(rejected) for n in same_operation)


def _carry(wanted: list[Planned], pending: list[Entry], judged: Judgement) -> list[Planned]:
    """Pending parts that this run could not judge stay needed beside what it did judge."""
    record = judged.pair.record
    if record is None:
        return wanted
    for entry in pending:
        if (part := _undecided_part(entry.planned, judged.undecided, record)) is None:
            continue
        twin = next((i for i, w in enumerate(wanted) if _same_line(w, part)), None)
        if twin is None:
            wanted.append(part)
        else:
            wanted[twin] = _merged(wanted[twin], part)
    return wanted


def _same_line(one: Planned, two: Planned) -> bool:
    return (one.operation, one.state_only, _is_swap(one)) == (
        two.operation,
        two.state_only,
        _is_swap(two),
    )


def _undecided_part(planned: Planned, undecided: Undecided, record: Record) -> Planned | None:
    """Return the part of a pending operation that this run cannot judge, or None."""
    match planned.operation:
        case Operation.UPDATE:
            return _undecided_update(planned, undecided, record)
        case Operation.ADD_SCOPES:
            missing = [s for s in planned.scopes if s not in record.scopes]
            return _with_scopes(planned, missing, undecided)
        case Operation.REMOVE_SCOPES:
            reported = undecided.told or frozenset()
            remaining = [s for s in planned.scopes if s in record.scopes and s not in reported]
            return _with_scopes(planned, remaining, undecided)
        case Operation.CREATE:
            return planned if undecided.everything else None
        case Operation.DELETE:
            return planned if undecided.everything and undecided.told is None else None


def _undecided_update(planned: Planned, undecided: Undecided, record: Record) -> Planned | None:
    if undecided.everything:
        return planned
    if _is_swap(planned):
        stands = all(_stored(record, c.property) == c.before for c in planned.changes)
        return planned if undecided.order and stands else None
    changes = tuple(
        c
        for c in planned.changes
        if c.property in undecided.properties and _stored(record, c.property) == c.before
    )
    return replace(planned, changes=changes) if changes else None


def _with_scopes(planned: Planned, scopes: list[Scope], undecided: Undecided) -> Planned | None:
    undecided_scopes = tuple(s for s in scopes if undecided.everything or s in undecided.scopes)
    return replace(planned, scopes=undecided_scopes) if undecided_scopes else None


def _stored(record: Record, property: str) -> Value:
    value: Value = getattr(record, ATTRIBUTES[property])
    return value


def _merged(one: Planned, two: Planned) -> Planned:
    changes = {c.property: c for c in (*two.changes, *one.changes)}
    return replace(
        one,
        changes=tuple(changes[p] for p in ATTRIBUTES if p in changes),
        scopes=tuple(sorted({*one.scopes, *two.scopes})),
    )
