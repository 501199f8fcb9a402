"""The plan can refuse itself, with numbers and a remedy (rule R4)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.model.nouns import Evidence, Operation
from reconcile.model.record import Party, Planned, PropertyChange
from reconcile.planning.guard import Counts, Ledger, RemovalLimits, guard, taken

NOTHING = Counts()


def planned(operation: Operation, scopes: int = 0, *changes: PropertyChange) -> Planned:
    return Planned(
        operation=operation,
        record=1,
        relationship="HQ",
        server1=Party(1, "a"),
        server2=Party(2, "b"),
        changes=changes,
        scopes=tuple(range(scopes)),
        evidence=Evidence.BOTH,
        reason="",
        witnesses=(1, 2),
    )


@pytest.mark.parametrize(
    ("operation", "counts"),
    [
        (planned(Operation.DELETE, 3), Counts(1, 3)),
        (planned(Operation.REMOVE_SCOPES, 3), Counts(0, 3)),
        (planned(Operation.CREATE, 3), NOTHING),
        (planned(Operation.ADD_SCOPES, 3), NOTHING),
        (planned(Operation.UPDATE, 0, PropertyChange("MCLT", 1, 2)), NOTHING),
        (planned(Operation.UPDATE, 0, PropertyChange("Server2RecordId", None, 2)), NOTHING),
        (planned(Operation.UPDATE, 0, PropertyChange("Server2RecordId", 2, None)), Counts(1, 0)),
        (planned(Operation.UPDATE, 0, PropertyChange("Server2RecordId", 2, 3)), Counts(1, 0)),
        (
            planned(
                Operation.UPDATE,
                0,
                PropertyChange("Server1RecordId", 1, 2),
                PropertyChange("Server2RecordId", 2, 1),
            ),
            NOTHING,
        ),
    ],
)
def test_what_takes_something_away_is_counted(operation: Planned, counts: Counts) -> None:
    """Delete, RemoveScopes, and clearing or re-pointing a partner; a swap takes nobody away."""
    assert taken(operation) == counts
    assert operation.destructive == (counts != NOTHING)


@pytest.mark.parametrize(
    ("stored", "wanted", "refused"),
    [
        (Counts(10, 100), Counts(5, 50), False),
        (Counts(10, 100), Counts(6, 0), True),
        (Counts(10, 100), Counts(0, 51), True),
        (Counts(100, 1000), Counts(10, 100), False),
        (Counts(100, 1000), Counts(11, 0), True),
        (Counts(100, 1000), Counts(0, 101), True),
        (Counts(109, 0), Counts(11, 0), True),
        (Counts(0, 0), Counts(5, 50), False),
    ],
)
def test_the_limit_is_the_greater_of_number_and_share(
    stored: Counts, wanted: Counts, refused: bool
) -> None:
    """max(5, 10 %) of relationships and max(50, 10 %) of scope memberships."""
    assert (guard(Ledger(stored, NOTHING, wanted), RemovalLimits()) is not None) == refused


def test_what_was_applied_in_24_hours_counts() -> None:
    """Five yesterday evening and one now are six."""
    assert guard(Ledger(Counts(10, 100), Counts(4, 0), Counts(1, 0)), RemovalLimits()) is None
    assert guard(Ledger(Counts(10, 100), Counts(5, 0), Counts(1, 0)), RemovalLimits()) is not None


def test_nothing_wanted_is_nothing_refused() -> None:
    """Whatever was applied before."""
    assert guard(Ledger(Counts(10, 100), Counts(50, 500), NOTHING), RemovalLimits()) is None


def test_limits_are_settings() -> None:
    """A site may forbid every removal."""
    never = RemovalLimits(0, 0, 0, 0)
    assert guard(Ledger(Counts(1000, 1000), NOTHING, Counts(1, 0)), never) is not None
    assert guard(Ledger(Counts(1000, 1000), NOTHING, Counts(0, 1)), never) is not None


def test_a_refusal_has_numbers_and_a_remedy() -> None:
    """Both counts over: said in one sentence, with what to do."""
    refusal = guard(Ledger(Counts(20, 200), Counts(1, 10), Counts(7, 60)), RemovalLimits())
    assert refusal is not None
    assert (refusal.wanted, refusal.applied, refusal.limit) == (
        Counts(7, 60),
        Counts(1, 10),
        Counts(5, 50),
    )
    assert "8 of 20 relationships (limit 5)" in refusal.why
    assert "70 of 200 scope memberships (limit 50)" in refusal.why
    assert "ipam-sync operations" in refusal.remedy


counts = st.builds(Counts, st.integers(0, 200), st.integers(0, 2000))


@given(counts, counts, counts, counts)
def test_wanting_more_is_never_allowed_where_less_was_refused(
    stored: Counts, applied: Counts, wanted: Counts, more: Counts
) -> None:
    """A refusal cannot be outgrown."""
    if guard(Ledger(stored, applied, wanted), RemovalLimits()) is not None:
        assert guard(Ledger(stored, applied, wanted + more), RemovalLimits()) is not None
        assert guard(Ledger(stored, applied + more, wanted), RemovalLimits()) is not None
