"""What is kept of a decision is spelt for good: a row of last year reads as one of today."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from reconcile.model.nouns import Evidence, Mode, Operation
from reconcile.model.record import Party, Planned, PropertyChange
from worker.model.audit_format import kept_time, sides

CHANGES = (PropertyChange("MCLT", 3600, 5400), PropertyChange("Mode", None, Mode.LOAD_BALANCE))
BEFORE = {"MCLT": "PT1H", "Mode": None}
AFTER = {"MCLT": "PT1H30M", "Mode": "LoadBalance"}
SCOPES = {"Scopes": ["0.0.1.0", "0.0.2.0"]}


@pytest.mark.parametrize(
    ("operation", "before", "after"),
    [
        (Operation.CREATE, None, AFTER | SCOPES),
        (Operation.UPDATE, BEFORE, AFTER),
        (Operation.DELETE, BEFORE | SCOPES, None),
        (Operation.ADD_SCOPES, {}, SCOPES),
        (Operation.REMOVE_SCOPES, SCOPES, {}),
    ],
)
def test_both_sides_of_an_operation_are_kept_as_the_type_spells_them(
    operation: Operation, before: object, after: object
) -> None:
    one, other = Party(1, "dhcp01"), Party(2, "dhcp02")
    why = (Evidence.BOTH, "both partners tell it", (1, 2))
    planned = Planned(operation, 7, "HQ", one, other, CHANGES, (512, 256), *why)
    assert sides(planned) == (before, after)
    assert all(
        type(value) is not Mode for side in sides(planned) for value in (side or {}).values()
    )


def test_a_time_is_kept_in_utc_to_the_second_and_none_as_none() -> None:
    vienna = timezone(timedelta(hours=1))
    assert kept_time(datetime(2026, 11, 2, 9, 0, 1, 999, vienna)) == "2026-11-02T08:00:01Z"
    assert kept_time(None) is None
