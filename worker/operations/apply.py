"""Applying is its own step with a precondition (rule R6): for policy ``auto`` and for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from reconcile.model.names import fold_relationship
from reconcile.model.nouns import Operation
from reconcile.model.record import EntryStatus, Hold, Membership, Planned, Record
from reconcile.planning.apply import Becomes, Conflict, apply
from reconcile.planning.moves import takes
from worker.config.run_policy import Policy
from worker.model.maintenance import paused
from worker.store.repositories.records import RecordRepository
from worker.store.unit_of_work import UnitOfWork

#: Who decides and applies where no person does.
MACHINE: Final = "ipam-sync"


def at_once(planned: Mapping[int, Planned], policy: Policy) -> dict[int, Planned]:
    """Return what is applied before the run closes, by number (R4, R6).

    These are states under every policy, and under ``auto`` all that takes nothing away.
    """
    return {
        number: p
        for number, p in planned.items()
        if p.state_only or (policy is Policy.AUTO and not p.destructive and not p.contested)
    }


@dataclass(frozen=True, slots=True)
class ApplyResult:
    """The result of applying: entries that are ``done``, and the reasons of ``refused`` ones."""

    done: tuple[int, ...] = ()
    refused: Mapping[int, str] = field(default_factory=dict)


def apply_entries(
    uow: UnitOfWork, entries: Mapping[int, Planned], who: str, *, by_machine: bool
) -> ApplyResult:
    """Apply entries in their order. An entry whose ``before`` values have changed stays pending.

    Entries that take a name or a scope come after those that free it, whatever the order given.
    """
    current_entries, refused_entries = _as_they_are(uow, entries, by_machine=by_machine)
    freeing = {n: p for n, p in current_entries.items() if not _takes_something(p)}
    taking = {n: p for n, p in current_entries.items() if n not in freeing}
    freed = _apply(uow, freeing, {}, who, by_machine=by_machine)
    rows = _rows(uow.records, list(taking.values()))
    memberships = {m for p in taking.values() for m in takes(p, rows.get(p.record or 0))}
    holders = uow.records.holders(memberships)
    second = _apply(uow, taking, holders, who, by_machine=by_machine)
    return ApplyResult(
        freed.done + second.done, {**refused_entries, **freed.refused, **second.refused}
    )


def _as_they_are(
    uow: UnitOfWork, entries: Mapping[int, Planned], *, by_machine: bool
) -> tuple[dict[int, Planned], dict[int, str]]:
    """The entries that still wait, as they are in this transaction, and why the others do not.

    A person or another run may have decided or held one since it was recorded.
    """
    entry_of = {e.number: e for e in uow.operations.by_number(entries)}
    in_maintenance = paused(uow.maintenance.open_windows()) if by_machine else frozenset()
    pending: dict[int, Planned] = {}
    refused: dict[int, str] = {}
    for number in entries:
        entry = entry_of.get(number)
        if entry is None or entry.status is not EntryStatus.PENDING:
            refused[number] = f"it is {'gone' if entry is None else entry.status} by now"
        elif by_machine and entry.planned.hold is not Hold.NONE:
            refused[number] = "it is held for a person by now"
        elif in_maintenance & _named(entry.planned):
            refused[number] = "its relationship is in maintenance by now"
        else:
            pending[number] = entry.planned
    return pending, refused


def _named(planned: Planned) -> frozenset[tuple[str, int]]:
    """The relationship as a maintenance window names it."""
    name = fold_relationship(planned.relationship)
    return frozenset((name, server) for server in planned.partners)


def _takes_something(planned: Planned) -> bool:
    return planned.operation in (Operation.CREATE, Operation.ADD_SCOPES) or any(
        c.property in ("Server1RecordId", "Server2RecordId") for c in planned.changes
    )


def _rows(records: RecordRepository, entries: list[Planned]) -> dict[int, Record]:
    keys = {p.record for p in entries if p.record is not None}
    return {r.key: r for r in records.by_key(keys)}


def _apply(
    uow: UnitOfWork,
    entries: Mapping[int, Planned],
    holders: Mapping[Membership, int],
    who: str,
    *,
    by_machine: bool,
) -> ApplyResult:
    records_before = _rows(uow.records, list(entries.values()))
    records_after: dict[int, Record | None] = dict(records_before)
    holder_of = dict(holders)
    applied: list[int] = []
    refused: dict[int, str] = {}
    for number, planned in entries.items():
        key = planned.record or 0
        outcome = _outcome(planned, records_after.get(key), holder_of)
        match outcome:
            case Becomes(record):
                holder_of |= dict.fromkeys(takes(planned, records_after[key]), key)
                records_after[key] = record
                applied.append(number)
            case Conflict(why):
                refused[number] = why
    uow.records.remove([k for k in records_before if records_after[k] is None])
    changed = [
        (records_before[k], r)
        for k, r in records_after.items()
        if r is not None and r != records_before[k]
    ]
    uow.records.update(changed)
    uow.operations.decide(applied, EntryStatus.APPLIED, who, by_machine=by_machine)
    return ApplyResult(tuple(applied), refused)


def _outcome(
    planned: Planned, record: Record | None, taken: Mapping[Membership, int]
) -> Becomes | Conflict:
    held = {
        holder
        for m in takes(planned, record)
        if (holder := taken.get(m)) is not None and holder != planned.record
    }
    if held:
        records = ", ".join(map(str, sorted(held)))
        return Conflict(f"it waits for record {records}, which still has a name or scope it takes")
    return apply(record, planned)
