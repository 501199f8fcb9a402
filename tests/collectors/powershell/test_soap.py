"""What may be asked for and what is believed of an answer."""

from __future__ import annotations

import base64
import xml.etree.ElementTree as ET
from collections.abc import Callable

import pytest

from collectors.powershell import soap
from collectors.powershell.soap import Malformed, Message

MESSAGE = Message("uuid:0A-1B", "")
SHELL = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"
NAMESPACES = (
    'xmlns:s="http://www.w3.org/2003/05/soap-envelope"'
    ' xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing"'
    ' xmlns:w="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"'
    f' xmlns:rsp="{SHELL}"'
)


def _answer(body: str, relates_to: str = "uuid:0a-1b") -> ET.Element:
    return soap.answer(
        f"<s:Envelope {NAMESPACES}><s:Header><a:RelatesTo>{relates_to}</a:RelatesTo></s:Header>"
        f"<s:Body>{body}</s:Body></s:Envelope>".encode(),
        MESSAGE,
    )


def _stream(name: str, content: bytes) -> str:
    return (
        f'<rsp:Stream Name="{name}" CommandId="C">{base64.b64encode(content).decode()}</rsp:Stream>'
    )


def _state(state: str, inside: str = "", command: str = "C") -> str:
    return f'<rsp:CommandState CommandId="{command}" State="{SHELL}/CommandState/{state}">{inside}</rsp:CommandState>'


DONE = _state("Done", "<rsp:ExitCode>0</rsp:ExitCode>")


def test_every_request_is_well_formed_and_means_what_it_was_given() -> None:
    hostile = 'a<b&"c'
    messages = [
        soap.create(hostile, 20, 180),
        soap.command(hostile, 20, hostile, "p.exe", [hostile, "x"]),
        soap.receive(hostile, 20, hostile, hostile),
        soap.terminate(hostile, 20, hostile, hostile),
        soap.delete(hostile, 20, hostile),
    ]
    assert len({message.id for message in messages}) == len(messages)
    envelopes = [ET.fromstring(message.text) for message in messages]  # noqa: S314 - our own
    for message, envelope in zip(messages, envelopes, strict=True):
        assert envelope.findtext(".//{*}To") == hostile
        assert envelope.findtext(".//{*}MessageID") == message.id
        assert envelope.findtext(".//{*}OperationTimeout") == "PT20.000S"
        assert all(selector.text == hostile for selector in envelope.iter("{*}Selector"))
    created, commanded, received, terminated, _ = envelopes
    assert created.findtext(".//{*}IdleTimeOut") == "PT180.000S"
    assert {o.get("Name"): o.text for o in created.iterfind(".//{*}Option")} == {
        "WINRS_NOPROFILE": "TRUE",
        "WINRS_CODEPAGE": "65001",
    }
    assert commanded.findtext(".//{*}Arguments") == f"{hostile} x"
    desired = received.find(".//{*}DesiredStream")
    signal = terminated.find(".//{*}Signal")
    assert desired is not None
    assert signal is not None
    assert desired.get("CommandId") == signal.get("CommandId") == hostile


def test_output_in_several_pieces_is_put_together_by_stream() -> None:
    body = _answer(
        _stream("stdout", b"a") + _stream("stderr", b"e") + _stream("stdout", b"b") + DONE
    )
    assert soap.received(body, "c") == soap.Received(b"ab", b"e", 0)


@pytest.mark.parametrize("state", ["Running", "Pending"])
def test_a_command_that_runs_has_no_exit_code_yet(state: str) -> None:
    assert soap.received(_answer(_state(state)), "C").exit_code is None


def test_an_exit_code_may_be_negative() -> None:
    done = _state("Done", "<rsp:ExitCode> -1073741510 </rsp:ExitCode>")
    assert soap.received(_answer(done), "C").exit_code == -1073741510


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "no well-formed XML"),
        (b"<html><p></html>", "no well-formed XML"),
        (b"<a>\xff</a>", "no well-formed XML"),
        (b'<?xml version="1.0" encoding="klingon"?><a/>', "no well-formed XML"),
        (b"<html/>", "no SOAP envelope"),
        (b'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"/>', "without RelatesTo"),
    ],
)
def test_what_is_no_envelope_is_malformed(content: bytes, problem: str) -> None:
    with pytest.raises(Malformed, match=problem):
        soap.answer(content, MESSAGE)


def test_an_answer_to_another_request_is_malformed() -> None:
    with pytest.raises(Malformed, match="RelatesTo differs"):
        _answer(DONE, relates_to="uuid:other")


def test_an_envelope_without_a_body_is_malformed() -> None:
    head = f"<s:Envelope {NAMESPACES}><s:Header><a:RelatesTo>uuid:0A-1B</a:RelatesTo></s:Header>"
    with pytest.raises(Malformed, match="without a Body"):
        soap.answer(f"{head}</s:Envelope>".encode(), MESSAGE)


@pytest.mark.parametrize(
    ("read", "body", "problem"),
    [
        (soap.shell_id, "", "without ShellId"),
        (soap.shell_id, '<w:Selector Name="ShellId"> </w:Selector>', "without ShellId"),
        (soap.command_id, "<rsp:CommandResponse/>", "without CommandId"),
        (lambda body: soap.received(body, "C"), "", "without the state"),
        (lambda body: soap.received(body, "C"), _state("Done", command="D"), "without the state"),
        (lambda body: soap.received(body, "C"), _state("Done"), "without ExitCode"),
        (lambda body: soap.received(body, "C"), _state("Gone"), "unknown state"),
        (
            lambda body: soap.received(body, "C"),
            _state("Done", "<rsp:ExitCode>no</rsp:ExitCode>"),
            "no number",
        ),
        (
            lambda body: soap.received(body, "C"),
            '<rsp:Stream Name="stdout">%%%</rsp:Stream>' + DONE,
            "base64",
        ),
        (
            lambda body: soap.received(body, "C"),
            '<rsp:Stream Name="stdout">é</rsp:Stream>' + DONE,
            "base64",
        ),
        (
            lambda body: soap.received(body, "C"),
            _stream("\x7f[31m", b"x") + DONE,
            r"unknown stream, \"\\x7f",
        ),
    ],
)
def test_an_answer_that_lacks_what_it_must_tell_is_malformed(
    read: Callable[[ET.Element], object], body: str, problem: str
) -> None:
    with pytest.raises(Malformed, match=problem):
        read(_answer(body))
