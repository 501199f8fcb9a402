"""Which stored relationship a finding is about, and what IPAM has of what it says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconcile.findings.subjects import in_ipam, is_about, record_of
from reconcile.model.findings import Finding, Kind
from reconcile.model.nouns import State
from reconcile.model.record import Record

HQ = Record(
    key=1,
    relationship_name="HQ",
    mclt_seconds=3600,
    server1_record_id=1,
    server1_state=State.NORMAL,
    server2_record_id=2,
    server2_state=State.PARTNER_DOWN,
)
ELSEWHERE = replace(HQ, key=2, server1_record_id=8, server2_record_id=9, mclt_seconds=60)
MISMATCH = Finding(
    Kind.PARTNER_MISMATCH,
    "hq",
    (2, 1),
    "they differ",
    (("MCLT", (("dhcp01", "PT1H"),)), ("StateSwitchInterval", ()), ("10.1.0.0", ())),
)


def test_a_record_is_of_the_same_name_without_case_and_of_the_same_servers() -> None:
    assert record_of(MISMATCH, [ELSEWHERE, HQ]) is HQ
    assert record_of(replace(MISMATCH, servers=(1,)), [ELSEWHERE, HQ]) is HQ
    assert record_of(MISMATCH, [ELSEWHERE]) is None
    assert record_of(replace(MISMATCH, relationship="Branch"), [HQ]) is None


def test_a_record_of_another_pair_under_the_same_name_is_not_meant() -> None:
    assert record_of(replace(MISMATCH, servers=(1, 7)), [ELSEWHERE, HQ]) is None


def test_the_record_of_the_pair_is_preferred_to_a_half_mapped_one() -> None:
    half_mapped = replace(HQ, key=0, server2_record_id=None)
    assert record_of(MISMATCH, [half_mapped, HQ]) is HQ
    assert record_of(MISMATCH, [half_mapped]) is half_mapped


def test_what_is_about_a_server_has_no_record() -> None:
    unread = Finding(Kind.SERVER_UNREAD, None, (1,), "")
    assert record_of(unread, [HQ]) is None
    assert not is_about(unread, "", [HQ])


@pytest.mark.parametrize(
    ("text", "records", "so"),
    [
        ("HQ", [], True),
        ("Hq", [], True),
        ("1", [HQ], True),
        ("1", [ELSEWHERE], False),
        ("Branch", [], False),
    ],
)
def test_one_is_meant_by_its_name_or_by_the_record_that_was_found(
    text: str, records: list[Record], *, so: bool
) -> None:
    assert is_about(MISMATCH, text, records) is so


def test_ipam_has_a_word_of_the_properties_that_it_knows() -> None:
    assert in_ipam(MISMATCH, [ELSEWHERE, HQ]) == {"MCLT": "PT1H"}
    assert in_ipam(MISMATCH, [ELSEWHERE]) == {}
    only_scopes = replace(MISMATCH, values=(("10.1.0.0", ()),))
    assert in_ipam(only_scopes, [HQ]) == {}


def test_of_a_state_ipam_has_both_sides() -> None:
    odd = Finding(Kind.STATE_NOT_NORMAL, "HQ", (1, 2), "", (("State", ()),))
    assert in_ipam(odd, [HQ]) == {"Server1State": "Normal", "Server2State": "PartnerDown"}
