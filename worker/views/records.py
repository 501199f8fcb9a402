"""Stored relationships: as the DhcpFailover type shows them, and as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from reconcile.model.formatting import dotted_all, spelt
from reconcile.model.nouns import State
from reconcile.model.record import ATTRIBUTES, Record
from worker.model.runs import RecordView
from worker.views.operations import Json
from worker.views.text import iso

#: The 21 elements of DhcpFailover in the order of the type, [MS-IPAMM2] 2.2.4.104.
ELEMENTS: Final = (
    "AutoStateTransition",
    "MCLT",
    "Mode",
    "OperationTracker",
    "RecordId",
    "RelationshipName",
    "Server1IP",
    "Server1Name",
    "Server1PSName",
    "Server1Percentage",
    "Server1RecordId",
    "Server1State",
    "Server2IP",
    "Server2Name",
    "Server2PSName",
    "Server2RecordId",
    "Server2State",
    "ServerOwner",
    "SharedSecret",
    "SharedSecretEnabled",
    "StateSwitchInterval",
)


@dataclass(frozen=True, slots=True)
class Age:
    """How old a reading may be: a state that is older reads as Unknown (design, State)."""

    now: datetime
    limit: timedelta

    def is_stale(self, seen_at: datetime | None) -> bool:
        """Return whether the server was not read within the limit."""
        return seen_at is None or self.now - seen_at > self.limit


def state_now(last: State, seen_at: datetime | None, age: Age) -> State:
    """Return a stored state as it reads now."""
    return State.UNKNOWN if age.is_stale(seen_at) else last


def record_json(view: RecordView, age: Age) -> Json:
    """Return the 21 elements, then what the type leaves out."""
    record = view.record
    elements = _elements(view, age)
    return {
        **{name: elements.get(name) for name in ELEMENTS},
        "Scopes": list(dotted_all(record.scopes)),
        "Evidence": record.evidence.value,
        "Server1LastState": record.server1_state.value,
        "Server1SeenAt": iso(view.server1_seen_at),
        "Server2LastState": record.server2_state.value,
        "Server2SeenAt": iso(view.server2_seen_at),
        "Operations": [entry.number for entry in view.tracker],
        "ChangedAt": iso(record.changed_at),
    }


def _elements(view: RecordView, age: Age) -> Mapping[str, object]:
    """Return the elements of a record.

    ServerOwner stays unset, which is not ServerOne. SharedSecret cannot be read.
    """
    record = view.record
    return {
        **{p: spelt(p, getattr(record, a)) for p, a in ATTRIBUTES.items()},
        "OperationTracker": [entry.planned.operation.value for entry in view.tracker],
        "RecordId": record.record_id,
        "Server1State": state_now(record.server1_state, view.server1_seen_at, age).value,
        "Server2State": state_now(record.server2_state, view.server2_seen_at, age).value,
    }


def side_name(record: Record, number: int) -> str:
    """Return IPAM's name of a partner, else the name that DHCP reported."""
    if number == 1:
        return record.server1_name or record.server1_ps_name or "?"
    return record.server2_name or record.server2_ps_name or "?"
