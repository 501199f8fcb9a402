"""Envelopes in both directions: what is believed of a request, and that an answer is whole."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.simulator import soap
from collectors.simulator.soap import CreatedShell, NotSoap, seconds_of
from collectors.simulator.wsman_faults import (
    MAX_OPERATIONS,
    NO_SUCH_SHELL,
    OPERATION_TIMEOUT,
    fault,
    no_such_command,
    wmi_fault,
)
from tests.collectors.simulator.asking import create, envelope

#: Whatever XML can carry, as it comes out of a parser again.
TEXTS = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="\ufffe\uffff")
)
REQUEST = create()


def _parsed(answer: soap.Answer, *, activity_id: bool = False) -> ET.Element:
    text = answer.envelope(REQUEST, activity_id=activity_id)
    return ET.fromstring(text)  # noqa: S314 - our own


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<a>",
        b"\xff\xfe",
        b'<?xml version="1.0" encoding="klingon"?><a/>',
        b"<html/>",
        b'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body/></s:Envelope>',
    ],
)
def test_what_is_no_envelope_is_no_request(content: bytes) -> None:
    with pytest.raises(NotSoap):
        soap.parse(content)


def test_a_request_is_read_whatever_prefixes_it_uses() -> None:
    text = envelope(soap.DELETE, shell_id="S", seconds=12.5, options={"A": "1", "B": " 2 "})
    for prefix in ("s", "a", "w"):
        text = re.sub(rf"\b{prefix}:", f"other-{prefix}:", text).replace(
            f"xmlns:{prefix}=", f"xmlns:other-{prefix}="
        )
    request = soap.parse(text.encode())
    assert (request.verb, request.shell_id, request.timeout_seconds) == ("Delete", "S", 12.5)
    assert request.options == {"A": "1", "B": "2"}
    assert request.body is None


@pytest.mark.parametrize(
    ("duration", "seconds"),
    [
        ("PT20S", 20),
        ("PT20.000S", 20),
        ("PT1M20.5S", 80.5),
        ("PT2H", 7200),
        ("P1DT1S", 86401),
        ("P0DT0H3M0S", 180),
        ("", 60),
        ("PT", 60),
        ("P", 60),
        ("20", 60),
        ("PT-1S", 60),
        (f"PT{'9' * 400}S", 60),
    ],
)
def test_a_duration_is_read_or_replaced_by_what_windows_waits(
    duration: str, seconds: float
) -> None:
    assert seconds_of(duration) == seconds


@given(TEXTS, TEXTS, TEXTS)
def test_whatever_a_client_says_of_its_shell_comes_back_as_it_was(
    name: str, value: str, directory: str
) -> None:
    opened = CreatedShell(
        *("S", "http://dc1/wsman", "CORP\\svc", "192.0.2.7", 180.0),
        environment=[(name, value)],
        working_directory=directory,
    )
    body = _parsed(soap.created(opened))
    variable = body.find(".//{*}Variable")
    assert variable is not None
    assert (variable.get("Name"), variable.text or "") == (name, value)
    assert body.findtext(".//{*}WorkingDirectory") == directory


@given(st.lists(st.tuples(st.sampled_from(["stdout", "stderr"]), st.binary(min_size=1))))
def test_output_comes_in_order_and_is_followed_by_the_end_of_both_streams(
    pieces: list[tuple[str, bytes]],
) -> None:
    body = _parsed(soap.received("C", pieces, 3))
    streams = [(e.get("Name"), e.get("End")) for e in body.iter(f"{{{soap.SHELL}}}Stream")]
    ends = [("stdout", "true"), ("stderr", "true")]
    assert streams == [(name, None) for name, _ in pieces] + ends


def test_some_hosts_give_each_answer_an_activity_id() -> None:
    assert _parsed(soap.sent()).find(".//{*}ActivityId") is None
    assert _parsed(soap.sent(), activity_id=True).find("{*}Header/{*}ActivityId") is not None


def test_a_fault_says_who_is_to_blame_and_which_machine_it_is() -> None:
    late, lost = _parsed(fault(OPERATION_TIMEOUT, "a&b")), _parsed(fault(NO_SUCH_SHELL, "a&b"))
    assert late.findtext(".//{*}Code/{*}Value") == "s:Receiver"
    assert lost.findtext(".//{*}Code/{*}Value") == "s:Sender"
    assert late.findtext(".//{*}Subcode/{*}Value") == "w:TimedOut"
    for each in (late, lost):
        told = each.find(".//{*}WSManFault")
        assert told is not None
        assert told.get("Machine") == "a&b"
        assert each.findtext("{*}Header/{*}RelatesTo") == REQUEST.message_id
    assert _parsed(no_such_command("a")).findtext(".//{*}Message") != lost.findtext(".//{*}Message")


def test_a_quota_that_is_told_as_a_wmi_error_has_its_code_nowhere_else() -> None:
    told = _parsed(wmi_fault(MAX_OPERATIONS))
    assert told.findtext(".//{*}MSFT_WmiError/{*}error_Code") == str(MAX_OPERATIONS)
    assert told.find(".//{*}WSManFault") is None
