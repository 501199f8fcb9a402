"""Side by side: what is odd is marked, and nothing is made up for who said nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from reconcile.model.findings import Finding, Kind
from reconcile.model.nouns import Mode, Seen, State
from reconcile.model.record import Record
from tests.worker.store.samples import a_story
from worker.views.comparison import Comparison, compared

NAMES = {1: "dhcp01", 2: "dhcp02"}
AT = datetime(2026, 1, 1, tzinfo=UTC)
RECORD = Record(
    1,
    "hq",
    mode=Mode.HOT_STANDBY,
    mclt_seconds=7200,
    server1_record_id=2,
    server2_record_id=1,
    server1_state=State.NORMAL,
    server2_state=State.PARTNER_DOWN,
    scopes=frozenset({1}),
)


def readings(*scopes: tuple[int, ...]) -> dict[int, Seen]:
    return {
        number: Seen(number, AT, (a_story(number, "HQ", *has), a_story(number, "Other", 77)))
        for number, has in enumerate(scopes, 1)
    }


def finding(*values: tuple[str, tuple[tuple[str, str], ...]], name: str | None = "HQ") -> Finding:
    return Finding(Kind.PARTNER_MISMATCH, name, (1, 2), "they differ", values)


def rows(comparison: Comparison) -> dict[str, list[str | None]]:
    """By property; what is marked begins with a star."""
    return {
        row.property: [
            f"*{value}" if odd else value
            for value, odd in zip(row.values, row.differs, strict=True)
        ]
        for row in comparison.rows
    }


def test_one_of_three_that_is_another_is_marked_alone_and_three_that_all_differ_all_are() -> None:
    said = (
        ("MCLT", (("dhcp01", "PT1H"), ("dhcp02", "PT2H"))),
        ("Mode", (("dhcp01", "LoadBalance"), ("dhcp02", "Other"))),
    )
    found = compared(finding(*said), NAMES, readings((1,), (1,)), RECORD)
    assert found.columns == ("dhcp01", "dhcp02", "IPAM")
    told = rows(found)
    assert list(told)[:2] == ["MCLT", "Mode"]
    assert told["MCLT"] == ["*PT1H", "PT2H", "PT2H"]
    assert told["Mode"] == ["*LoadBalance", "*Other", "*HotStandby"]


def test_partners_that_agree_against_ipam_leave_ipam_marked() -> None:
    told = rows(compared(finding(), NAMES, readings((1,), (1,)), RECORD))
    assert told["MCLT"] == ["PT1H", "PT1H", "*PT2H"]
    assert told["SharedSecretEnabled"] == ["false", "false", None]


def test_each_state_is_compared_with_what_ipam_has_of_that_side() -> None:
    told = rows(compared(finding(), NAMES, readings((1,), (1,)), RECORD))
    assert told["State of dhcp01"] == ["*Normal", None, "*PartnerDown"]
    assert told["State of dhcp02"] == [None, "Normal", "Normal"]
    said = ("State", (("dhcp01", "Recover"),)), ("State", (("dhcp02", "Normal"),))
    told = rows(compared(finding(*said), NAMES, {}, None))
    assert told == {
        "State of dhcp01": ["Recover", None, None],
        "State of dhcp02": [None, "Normal", None],
    }


def test_scopes_are_counted_and_those_that_not_all_have_are_named() -> None:
    said = ("0.0.0.2", (("dhcp01", "tells it"), ("dhcp02", "does not tell it")))
    told = rows(compared(finding(said), NAMES, readings((1, 2, 3), (1, 3)), RECORD))
    assert told["Scopes"] == ["*3", "*2", "*1"]
    assert told["0.0.0.2"] == ["*tells it", "does not tell it", "does not tell it"]
    assert told["0.0.0.3"] == ["tells it", "tells it", "*does not tell it"]
    assert "0.0.0.1" not in told


def test_who_was_never_read_has_nothing_and_is_not_marked() -> None:
    told = rows(compared(finding(), NAMES, readings((1,)), None))
    assert told["MCLT"] == ["PT1H", None, None]


def test_a_partner_that_ipam_does_not_know_has_a_column_of_its_own() -> None:
    alone = replace(
        finding(("HQ", (("dhcp01", "tells it"), ("far", "was not asked")))), servers=(1,)
    )
    assert compared(alone, NAMES, {}, None).columns == ("dhcp01", "far", "IPAM")


def test_what_is_about_no_relationship_has_no_word_of_ipam_unless_it_has_one() -> None:
    bare = finding(("offset", (("dhcp01", "90 s"),)), name=None)
    assert compared(bare, NAMES, {}, None).columns == ("dhcp01", "dhcp02")
    with_ours = finding(("machine id", (("IPAM", "a"), ("dhcp01", "b"))), name=None)
    found = compared(with_ours, NAMES, {}, None)
    assert rows(found) == {"machine id": ["*b", None, "*a"]}
