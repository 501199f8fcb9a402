"""Operations for people: what changes from what to what, what waits, what moves together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from reconcile.model.formatting import dotted, dotted_all, listed, said
from reconcile.model.nouns import Operation
from reconcile.model.record import Planned, PropertyChange
from worker.model.run_report import OperationLine, OperationOutcome
from worker.views.text import HELD_BECAUSE

#: More scopes than these are counted; ``operations show`` and JSON have them all.
_SCOPES_SHOWN: Final = 8

#: What a Create is introduced with; all of it is in ``operations show`` and in JSON.
_CREATED_WITH: Final = ("Mode", "Server1Percentage", "MCLT")


def what_changes(planned: Planned) -> tuple[str, ...]:
    """Old -> new, one line per property or group of scopes."""
    scopes = listed(dotted_all(planned.scopes), _SCOPES_SHOWN)
    match planned.operation:
        case Operation.CREATE:
            return (*_introduced(planned.changes), f"scopes: {scopes or 'none'}")
        case Operation.DELETE:
            return (f"takes away the record with {scopes or 'no scope'}",)
        case Operation.UPDATE:
            return tuple(old_to_new(c) for c in planned.changes)
        case Operation.ADD_SCOPES:
            return (f"+ {scopes}",)
        case Operation.REMOVE_SCOPES:
            return (f"- {scopes}",)


def old_to_new(change: PropertyChange) -> str:
    """``MCLT: PT1H -> PT2H``."""
    old_value, new_value = said(change.property, change.before), said(change.property, change.after)
    return f"{change.property}: {old_value} -> {new_value}"


def _introduced(changes: Sequence[PropertyChange]) -> tuple[str, ...]:
    values = {c.property: c.after for c in changes}
    return tuple(f"{p} {said(p, values[p])}" for p in _CREATED_WITH if p in values)


def between(planned: Planned) -> tuple[str, ...]:
    """The relationship and its partners, Server1 first."""
    return (planned.relationship, planned.server1.name, planned.server2.name)


def why(planned: Planned, fate: OperationOutcome, waits: Sequence[str] = ()) -> tuple[str, ...]:
    """The reason, and what the operation is waiting for."""
    lines = [planned.reason]
    if fate is OperationOutcome.HELD:
        lines.append(f"held: {HELD_BECAUSE.get(planned.hold, 'a person must decide')}")
    if planned.contested and fate is not OperationOutcome.APPLIED:
        lines.extend(waits or waits_for(planned, ()))
    return tuple(lines)


def waits_for(planned: Planned, lines: Sequence[OperationLine]) -> tuple[str, ...]:
    """Return what an operation takes and others still hold, by holder."""
    words: dict[str, list[str]] = {}
    for contest in planned.contested:
        holder = _holder(contest.holder, lines)
        subject = "the name" if contest.scope is None else dotted(contest.scope)
        words.setdefault(holder, []).append(subject)
    return tuple(
        f"waiting for {holder}, which has {listed(dict.fromkeys(subject))}"
        for holder, subject in words.items()
    )


def _holder(record: int | None, lines: Sequence[OperationLine]) -> str:
    if record is None:
        return "another operation of this plan"
    frees = [line for line in lines if line.planned.record == record and frees_something(line)]
    names = [f"#{f.number}" if f.number is not None else f.planned.relationship for f in frees]
    return f"the removal of {' and '.join(names)}" if names else f"record {record}"


def frees_something(line: OperationLine) -> bool:
    """True for an operation after which others may have a name or scopes."""
    return line.planned.destructive


def moves(lines: Sequence[OperationLine]) -> tuple[tuple[OperationLine, ...], ...]:
    """Lines in their order, each one that waits beside the removal it waits for: one move."""
    groups: dict[int, list[OperationLine]] = {}
    for place, line in enumerate(lines):
        groups.setdefault(_leader(line, lines, place), []).append(line)
    return tuple(tuple(groups[leader]) for leader in sorted(groups))


def _leader(line: OperationLine, lines: Sequence[OperationLine], place: int) -> int:
    holders = {c.holder for c in line.planned.contested} - {None}
    for index, other in enumerate(lines) if holders else ():
        if other.planned.record in holders and frees_something(other):
            return index
    return place
