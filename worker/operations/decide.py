"""A person decides: which lines of OperationTracker, whether they may go, apply or reject.

Used by the doors.  Everything is looked up again inside the one writing transaction, so what a
person saw before saying yes binds nobody.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from reconcile.model.formatting import span
from reconcile.model.names import fold_relationship
from reconcile.model.nouns import Operation
from reconcile.model.record import Entry, EntryStatus, Hold, Planned
from worker.inventory.lookup import UnknownTarget, find_records, find_server
from worker.model.audit import Action, AuditedDecision, AuditValues, Person
from worker.model.audit_format import kept_time, sides
from worker.model.errors import StoreError
from worker.model.operations import EntryFilter, EntryView
from worker.operations.apply import apply_entries
from worker.store.unit_of_work import Transaction, UnitOfWork


@dataclass(frozen=True, slots=True)
class Selection:
    """A person's selection of lines. Everything given must hold."""

    numbers: tuple[int, ...] = ()
    run: int | None = None
    server: str | None = None
    relationship: str | None = None
    kind: str | None = None
    held: bool = False
    statuses: tuple[EntryStatus, ...] = (EntryStatus.PENDING,)


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms that a person agreed to.

    ``destructive``: also held lines. ``insist``: also on readings older than ``evidence_age``.
    """

    evidence_age: timedelta
    destructive: bool = False
    insist: bool = False


@dataclass(frozen=True, slots=True)
class Sorted:
    """The lines that may go, those left out and why, and the ages a person insisted over."""

    ready: tuple[EntryView, ...]
    left_out: Mapping[int, LeftOut] = field(default_factory=dict)
    overridden: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Why a line does not go, and what would include it."""

    why: str
    remedy: str


_HELD: Final = LeftOut(
    "it takes something away and is held", "look at it, then include it with --destructive"
)


@dataclass(frozen=True, slots=True)
class Decided:
    """The result of a decision: the numbers that are done, and why the others are not."""

    done: tuple[int, ...] = ()
    refused: Mapping[int, str] = field(default_factory=dict)


class NotSelectable(StoreError):
    """A number that is no line of OperationTracker, or none that is pending."""

    code = "not_pending"


def select(reading: Transaction, wanted: Selection) -> tuple[EntryView, ...]:
    """The lines a selection means, by number.

    Raises UnknownTarget for a server or a relationship that nobody knows.
    """
    server = None
    if wanted.server is not None:
        server = find_server(reading.inventory.servers(), wanted.server).id
    views = reading.views.operations(
        EntryFilter(
            numbers=wanted.numbers or None,
            run=wanted.run,
            server=server,
            operation=wanted.kind,
            statuses=wanted.statuses,
        )
    )
    if wanted.held:
        views = tuple(v for v in views if is_held(v.entry))
    if wanted.relationship is not None:
        views = _about(reading, views, wanted.relationship)
    return views


def select_pending(reading: Transaction, wanted: Selection) -> tuple[EntryView, ...]:
    """Select pending lines. Raises NotSelectable unless every given number is pending."""
    views = select(reading, wanted)
    missing = sorted(set(wanted.numbers) - {v.entry.number for v in views})
    if missing:
        views_there = reading.views.operations(EntryFilter(numbers=tuple(missing), statuses=()))
        status_of = {v.entry.number: v.entry.status for v in views_there}
        first_missing = missing[0]
        status = status_of.get(first_missing)
        sentence = "There is no operation" if status is None else f"It is {status}: operation"
        if status is EntryStatus.PENDING:
            sentence = "The other conditions leave out operation"
        raise NotSelectable(
            f"{sentence} {first_missing}. See: ipam-sync operations list --status all"
        )
    return views


def is_held(entry: Entry) -> bool:
    """True if a pending line waits for a person's word on what it takes away."""
    return entry.status is EntryStatus.PENDING and entry.planned.hold is not Hold.NONE


def _about(reading: Transaction, views: Iterable[EntryView], text: str) -> tuple[EntryView, ...]:
    """Lines outlive their record, so a name is looked for in the lines as well."""
    keys = {r.key for r in find_records(reading, text)}
    name = fold_relationship(text)
    selected = tuple(
        v
        for v in views
        if v.entry.planned.record in keys or fold_relationship(v.entry.planned.relationship) == name
    )
    if not keys and not selected:
        raise UnknownTarget(
            f"IPAM has no relationship {text!r} and no such operation about one. "
            "See: ipam-sync relationships list"
        )
    return selected


def sort_out(views: Iterable[EntryView], terms: Terms, now: datetime) -> Sorted:
    """Which lines may be applied on these terms."""
    ready: list[EntryView] = []
    left_out: dict[int, LeftOut] = {}
    overridden: dict[int, str] = {}
    for view in views:
        number, aged = view.entry.number, too_old(view, terms.evidence_age, now)
        if is_held(view.entry) and not terms.destructive:
            left_out[number] = _HELD
            continue
        if aged is not None and not terms.insist:
            left_out[number] = LeftOut(
                aged, "run ipam-sync sync first, or apply it all the same with --insist"
            )
            continue
        if aged is not None:
            overridden[number] = aged
        ready.append(view)
    return Sorted(tuple(ready), left_out, overridden)


def spare_held(views: Iterable[EntryView], terms: Terms) -> Sorted:
    """Which lines may be rejected on these terms: among many, a held one is easily overlooked."""
    ready: list[EntryView] = []
    left_out: dict[int, LeftOut] = {}
    for view in views:
        if is_held(view.entry) and not terms.destructive:
            left_out[view.entry.number] = _HELD
        else:
            ready.append(view)
    return Sorted(tuple(ready), left_out)


def too_old(view: EntryView, limit: timedelta, now: datetime) -> str | None:
    """Return why the readings of a line are too old (rule R6), or None if they are not.

    A line without witnesses rests on a person's word (``servers retire``), which does not age.
    """
    if not view.entry.planned.witnesses:
        return None
    if view.evidence_at is None:
        return "a server it rests on has no recorded reading"
    age = now - view.evidence_at
    if age <= limit:
        return None
    return f"its readings are {span(age)} old (limit {span(limit)})"


def apply_selected(
    uow: UnitOfWork, numbers: Collection[int], terms: Terms, by: Person
) -> tuple[Decided, Sorted]:
    """Apply these lines as they are now. Lines that changed meanwhile are refused with a reason."""
    views = uow.views.operations(EntryFilter(numbers=tuple(numbers), statuses=()))
    refused = _no_longer_pending(numbers, views)
    pending = [v for v in views if v.entry.number not in refused]
    # The terms are checked again in this transaction, because readings age while a person thinks.
    sorted_out = sort_out(pending, terms, uow.now())
    entries = {v.entry.number: v.entry.planned for v in sorted_out.ready}
    applied = apply_entries(uow, entries, by.who, by_machine=False)
    by_number = {v.entry.number: v for v in sorted_out.ready}
    uow.audit.add(by, [_applied(by_number[n], sorted_out.overridden) for n in applied.done])
    refused |= {n: left_out.why for n, left_out in sorted_out.left_out.items()}
    return Decided(applied.done, {**refused, **applied.refused}), sorted_out


def reject_selected(
    uow: UnitOfWork, numbers: Collection[int], by: Person, until: datetime | None
) -> Decided:
    """Accept these differences. A rejected FailoverCreate takes its pending record with it."""
    views = uow.views.operations(EntryFilter(numbers=tuple(numbers), statuses=()))
    refused = _no_longer_pending(numbers, views)
    rejected: dict[int, Planned] = {}
    for view in views:
        number, planned = view.entry.number, view.entry.planned
        if planned.state_only:
            refused.setdefault(number, "a state is a fact, which nobody can refuse")
        elif number not in refused:
            rejected[number] = planned
    uow.operations.decide(
        rejected, EntryStatus.REJECTED, by.who, by_machine=False, stands_until=until
    )
    uow.audit.add(by, [_rejected(v, until) for v in views if v.entry.number in rejected])
    creates = [p for p in rejected.values() if p.operation is Operation.CREATE]
    uow.records.remove([p.record for p in creates if p.record is not None])
    return Decided(tuple(rejected), refused)


def _no_longer_pending(numbers: Collection[int], views: Iterable[EntryView]) -> dict[int, str]:
    statuses = {v.entry.number: v.entry.status for v in views}
    return {
        n: f"it is {status} by now" if (status := statuses.get(n)) else "it does not exist"
        for n in numbers
        if statuses.get(n) is not EntryStatus.PENDING
    }


def _applied(view: EntryView, overridden: Mapping[int, str]) -> AuditedDecision:
    _, values_after = sides(view.entry.planned)
    insisted = overridden.get(view.entry.number)
    audit_values = {
        "status": EntryStatus.APPLIED.value,
        "stored": values_after,
        "insisted": insisted,
    }
    return _decision(Action.APPLY, view, audit_values)


def _rejected(view: EntryView, until: datetime | None) -> AuditedDecision:
    stored, _ = sides(view.entry.planned)
    audit_values = {
        "status": EntryStatus.REJECTED.value,
        "stored": stored,
        "until": kept_time(until),
    }
    return _decision(Action.REJECT, view, audit_values)


def _decision(action: Action, view: EntryView, after: AuditValues) -> AuditedDecision:
    """``stored`` is what the operation touches, as the record has it."""
    planned = view.entry.planned
    stored, values_after = sides(planned)
    subject = f"operation {view.entry.number}: {planned.operation} of {planned.relationship}"
    audit_before = {
        "status": view.entry.status.value,
        "held": planned.hold.value or None,
        "stored": stored,
        "wanted": values_after,
    }
    return AuditedDecision(action, subject, audit_before, after)
