"""The spellings of an IPv4 address, and of a list of them, in PowerShell's JSON."""

from __future__ import annotations

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
