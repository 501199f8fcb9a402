"""Applying has a precondition: the row still looks like ``before`` (rule R6)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconcile.model.nouns import Evidence, Mode, Operation, Server, State, Story
from reconcile.model.record import Planned, Record
from reconcile.planning.apply import Becomes, Conflict, apply, created
from tests.reconcile.fleet import HUB, SPOKE, Ipam, both, nets

A, B = HUB, SPOKE
SCOPES = nets("10.1.0.0", "10.1.1.0")


def told(**values: object) -> dict[Server, list[Story]]:
    one, two = both(A, B, **values)
    return {A: [one], B: [two]}


def known() -> tuple[Ipam, Record]:
    ipam = Ipam(servers=(A, B))
    ipam.run(told())
    (record,) = ipam.records.values()
    return ipam, record


def need(ipam: Ipam, **values: object) -> Planned:
    """The one operation that these stories need."""
    (planned,) = ipam.plan(told(**values)).new
    return planned


def removal(ipam: Ipam) -> Planned:
    rest = both(name="Rest", scopes=nets("10.9.0.0"))
    plan = ipam.plan({A: [rest[0]], B: [rest[1]]})
    (planned,) = (p for p in plan.new if p.operation is Operation.DELETE)
    return planned


def after(record: Record | None, planned: Planned) -> Record | None:
    outcome = apply(record, planned)
    assert isinstance(outcome, Becomes), outcome
    return outcome.record


def why_not(record: Record | None, planned: Planned) -> str:
    outcome = apply(record, planned)
    assert isinstance(outcome, Conflict), outcome
    return outcome.why


def test_an_update_writes_the_named_properties_only() -> None:
    """And nothing else of the row."""
    ipam, record = known()
    assert after(record, need(ipam, mclt_seconds=60)) == replace(record, mclt_seconds=60)


def test_an_update_of_something_else_by_hand_does_not_matter() -> None:
    """Only the properties that the entry touches must look like before."""
    ipam, record = known()
    edited = replace(record, mode=Mode.HOT_STANDBY)
    assert after(edited, need(ipam, mclt_seconds=60)) == replace(edited, mclt_seconds=60)


def test_a_changed_property_is_a_conflict() -> None:
    """It is judged again, never forced; the sentence says both values."""
    ipam, record = known()
    why = why_not(replace(record, mclt_seconds=1), need(ipam, mclt_seconds=60))
    assert why == "MCLT is PT1S by now, not PT1H"


def test_other_partners_are_a_conflict() -> None:
    """The row was re-pointed: an operation about the old pair does not touch it."""
    ipam, record = known()
    other = replace(record, server2_record_id=9)
    for planned in (
        need(ipam, mclt_seconds=60),
        need(ipam, scopes=SCOPES | nets("10.1.2.0")),
        need(ipam, scopes=nets("10.1.0.0")),
        removal(ipam),
    ):
        assert isinstance(apply(other, planned), Conflict)


def test_the_same_partners_in_another_order_are_the_same() -> None:
    """A swap in between does not stop what is about scopes."""
    ipam, record = known()
    swapped = replace(
        record,
        server1_record_id=record.server2_record_id,
        server2_record_id=record.server1_record_id,
    )
    planned = need(ipam, scopes=SCOPES | nets("10.1.2.0"))
    assert after(swapped, planned) == replace(swapped, scopes=SCOPES | nets("10.1.2.0"))


def test_scopes_are_added_to_what_is_there() -> None:
    """Somebody else's addition stays."""
    ipam, record = known()
    planned = need(ipam, scopes=SCOPES | nets("10.1.2.0"))
    edited = replace(record, scopes=SCOPES | nets("10.7.0.0"))
    result = after(edited, planned)
    assert result is not None
    assert result.scopes == SCOPES | nets("10.1.2.0", "10.7.0.0")


def test_a_scope_that_is_there_already_is_a_conflict() -> None:
    """The row does not look like before any more."""
    ipam, record = known()
    planned = need(ipam, scopes=SCOPES | nets("10.1.2.0"))
    assert "10.1.2.0" in why_not(replace(record, scopes=SCOPES | nets("10.1.2.0")), planned)


def test_scopes_are_removed_if_all_are_there() -> None:
    """Else somebody else removed one: judged again."""
    ipam, record = known()
    planned = need(ipam, scopes=nets("10.1.0.0"))
    result = after(record, planned)
    assert result is not None
    assert result.scopes == nets("10.1.0.0")
    assert "10.1.1.0" in why_not(result, planned)


def test_a_delete_removes_the_record() -> None:
    """If it still is what was judged, whatever the states are by now."""
    ipam, record = known()
    planned = removal(ipam)
    assert after(record, planned) is None
    assert after(replace(record, server1_state=State.PARTNER_DOWN), planned) is None


@pytest.mark.parametrize(
    "edit", [{"mclt_seconds": 1}, {"scopes": nets("10.1.0.0")}, {"relationship_name": "Other"}]
)
def test_a_delete_of_a_row_that_changed_is_a_conflict(edit: dict[str, object]) -> None:
    """Somebody works on it: look again first."""
    ipam, record = known()
    edited = replace(record, **edit)  # type: ignore[arg-type]  # one attribute per case
    assert isinstance(apply(edited, removal(ipam)), Conflict)


def test_a_create_makes_the_pending_record_real() -> None:
    """RecordId 0 becomes its key; twice is a conflict."""
    planned = need(Ipam(servers=(A, B)))
    pending = replace(created(planned), key=7)
    assert pending.record_id == 0
    result = after(pending, planned)
    assert result is not None
    assert (result.record_id, result.scopes, result.evidence) == (7, SCOPES, Evidence.BOTH)
    assert "already" in why_not(result, planned)


def test_nothing_is_applied_to_a_record_that_is_gone() -> None:
    """The record was removed in between."""
    ipam, _ = known()
    assert why_not(None, need(ipam, mclt_seconds=60)) == "the record is gone"


def test_a_state_does_not_change_the_evidence() -> None:
    """A state is a fact of one side; the grade is that of the configuration."""
    ipam, record = known()
    planned = need(ipam, state=State.PARTNER_DOWN)
    result = after(record, replace(planned, evidence=Evidence.ONE_SIDE))
    assert result is not None
    assert result.evidence is Evidence.BOTH
