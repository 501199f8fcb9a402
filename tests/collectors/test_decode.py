"""Bytes become a document or a named error: encodings, JSON, envelopes."""

from __future__ import annotations

import codecs
import json

import pytest

from collectors import decode as decoding
from collectors.base import DecodeError, EmptyOutput
from collectors.decode import decode
from collectors.quote import escaped, quoted
from collectors.wire import ReportedFailure
from tests.collectors.powershell_json import (
    failed_document,
    host,
    own_document,
    ps51,
    relationship,
)

SERVER = "dhcp01.corp.example"
TOLD = (relationship("Zürich<-->Genève"), relationship("hq-branch"))


def names(content: bytes) -> list[object]:
    return [told["Name"] for told in decode(content, SERVER).relationships]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(ps51(TOLD), id="UTF-8"),
        pytest.param(ps51(TOLD, encoding="utf-8-sig"), id="UTF-8 with BOM"),
        pytest.param(
            codecs.BOM_UTF16_LE + ps51(TOLD, encoding="utf-16-le"), id="UTF-16 LE with BOM"
        ),
        pytest.param(
            codecs.BOM_UTF16_BE + ps51(TOLD, encoding="utf-16-be"), id="UTF-16 BE with BOM"
        ),
        pytest.param(ps51(TOLD, encoding="utf-16-le"), id="UTF-16 LE without BOM"),
        pytest.param(ps51(TOLD, encoding="utf-16-be"), id="UTF-16 BE without BOM"),
        pytest.param(ps51(TOLD, compress=True), id="compressed"),
        pytest.param(ps51(TOLD, wrapped=True), id="value and Count"),
    ],
)
def test_every_way_to_save_an_export_reads_the_same(content: bytes) -> None:
    assert names(content) == ["Zürich<-->Genève", "hq-branch"]


def test_one_piped_relationship_prints_as_an_object_and_counts_as_one() -> None:
    assert names(ps51(TOLD[:1], piped=True)) == ["Zürich<-->Genève"]


@pytest.mark.parametrize("content", [b"[]", b"[\r\n\r\n]\r\n", b'{"value":[],"Count":0}'])
def test_an_empty_array_is_an_empty_read(content: bytes) -> None:
    assert decode(content, SERVER).relationships == ()


@pytest.mark.parametrize(
    "content",
    [b"", b" \r\n\t ", codecs.BOM_UTF8, codecs.BOM_UTF16_LE + b"\r\0\n\0", b"null", b" null\r\n"],
)
def test_no_output_and_null_are_failed_reads(content: bytes) -> None:
    with pytest.raises(EmptyOutput) as caught:
        decode(content, SERVER)
    failure = caught.value.to_failure()
    assert failure.code == "empty_output"
    assert SERVER in failure.message
    assert "-InputObject" in failure.remedy


@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param(b"M\xfcnchen", "byte 1 is not UTF-8", id="an ANSI code page"),
        pytest.param(b"\xff\xfe[\0]", "byte 4 is not UTF-16-LE", id="half a character"),
        pytest.param(b"[", "line 1 column 2 is no JSON", id="cut short"),
        pytest.param(b"[][]", "line 1 column 3 is no JSON", id="two documents"),
        pytest.param(b"Get-DhcpServerv4Failover : WIN32 5", "line 1 column 1", id="an error text"),
        pytest.param(b'{"a": "\x00"}', "is no JSON", id="a raw control character"),
        pytest.param(b'[{"a": 1, "b": {"x": 1, "x": 2}}]', '"x" twice', id="a property twice"),
        pytest.param(b'[{"a": NaN}]', "has NaN", id="NaN"),
        pytest.param(b'[{"a": -Infinity}]', "has -Infinity", id="infinity"),
        pytest.param(b'[{"a": 1e999}]', "too large", id="a float beyond infinity"),
        pytest.param(b"[" + b"9" * 5000 + b"]", "5000 digits", id="a number of 5000 digits"),
        pytest.param(b"[" * 100_000, "nested too deeply", id="deep arrays"),
        pytest.param(b'{"a":' * 100_000, "nested too deeply", id="deep objects"),
        pytest.param(b"[null]", "the output[0] is null", id="null as a relationship"),
        pytest.param(b'["x"]', 'the output[0] is "x"', id="text as a relationship"),
        pytest.param(b'"x"', 'the output is "x", which is no array', id="text only"),
        pytest.param(b"5", "the output is 5", id="a number only"),
        pytest.param(b'{"value":[],"Count":1}', "Count is 1", id="a wrong Count"),
        pytest.param(b'{"value":[],"Count":false}', "Count is false", id="no Count"),
        pytest.param(b'{"value":null,"Count":0}', "value is null", id="a null array"),
        pytest.param(b'{"value":"","Count":0}', 'value is "", which is no array', id="a cut array"),
    ],
)
def test_what_is_no_document_is_refused_naming_server_and_place(content: bytes, says: str) -> None:
    with pytest.raises(DecodeError) as caught:
        decode(content, SERVER)
    assert caught.value.message.startswith(f"{SERVER}: ")
    assert says in caught.value.message


def test_more_than_the_largest_output_is_refused_unread() -> None:
    with pytest.raises(DecodeError, match="larger than 64 MB"):
        decode(b" " * (decoding.LARGEST_BYTES + 1), SERVER)


def test_a_relationship_cut_off_to_text_names_the_depth() -> None:
    with pytest.raises(DecodeError) as caught:
        decode(b'["@{Name=hq-branch; PartnerServer=dhcp02}"]', SERVER)
    assert "depth limit" in caught.value.message
    assert "-Depth 6" in caught.value.remedy


def test_a_document_is_ours_only_by_an_integer_schema_number() -> None:
    ours = decode(own_document(TOLD, host()), SERVER)
    assert ours.schema == 1
    assert ours.host is not None
    assert len(ours.relationships) == 2
    for schema in (True, "1", None, 1.0):
        assert decode(json.dumps({"schema": schema}).encode(), SERVER).schema is None


def test_an_unknown_schema_says_which_are_known_and_to_update() -> None:
    with pytest.raises(DecodeError) as caught:
        decode(b'{"schema": 2, "anything": []}', SERVER)
    assert "schema is 2, and this ipam-sync understands 1" in caught.value.message
    assert "Update ipam-sync" in caught.value.remedy


def test_our_document_carries_the_failure_the_server_reported() -> None:
    failure = ReportedFailure(
        fqid="WIN32 1722,Get-DhcpServerv4Failover", category=None, message="RPC"
    )
    assert decode(failed_document(failure, host()), SERVER).failure == failure
    assert decode(failed_document(None, None), SERVER).failure == {
        "fqid": None,
        "category": None,
        "message": None,
    }


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"ok": None}, "ok is null"),
        ({"ok": 1}, "ok is 1"),
        ({"error": {"message": "x"}}, "error is an object with message"),
        ({"host": None}, "host is null"),
        ({"relationships": None}, "relationships is null"),
        ({"relationships": {}}, "relationships is an empty object"),
        ({"relationships": [[]]}, "relationships[0] is an array of 0"),
    ],
)
def test_our_document_must_keep_its_own_promises(change: dict[str, object], says: str) -> None:
    content = json.dumps(json.loads(own_document(TOLD, host())) | change).encode()
    with pytest.raises(DecodeError) as caught:
        decode(content, SERVER)
    assert says in caught.value.message


def test_quoted_values_are_one_short_printable_line() -> None:
    """Terminal escapes, right-to-left marks and lone surrogates never reach a terminal."""
    assert quoted("a\x1b[31m\n\u202e\ud800\x9b ü") == '"a\\x1b[31m\\n\\u202e\\ud800\\x9b ü"'
    assert escaped("x" * 100) == "x" * 80 + "..."
    assert quoted({"a": 1, "b": 2, "c": 3, "d": 4}) == "an object with a, b, c ..."
    assert quoted(None) == "null"
    assert quoted(True) == "true"
    assert quoted(1.5) == "1.5"
