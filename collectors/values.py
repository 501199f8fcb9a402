"""Addresses and time spans in all spellings of PowerShell's JSON. Used by ``normalise``.

A time span becomes whole seconds.
"""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv4Address

from collectors.field import Field, is_integer, is_wrapper
from collectors.wire import Json
from reconcile.model.nouns import Scope

_INTER_NETWORK = 2  # System.Net.Sockets.AddressFamily
#: The highest IPv4 address as a number.
_HIGHEST = 0xFFFFFFFF


def ipv4(field: Field) -> int:
    """An address as a host-order number.

    ``"10.0.1.0"``, a ``System.Net.IPAddress`` object, or its bare little-endian number.

    ``IPAddressToString`` is believed before ``Address``: it is what people see, and it survives
    where exports were made anonymous by hand.
    """
    value = field.value
    if isinstance(value, str):
        return _dotted(field, value)
    if is_integer(value):
        return _little_endian(field)
    if not isinstance(value, dict) or is_wrapper(value):
        raise field.wrong("no IPv4 address")
    spelt = value.get("IPAddressToString")
    if spelt is not None:
        return ipv4_text(field.member("IPAddressToString", spelt))
    return _of_number(field, value)


def optional_ipv4(field: Field) -> str | None:
    """The dotted address, or None where the server said nothing: null and blank."""
    return None if field.value is None or field.blank() else str(IPv4Address(ipv4(field)))


def ipv4_text(field: Field) -> int:
    """A dotted address as a host-order number."""
    if not isinstance(field.value, str):
        raise field.wrong("no IPv4 address")
    return _dotted(field, field.value)


def scopes(field: Field) -> frozenset[Scope]:
    """The scopes of a relationship: null is none, a single one is not wrapped in an array.

    An array cut off to ``"10.0.1.0 10.0.2.0"`` is refused: what else was lost is unknown.
    """
    if field.value is None:
        return frozenset()
    if isinstance(field.value, list) or is_wrapper(field.value):
        return frozenset(ipv4(element) for element in field.items())
    return frozenset((ipv4(field),))


def _dotted(field: Field, text: str) -> int:
    try:
        return int(IPv4Address(text))
    except AddressValueError as error:
        raise field.wrong("blank" if field.blank() else "no IPv4 address") from error


def _of_number(field: Field, address: dict[str, Json]) -> int:
    family = address.get("AddressFamily", _INTER_NETWORK)
    if family not in (_INTER_NETWORK, "InterNetwork"):
        raise field.member("AddressFamily", family).wrong("not that of an IPv4 address")
    number = field.member("Address", address.get("Address"))
    if not is_integer(number.value):
        raise number.wrong("no IPv4 address")
    return _little_endian(number)


def _little_endian(number: Field) -> int:
    """.NET keeps the first octet in the lowest byte: 698560 is 192.168.10.0."""
    little = number.integer(0, _HIGHEST).to_bytes(4, "little")
    return int.from_bytes(little, "big")


LONGEST_SECONDS = 0xFFFFFFFF
"""MCLT and safe period are unsigned 32-bit seconds, [MS-DHCPM] 2.2.1.2.98."""

#: .NET counts a TimeSpan in ticks of 100 ns.
_TICKS_PER_SECOND = 10_000_000
#: TimeSpan's text, such as 1.02:03:04. A fraction other than zero is no whole second.
_DOT_NET = re.compile(r"(?:(\d{1,8})\.)?([01]?\d|2[0-3]):([0-5]\d):([0-5]\d)(?:\.0+)?", re.ASCII)
#: ISO 8601 as PowerShell 7 prints it, such as PT1H. At least one part must be there.
_ISO = re.compile(
    r"P(?!$)(?:(\d{1,8})D)?(?:T(?!$)(?:(\d{1,10})H)?(?:(\d{1,10})M)?(?:(\d{1,10})(?:\.0+)?S)?)?",
    re.ASCII,
)


def seconds(field: Field, *, plain: bool) -> int:
    """A duration: ``{"Ticks": ...}``, ``"1.02:03:04"`` or ``"PT1H"``.

    With ``plain`` also a number of seconds, as in our own document; elsewhere a bare number has
    no unit, and guessing one is how a lead time of an hour becomes one of 36 milliseconds.
    """
    value = field.value
    if isinstance(value, dict):
        whole = _of_object(field, value)
    elif isinstance(value, str):
        whole = _of_text(field, value)
    elif plain and is_integer(value):
        whole = value
    else:
        raise field.wrong("no duration")
    if not 0 <= whole <= LONGEST_SECONDS:
        raise field.wrong("negative" if whole < 0 else "too long for a duration")
    return whole


def _of_object(field: Field, span: dict[str, Json]) -> int:
    ticks, total = span.get("Ticks"), span.get("TotalSeconds")
    if ticks is None and total is None:
        raise field.wrong("no duration: it has neither Ticks nor TotalSeconds")
    by_total = None if total is None else _of_total(field.member("TotalSeconds", total))
    if ticks is None:
        return _whole(field, by_total)
    if not is_integer(ticks):
        raise field.member("Ticks", ticks).wrong("no number")
    by_ticks, rest = divmod(ticks, _TICKS_PER_SECOND)
    if rest:
        raise field.member("Ticks", ticks).wrong("no whole number of seconds")
    if by_total is not None and by_total != by_ticks:
        raise field.member("TotalSeconds", total).wrong(f"not what Ticks says ({by_ticks})")
    return by_ticks


def _of_total(field: Field) -> float:
    if not isinstance(field.value, int | float) or isinstance(field.value, bool):
        raise field.wrong("no number")
    return field.value


def _whole(field: Field, total: float | None) -> int:
    if total is None or total != int(total):
        raise field.member("TotalSeconds", total).wrong("no whole number of seconds")
    return int(total)


def _of_text(field: Field, text: str) -> int:
    match = _DOT_NET.fullmatch(text) or _ISO.fullmatch(text)
    if match is None:
        raise field.wrong("blank" if field.blank() else "no duration of whole seconds")
    days, hours, minutes, secs = (int(part or 0) for part in match.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + secs
