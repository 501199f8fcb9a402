"""Faults in their text form, and when they happen; what they do is in ``test_failures``."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.simulator.faults import _CONNECTION as AT_CONNECTION
from collectors.simulator.faults import VERBS, BadFault, Fault, Faults, injection

NUMBERED = {Fault.STATUS, Fault.WSMAN, Fault.WMI, Fault.SECOND_LEG}


@given(
    st.sampled_from(Fault),
    st.integers(0, 2**32 - 1),
    st.none() | st.sampled_from(VERBS),
    st.none() | st.integers(1, 999_999_999),
)
def test_a_fault_that_is_read_is_written_as_it_was_read(
    kind: Fault, number: int, verb: str | None, times: int | None
) -> None:
    argument = number if kind in NUMBERED else None
    verb = None if kind in AT_CONNECTION else verb
    read = injection(
        f"{kind}{'' if argument is None else f':{argument}'}"
        f"{'' if verb is None else f'@{verb}'}{'' if times is None else f'*{times}'}"
    )
    assert (read.kind, read.argument, read.times) == (kind, argument, times)
    assert verb in (None, read.verb)
    assert injection(str(read)) == read


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is no fault"),
        ("boredom", "KIND one of refused, silent"),
        ("drop@", "is no fault"),
        ("drop*0", "is no fault"),
        ("drop*x", "is no fault"),
        ("status:99999999999", "is no fault"),
        ("status", "needs a number, such as status:503"),
        ("drop:5", "takes no number: drop"),
        ("drop@Dance", "none of Create, Command"),
        ("expired@Create", "happens to a connection"),
    ],
)
def test_what_is_no_fault_is_refused_in_one_sentence(text: str, problem: str) -> None:
    with pytest.raises(BadFault, match=problem) as raised:
        injection(text)
    assert str(raised.value).endswith(".")
    assert "\n" not in str(raised.value)


@given(st.text())
def test_any_other_text_is_a_fault_or_refused(text: str) -> None:
    with suppress(BadFault):
        assert injection(text).kind in Fault


def test_a_fault_happens_as_often_as_it_says_and_only_at_its_verb() -> None:
    faults = Faults(["drop@Receive*2", "silent"])
    assert faults.take([Fault.DROP], "Create") is None
    assert faults.take([Fault.DROP]) is None
    assert faults.take([Fault.STALL], "Receive") is None
    assert [faults.take([Fault.DROP], "Receive") is None for _ in range(3)] == [False, False, True]
    assert not faults.has(Fault.DROP)
    assert all(faults.take([Fault.SILENT]) is not None for _ in range(3))
    assert faults.texts == ("silent",)


def test_a_list_with_one_that_is_no_fault_changes_nothing() -> None:
    faults = Faults(["silent"])
    with pytest.raises(BadFault):
        faults.set("drop", "boredom")
    assert faults.texts == ("silent",)
    faults.set()
    assert not faults.texts
