"""The sentences of kinds, in the words of people who operate Windows DHCP."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from reconcile.kinds.decisions import ALERT_UNDELIVERED, CHANGE_WAITS, PLAN_REFUSED, UNMAPPED_NAME
from reconcile.kinds.relationships import (
    ABSENCE_UNVERIFIED,
    EMPTY_READ_UNCONFIRMED,
    ONE_SIDED,
    PARTNER_MISMATCH,
    SCOPE_ONE_SIDED,
)
from reconcile.kinds.servers import CLOCK_SKEW, SERVER_OVERDUE
from reconcile.kinds.states import STATE_NOT_NORMAL
from reconcile.model.finding_words import NOTHING, SILENT, TELLS, TELLS_NOT, Why
from reconcile.model.nouns import State

LACKS = Why.ABSENT.value


def test_a_mismatch_gives_both_values_and_the_database_s() -> None:
    """Durations are in hours and minutes, as Windows administrators write them."""
    reports = (("MCLT", (("a", "PT1H"), ("b", "PT30M"))),)
    assert PARTNER_MISMATCH.sentence("HQ", reports, {"MCLT": "PT1H"}) == (
        "The partners of HQ disagree: MCLT is 1 h on a, 30 min on b. The database keeps MCLT 1 h."
    )
    assert PARTNER_MISMATCH.sentence("HQ", reports, {}) == (
        "The partners of HQ disagree: MCLT is 1 h on a, 30 min on b."
    )


def test_a_one_sided_relationship_says_what_each_server_reports() -> None:
    assert ONE_SIDED.sentence("HQ", (("a", TELLS), ("b", LACKS))).startswith(
        "Only one partner has relationship HQ: a has it, b was read without it."
    )
    elsewhere = ONE_SIDED.sentence("HQ", (("a", TELLS), ("b", Why.ELSEWHERE.value)))
    assert "b reports it with another partner" in elsewhere
    unconfirmed = ONE_SIDED.sentence("HQ", (("a", TELLS), ("b", NOTHING)))
    assert "b reports none (unconfirmed)" in unconfirmed


@pytest.mark.parametrize(
    ("word", "place"),
    [(TELLS_NOT, "missing on b"), (SILENT, "not read on b"), (LACKS, f"b {LACKS}")],
)
def test_a_one_sided_scope_says_where_it_is(word: str, place: str) -> None:
    scope = ("10.4.1.0", (("a", TELLS), ("b", word)))
    assert f"10.4.1.0 (on a, {place})" in SCOPE_ONE_SIDED.sentence("HQ", (scope,))


def test_an_unverified_absence_says_what_is_missing_and_why_it_does_not_count() -> None:
    reports = (("a", LACKS), ("b", SILENT))
    whole = ABSENCE_UNVERIFIED.sentence("HQ", reports)
    assert "a was read without it, b was not read" in whole
    scopes = ABSENCE_UNVERIFIED.sentence("HQ", reports, reporter="a", scopes=("10.0.0.0",))
    assert scopes.startswith("a no longer has 10.0.0.0 in HQ, and its partner was not read.")
    replaced = ABSENCE_UNVERIFIED.sentence(
        "HQ", reports, reporter="a", scopes=("10.0.0.0",), replaced=("a",)
    )
    assert "and a is a different machine than before, not confirmed yet" in replaced


def test_a_sudden_emptiness_says_when_it_is_believed() -> None:
    sentence = EMPTY_READ_UNCONFIRMED.sentence("a", "scopes", timedelta(minutes=10))
    assert sentence.startswith("a now reports no scopes, but had some.")
    assert "for 10 min" in sentence


def test_a_clock_is_ahead_behind_or_differs() -> None:
    assert CLOCK_SKEW.sentence(("a",), 75).startswith(
        "The clock of a is 75 s ahead of the database's."
    )
    assert CLOCK_SKEW.sentence(("a",), -75).startswith(
        "The clock of a is 75 s behind the database's."
    )
    assert CLOCK_SKEW.sentence(("a", "b"), -75).startswith("The clocks of a and b differ by 75 s.")


def test_an_overdue_server_was_read_long_ago_or_never() -> None:
    at = datetime(2026, 11, 2, 8, tzinfo=UTC)
    assert SERVER_OVERDUE.sentence("a", at).startswith("a was not read since 2026-11-02 08:00 UTC.")
    assert SERVER_OVERDUE.sentence("a", None).startswith("a was never read.")


def test_a_state_says_who_set_it() -> None:
    states = (("a", State.PARTNER_DOWN), ("b", State.COMMUNICATIONS_INTERRUPTED))
    assert STATE_NOT_NORMAL.sentence("HQ", states, State.PARTNER_DOWN, ["a"]) == (
        "a is in state PartnerDown and b is in state CommunicationsInterrupted for relationship "
        "HQ. PartnerDown was set manually on a (AutoStateTransition is off). It serves all "
        "clients alone."
    )
    on_its_way = STATE_NOT_NORMAL.sentence("HQ", (("a", State.RECOVER),), State.RECOVER, [])
    assert on_its_way == "a is in state Recover for relationship HQ. It is on its way to Normal."


@pytest.mark.parametrize(
    ("sentence", "beginning"),
    [
        (
            CHANGE_WAITS.sentence("HQ", ["MCLT: database 1 h, servers 2 h"], [7]),
            (
                "The database differs from the servers about HQ: MCLT: database 1 h, servers 2 h. This "
                "waits for you: operation 7."
            ),
        ),
        (CHANGE_WAITS.sentence("HQ", ["x"], [7, 8]).split(": ")[-1], "operations 7 8."),
        (CHANGE_WAITS.sentence(creations=1), "1 relationship is on servers and not in the"),
        (CHANGE_WAITS.sentence(creations=2), "2 relationships are on servers and not in the"),
        (
            PLAN_REFUSED.sentence("8 are too many", ["relationships: 8"], "Restore them."),
            "8 are too many. All removals are held (relationships: 8). Restore them.",
        ),
        (
            UNMAPPED_NAME.sentence("HQ", "a", "b.old"),
            "a calls its partner in HQ 'b.old', which matches no server of the inventory.",
        ),
        (
            ALERT_UNDELIVERED.sentence("ops", "Connection refused."),
            "Alerts cannot be delivered over ops: Connection refused. New alerts are still tried.",
        ),
    ],
)
def test_a_sentence_names_what_it_is_about(sentence: str, beginning: str) -> None:
    assert sentence.startswith(beginning)
