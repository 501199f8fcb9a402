"""Durations, addresses and lists as people and the wire of the type spell them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.model.formatting import dotted, dotted_all, iso_duration, listed, said, shown
from tests.reconcile.fleet import net

FORM = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "PT0S"),
        (1, "PT1S"),
        (60, "PT1M"),
        (3600, "PT1H"),
        (5400, "PT1H30M"),
        (86400, "P1D"),
        (93600, "P1DT2H"),
        (90061, "P1DT1H1M1S"),
    ],
)
def test_durations_are_iso_8601(seconds: int, text: str) -> None:
    """ser:duration, without empty parts."""
    assert iso_duration(seconds) == text


@given(st.integers(0, 10**9))
def test_every_duration_can_be_read_back(seconds: int) -> None:
    """Nothing is lost in the text."""
    match = FORM.fullmatch(iso_duration(seconds))
    assert match is not None
    days, hours, minutes, rest = (int(g or 0) for g in match.groups())
    assert days * 86400 + hours * 3600 + minutes * 60 + rest == seconds


@given(st.integers(0, 2**32 - 1))
def test_every_scope_can_be_read_back(scope: int) -> None:
    """Four numbers with dots."""
    assert net(dotted(scope)) == scope


def test_scopes_are_in_numeric_order() -> None:
    """10.2 before 10.10."""
    assert dotted_all({net("10.10.0.0"), net("10.2.0.0")}) == ("10.2.0.0", "10.10.0.0")


def test_only_durations_are_durations() -> None:
    """A percentage of 60 is not a minute; NULL stays NULL."""
    assert shown("MCLT", 60) == "PT1M"
    assert shown("StateSwitchInterval", None) is None
    assert shown("Server1Percentage", 60) == 60


def test_values_within_a_sentence() -> None:
    """NULL, zero, false and text are told apart."""
    assert said("StateSwitchInterval", None) == "nothing"
    assert said("StateSwitchInterval", 0) == "PT0S"
    assert said("AutoStateTransition", False) == "false"
    assert said("Server1PSName", "x") == "x"


def test_long_lists_are_cut() -> None:
    """Five and how many more."""
    assert listed("abc") == "a, b, c"
    assert listed("abcdefg") == "a, b, c, d, e and 2 more"
    assert listed([]) == ""
