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
    now, gone = _as_they_are(uow, entries, by_machine=by_machine)
    free = {n: p for n, p in now.items() if not _takes_something(p)}
    taking = {n: p for n, p in now.items() if n not in free}
    first = _apply(uow, free, {}, who, by_machine=by_machine)
    rows = _rows(uow.records, list(taking.values()))
    wanted = {m for p in taking.values() for m in takes(p, rows.get(p.record or 0))}
    holders = uow.records.holders(wanted)
    second = _apply(uow, taking, holders, who, by_machine=by_machine)
    return ApplyResult(first.done + second.done, {**gone, **first.refused, **second.refused})


def _as_they_are(
    uow: UnitOfWork, entries: Mapping[int, Planned], *, by_machine: bool
) -> tuple[dict[int, Planned], dict[int, str]]:
    """The entries that still wait, as they are in this transaction, and why the others do not.

    A person or another run may have decided or held one since it was recorded.
    """
    known = {e.number: e for e in uow.operations.by_number(entries)}
    in_maintenance = paused(uow.maintenance.open_windows()) if by_machine else frozenset()
    waiting: dict[int, Planned] = {}
    gone: dict[int, str] = {}
    for number in entries:
        entry = known.get(number)
        if entry is None or entry.status is not EntryStatus.PENDING:
            gone[number] = f"it is {'gone' if entry is None else entry.status} by now"
        elif by_machine and entry.planned.hold is not Hold.NONE:
            gone[number] = "it is held for a person by now"
        elif in_maintenance & _named(entry.planned):
            gone[number] = "its relationship is in maintenance by now"
        else:
            waiting[number] = entry.planned
    return waiting, gone


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
    before = _rows(uow.records, list(entries.values()))
    after: dict[int, Record | None] = dict(before)
    taken = dict(holders)
    done: list[int] = []
    refused: dict[int, str] = {}
    for number, planned in entries.items():
        key = planned.record or 0
        outcome = _outcome(planned, after.get(key), taken)
        match outcome:
            case Becomes(record):
                taken |= dict.fromkeys(takes(planned, after[key]), key)
                after[key] = record
                done.append(number)
            case Conflict(why):
                refused[number] = why
    uow.records.remove([k for k in before if after[k] is None])
    changed = [(before[k], r) for k, r in after.items() if r is not None and r != before[k]]
    uow.records.update(changed)
    uow.operations.decide(done, EntryStatus.APPLIED, who, by_machine=by_machine)
    return ApplyResult(tuple(done), refused)


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
