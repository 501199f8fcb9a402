"""OperationTracker for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from reconcile.model.formatting import dotted_all, span
from reconcile.model.record import EntryStatus
from worker.model.operations import EntryView
from worker.model.run_report import OperationLine, fate
from worker.views.changes import between, moves, old_to_new, waits_for, what_changes, why
from worker.views.screen import Cell, Screen
from worker.views.text import moment


def show_entries(screen: Screen, views: Sequence[EntryView], now: datetime, age: timedelta) -> None:
    """Show lines of OperationTracker. A removal and what waits for it are beside each other."""
    if not views:
        return
    lines = {view.entry.number: _line(view) for view in views}
    by_number = {view.entry.number: view for view in views}
    rows: list[tuple[Cell, ...]] = []
    for group in moves(tuple(lines.values())):
        for line in group:
            view = by_number[line.number or 0]
            life = [f"#{line.number} {line.planned.operation}", *_life(view)]
            if len(group) > 1:
                life.append("(one move)")
            rows.append(
                (
                    life,
                    between(line.planned),
                    what_changes(line.planned),
                    (*_why(view, tuple(lines.values())), *_aged(view, now, age)),
                )
            )
    screen.table(("operation", "relationship", "changes", "why"), rows)


def _line(view: EntryView) -> OperationLine:
    applied = view.entry.status is EntryStatus.APPLIED
    return OperationLine(
        view.entry.planned, fate(view.entry.planned, applied=applied), view.entry.number
    )


def _life(view: EntryView) -> tuple[str, ...]:
    """Return the status of a line, and who decided it."""
    status = view.entry.status
    if status is EntryStatus.PENDING:
        return (fate(view.entry.planned, applied=False).value,)
    return (status.value, f"by {view.decided_by}", moment(view.decided_at))


def _why(view: EntryView, lines: Sequence[OperationLine]) -> tuple[str, ...]:
    planned = view.entry.planned
    if view.entry.status is not EntryStatus.PENDING:
        return (planned.reason,)
    return why(planned, fate(planned, applied=False), waits_for(planned, lines))


def _aged(view: EntryView, now: datetime, age: timedelta) -> Iterator[str]:
    if view.entry.status is not EntryStatus.PENDING or view.evidence_at is None:
        return
    if now - view.evidence_at > age:
        yield f"its readings are {span(now - view.evidence_at)} old (limit {span(age)})"


def show_entry(screen: Screen, view: EntryView, now: datetime, age: timedelta) -> None:
    """Show a line with every property and scope."""
    entry, planned = view.entry, view.entry.planned
    rows: list[tuple[str, Cell]] = [
        ("operation", f"#{entry.number} {planned.operation}"),
        ("relationship", planned.relationship),
        ("partners", f"{planned.server1.name} / {planned.server2.name}"),
        ("status", _life(view)),
        ("why", (*_why(view, ()), *_aged(view, now, age))),
        ("evidence", f"{planned.evidence}, last confirmed {moment(view.evidence_at)}"),
        ("recorded", f"by run {view.run}, {moment(view.recorded_at)}"),
    ]
    if view.stands_until is not None:
        rows.append(("accepted until", moment(view.stands_until)))
    if planned.changes:
        rows.append(("changes", tuple(map(old_to_new, planned.changes))))
    if planned.scopes:
        rows.append(("scopes", dotted_all(planned.scopes)))
    screen.facts(rows)
