"""The Server1* and Server2* properties: who, under which names and addresses, in which state.

A server's own story tells its PSName and address; the partner's only while it never told them
itself.  Spellings and addresses of the same server are no difference.
"""

from __future__ import annotations

from dataclasses import dataclass

from reconcile.evidence.case import Case, last_story
from reconcile.evidence.pairing import PairSide
from reconcile.evidence.witness import Tells
from reconcile.model.names import Ambiguous, How, Known, Unknown, address_key, fold
from reconcile.model.nouns import Seen, ServerType, State, Story, Value


@dataclass(frozen=True, slots=True)
class _Printed:
    name: str | None
    ip: str | None


def side_values(case: Case) -> dict[str, Value]:
    """Return the known values of the side properties, without the percentage."""
    values: dict[str, Value] = {}
    for number, side, other_side in (
        (1, case.primary, case.secondary),
        (2, case.secondary, case.primary),
    ):
        prefix = f"Server{number}"
        if side.server is not None:
            values[f"{prefix}RecordId"] = side.server
            values[f"{prefix}Name"] = case.inputs.name(side.server)
        if (state := _state(case, side)) is not None:
            values[f"{prefix}State"] = state
        if not _nothing_changes(case, side, other_side):
            _names_and_addresses(case, prefix, side, other_side, values)
    return values


def _state(case: Case, side: PairSide) -> State | None:
    """Return the state in the server's own story, or for a new record the last one seen."""
    last_reported = last_story(side) if case.pair.record is None else None
    story = side.story or last_reported
    return None if story is None else story.state


def _nothing_changes(case: Case, side: PairSide, other: PairSide) -> bool:
    """A stored side stays as it is if its partner's name for it is ambiguous (R7)."""
    if case.pair.record is None or side.story is not None or not isinstance(other.witness, Tells):
        return False
    match other.witness.partner:
        case Ambiguous() | Known(_, How.STORED_AMBIGUOUS):
            return True
        case Unknown() | Known():
            return False


def _names_and_addresses(
    case: Case, prefix: str, side: PairSide, other: PairSide, values: dict[str, Value]
) -> None:
    stored_prefix = prefix if not case.swapped else f"Server{3 - int(prefix[-1])}"
    printed = _printed(case, side, other)
    for property, value in (("PSName", printed.name), ("IP", printed.ip)):
        stored = case.stored(stored_prefix + property)
        stored_name = stored if isinstance(stored, str) else None
        chosen = _chosen(case, side, stored_name, value)
        if chosen is not None:
            values[prefix + property] = chosen


def _chosen(case: Case, side: PairSide, stored: str | None, told: str | None) -> str | None:
    """The stored spelling if the told one means the same server, else the told one."""
    if stored is None or told is None or stored == told:
        return stored if told is None else told
    if fold(stored) == fold(told):
        return stored
    if side.server is None:
        return told
    is_same_server = case.inputs.names_before.denotes(
        told, side.server
    ) and case.inputs.names.denotes(stored, side.server)
    return stored if is_same_server else told


def _printed(case: Case, side: PairSide, other: PairSide) -> _Printed:
    own_story = side.story or last_story(side)
    own_values = _own(own_story)
    partner_story = other.story or last_story(other)
    partner = _of_partner(partner_story)
    name = own_values.name or _computer_name(case, side) or partner.name
    if name is None and own_story is not None and side.server is not None:
        name = case.inputs.name(side.server)
    return _Printed(name, own_values.ip or partner.ip)


def _own(story: Story | None) -> _Printed:
    """Return what the server prints about itself. Windows Server 2012 prints nothing."""
    if story is None or story.server_type is None:
        return _Printed(None, None)
    if story.server_type is ServerType.PRIMARY:
        return _Printed(story.primary_name, story.primary_ip)
    return _Printed(story.secondary_name, story.secondary_ip)


def _of_partner(story: Story | None) -> _Printed:
    """Return what the server prints about its partner. PartnerServer may be an address."""
    if story is None:
        return _Printed(None, None)
    address = address_key(story.partner)
    if story.server_type is ServerType.PRIMARY:
        return _Printed(story.secondary_name or story.partner, story.secondary_ip or address)
    if story.server_type is ServerType.SECONDARY:
        return _Printed(story.primary_name or story.partner, story.primary_ip or address)
    return _Printed(story.partner, address)


def _computer_name(case: Case, side: PairSide) -> str | None:
    sighting = None if side.server is None else case.inputs.sightings.get(side.server)
    if isinstance(sighting, Seen) and sighting.identity is not None:
        return sighting.identity.computer_name
    return None
