"""Stored relationships for people."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from reconcile.model.formatting import dotted_all, said
from reconcile.model.nouns import State
from reconcile.model.record import Record
from worker.model.runs import RecordView
from worker.views.operations import Json
from worker.views.records import ELEMENTS, Age, record_json, side_name, state_now
from worker.views.screen import Cell, Screen
from worker.views.text import counted, moment


def show_relationships(screen: Screen, views: Sequence[RecordView], age: Age) -> None:
    """Show one row for each relationship."""
    if views:
        columns = ("id", "relationship", "server 1 / server 2", "states", "mode", "scopes", "open")
        screen.table(columns, (_row(view, age) for view in views))


def _row(view: RecordView, age: Age) -> tuple[Cell, ...]:
    record = view.record
    return (
        str(record.record_id),
        record.relationship_name,
        (side_name(record, 1), side_name(record, 2)),
        (
            _state(record.server1_state, view.server1_seen_at, age),
            _state(record.server2_state, view.server2_seen_at, age),
        ),
        (str(record.mode or ""), said("MCLT", record.mclt_seconds)),
        str(len(record.scopes)),
        tuple(f"#{e.number} {e.planned.operation}" for e in view.tracker),
    )


def _state(last: State, seen_at: datetime | None, age: Age) -> str:
    """A state that is too old, with the last one beside it."""
    current_state = state_now(last, seen_at, age)
    return str(current_state) if current_state is last else f"{current_state} (was {last})"


def show_relationship(screen: Screen, view: RecordView, age: Age) -> None:
    """The 21 elements of the type and what it leaves out."""
    record = view.record
    screen.heading(f"{record.relationship_name}: {side_name(record, 1)} / {side_name(record, 2)}")
    document = record_json(view, age)
    screen.facts((name, _value(document, name)) for name in ELEMENTS)
    screen.facts(
        (
            (f"Scopes ({len(record.scopes)})", dotted_all(record.scopes) or ("none",)),
            ("Evidence", record.evidence.value),
            ("Last states", _last_states(record, view)),
            ("Changed", moment(record.changed_at)),
        )
    )
    if view.tracker:
        numbers = " ".join(str(e.number) for e in view.tracker)
        pending_words = counted(len(view.tracker), "operation")
        screen.command(
            f"Next: {pending_words} pending; ipam-sync operations show {numbers.split()[0]}"
        )


def _value(document: Json, name: str) -> Cell:
    value = document[name]
    if value is None:
        return "-"
    if isinstance(value, list):
        return tuple(map(str, value)) or ("none",)
    return said(name, value) if isinstance(value, bool) else str(value)


def _last_states(record: Record, view: RecordView) -> tuple[str, str]:
    return (
        f"{side_name(record, 1)}: {record.server1_state}, read {moment(view.server1_seen_at)}",
        f"{side_name(record, 2)}: {record.server2_state}, read {moment(view.server2_seen_at)}",
    )
