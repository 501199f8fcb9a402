"""Bytes to wire shapes, or a ``ReadError`` that names the server and the field.

Used by every collector.  What the properties of a relationship mean is ``normalise``'s business;
here only the document as such is understood: encoding, JSON, envelope.
"""

from __future__ import annotations

import codecs
import json
import math
from collections import Counter

from collectors.base import DecodeError, EmptyOutput
from collectors.field import Field, is_integer, is_wrapper
from collectors.quote import quoted
from collectors.wire import (
    SUPPORTED_SCHEMAS,
    Json,
    RawRelationship,
    ReportedFailure,
    WireDocument,
)

LARGEST_BYTES = 64 * 1024 * 1024
"""More than any server prints: 31 relationships with 10,000 scopes in UTF-16 are about 25 MB."""

_MOST_DIGITS = 20  # of an unsigned 64-bit number
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def decode(content: bytes, source: str) -> WireDocument:
    """The document in ``content``, printed by the server ``source``.

    Raises:
        EmptyOutput: nothing was printed, or null.
        DecodeError: anything else that is no document of relationships.
    """
    parsed = _parsed(_text(content, source), source)
    if parsed is None:
        raise EmptyOutput(source, "null")
    if isinstance(parsed, dict) and is_integer(schema := parsed.get("schema")):
        return _own_document(parsed, schema, source)
    return WireDocument(_raw_relationships(parsed, source))


def _text(content: bytes, source: str) -> str:
    if len(content) > LARGEST_BYTES:
        largest = LARGEST_BYTES // 1024 // 1024
        raise DecodeError(source, "the output", f"is larger than {largest} MB")
    mark, encoding = _encoding(content)
    try:
        text = content[len(mark) :].decode(encoding)
    except UnicodeDecodeError as error:
        at = error.start + len(mark)
        raise DecodeError(source, f"byte {at}", f"is not {encoding.upper()}") from error
    if not text or text.isspace():
        raise EmptyOutput(source, "empty")
    return text


def _encoding(content: bytes) -> tuple[bytes, str]:
    """The byte order mark, and the encoding by it or by where the first NUL stands.

    JSON begins with an ASCII character, so one NUL in the first two bytes is half of it.
    """
    for mark, encoding in _BYTE_ORDER_MARKS:
        if content.startswith(mark):
            return mark, encoding
    match tuple(byte == 0 for byte in content[:2]):
        case (False, True):
            return b"", "utf-16-le"
        case (True, False):
            return b"", "utf-16-be"
        case _:
            return b"", "utf-8"


class _RefusedValue(ValueError):
    """JSON that Python would take and we do not."""


def _parsed(text: str, source: str) -> Json:
    try:
        parsed: Json = json.loads(
            text,
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_float=_number,
            parse_constant=_constant,
        )
    except json.JSONDecodeError as error:
        position = f"line {error.lineno} column {error.colno}"
        excerpt = quoted(text[error.pos : error.pos + 20])
        raise DecodeError(source, position, f"is no JSON: {error.msg} at {excerpt}") from error
    except _RefusedValue as error:
        raise DecodeError(source, "the output", str(error)) from error
    except RecursionError as error:
        raise DecodeError(source, "the output", "is nested too deeply") from error
    return parsed


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    members = dict(pairs)
    if len(members) != len(pairs):
        ((name, _),) = Counter(name for name, _ in pairs).most_common(1)
        raise _RefusedValue(f"has the property {quoted(name)} twice in one object")
    return members


def _integer(text: str) -> int:
    if len(text) > _MOST_DIGITS:
        raise _RefusedValue(f"has a number of {len(text)} digits")
    return int(text)


def _number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise _RefusedValue(f"has the number {quoted(text)}, which is too large")
    return number


def _constant(text: str) -> Json:
    raise _RefusedValue(f"has {text}, which is no number")


def _raw_relationships(parsed: Json, source: str) -> tuple[RawRelationship, ...]:
    """Return the relationships. A single piped object prints as an object, several as an array."""
    if isinstance(parsed, dict) and not is_wrapper(parsed):
        return (parsed,)
    whole = Field(source, "the output", parsed)
    return tuple(element.mapping() for element in whole.items())


def _own_document(parsed: dict[str, Json], schema: int, source: str) -> WireDocument:
    if schema not in SUPPORTED_SCHEMAS:
        versions = ", ".join(map(str, SUPPORTED_SCHEMAS))
        raise DecodeError(
            source,
            "schema",
            f"is {schema}, and this ipam-sync understands {versions}",
            "Update ipam-sync, or take the export with the script of this version.",
        )
    members = {name: Field(source, name, parsed.get(name)) for name in _ENVELOPE}
    host = members["host"]
    if not members["ok"].boolean():
        host_values = None if host.value is None else host.mapping()
        return WireDocument((), schema, host_values, failure=_failure(members["error"]))
    if members["error"].value is not None:
        raise members["error"].wrong("an error in a document that says ok")
    relationships = tuple(element.mapping() for element in members["relationships"].items())
    scopes = members["scopes"]
    listed = None if scopes.value is None else tuple(s.mapping() for s in scopes.items())
    return WireDocument(relationships, schema, host.mapping(), listed)


_ENVELOPE = ("ok", "error", "host", "relationships", "scopes")


def _failure(error: Field) -> ReportedFailure:
    values = {} if error.value is None else error.mapping()

    def part(name: str) -> str | None:
        value = values.get(name)
        return value if isinstance(value, str) else None

    return ReportedFailure(fqid=part("fqid"), category=part("category"), message=part("message"))
