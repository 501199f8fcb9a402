"""Stored against wanted: an immutable sequence of changes, without an opinion about them."""

from __future__ import annotations

from collections.abc import Mapping

from reconcile.model.nouns import Mode, Value
from reconcile.model.record import ATTRIBUTES, SIDE_PROPERTIES, PropertyChange, Record


def diff(record: Record, wanted: Mapping[str, Value]) -> tuple[PropertyChange, ...]:
    """The properties in ``wanted`` that the record has otherwise, in the order of the type."""
    return tuple(
        PropertyChange(property, stored, wanted[property])
        for property, attribute in ATTRIBUTES.items()
        if property in wanted and (stored := getattr(record, attribute)) != wanted[property]
    )


def swap(record: Record, wanted: Mapping[str, Value]) -> tuple[PropertyChange, ...]:
    """A change of order: every Server1* and Server2* property, equal or not, then what differs.

    What nobody tells of a side moves with its server.  A share of the old primary is nobody's
    any more; a reserve stays what it is.
    """
    moved = {p: getattr(record, ATTRIBUTES[_mirrored(p)]) for p in SIDE_PROPERTIES}
    if wanted.get("Mode", record.mode) is Mode.LOAD_BALANCE:
        moved["Server1Percentage"] = None
    whole = {**moved, **wanted}
    return tuple(
        PropertyChange(property, stored, whole[property])
        for property, attribute in ATTRIBUTES.items()
        if property in whole
        and ((stored := getattr(record, attribute)) != whole[property] or property in moved)
    )


def create(wanted: Mapping[str, Value]) -> tuple[PropertyChange, ...]:
    """All that is known of a new record, in the order of the type."""
    return tuple(
        PropertyChange(p, None, wanted[p]) for p in ATTRIBUTES if wanted.get(p) is not None
    )


def whole(record: Record) -> tuple[PropertyChange, ...]:
    """All that a removed record had."""
    return tuple(
        PropertyChange(p, value, None)
        for p, attribute in ATTRIBUTES.items()
        if (value := getattr(record, attribute)) is not None
    )


def _mirrored(property: str) -> str:
    """Return the same property of the other server. Server1Percentage has none."""
    if property == "Server1Percentage":
        return property
    mirror = "Server2" if property.startswith("Server1") else "Server1"
    return mirror + property.removeprefix("Server1").removeprefix("Server2")
