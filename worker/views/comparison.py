"""What two partners and IPAM have, side by side: pure, for tables and for JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from reconcile.judging.truth import SHARED, shared_of
from reconcile.model.findings import Finding
from reconcile.model.formatting import dotted, said
from reconcile.model.names import fold_relationship
from reconcile.model.nouns import Scope, Seen, Story
from reconcile.model.record import ATTRIBUTES, Record
from worker.views.operations import server_name

IPAM: Final = "IPAM"
_SCOPES: Final = "Scopes"
_STATE: Final = "State"


@dataclass(frozen=True, slots=True)
class Row:
    """A property as each column has it, None where it is not known.

    ``differs`` marks odd values.
    """

    property: str
    values: tuple[str | None, ...]
    differs: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """A comparison of the partners, and of IPAM if it has a value. Disputes come first."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class _Side:
    values: Mapping[str, str]
    scopes: frozenset[Scope]


def compared(
    finding: Finding,
    names: Mapping[int, str],
    readings: Mapping[int, Seen],
    record: Record | None,
) -> Comparison:
    """Compare the finding's testimonies, then the latest readings and the database."""
    testimonies = _said_of(finding)
    speakers = dict.fromkeys(witness for words in testimonies.values() for witness in words)
    partners = [server_name(names, server) for server in finding.servers]
    speak = [*partners, *(witness for witness in speakers if witness != IPAM)]
    ours = [IPAM] if finding.relationship is not None or IPAM in speakers else []
    columns = tuple(dict.fromkeys([*speak, *ours]))
    further_values = _beside(finding, names, readings, record)
    other_properties = dict.fromkeys(
        p for values in further_values.values() for p in values if p not in testimonies
    )
    rows = [
        _row(p, [testimonies.get(p, {}).get(c, further_values.get(c, {}).get(p)) for c in columns])
        for p in (*testimonies, *other_properties)
    ]
    return Comparison(columns, tuple(rows))


def _said_of(finding: Finding) -> dict[str, dict[str, str]]:
    """Return the reported values by property and witness."""
    testimonies: dict[str, dict[str, str]] = {}
    for subject, words in finding.values:
        for witness, value in words:
            testimonies.setdefault(_state_of(witness) if subject == _STATE else subject, {})[
                witness
            ] = value
    return testimonies


def _beside(
    finding: Finding,
    names: Mapping[int, str],
    readings: Mapping[int, Seen],
    record: Record | None,
) -> dict[str, dict[str, str]]:
    """Return each side's values by property.

    Of scopes it returns the number, and each scope that not all sides have.
    """
    sides = {
        witness: _Side(_told(witness, story), story.scopes)
        for server, reading in readings.items()
        if (story := _story(reading, finding.relationship)) is not None
        and (witness := server_name(names, server))
    }
    if record is not None:
        sides[IPAM] = _Side(_stored(record, names), record.scopes)
    scope_sets = [side.scopes for side in sides.values()]
    differing = (
        sorted(frozenset().union(*scope_sets) - frozenset.intersection(*scope_sets))
        if scope_sets
        else []
    )
    return {
        witness: {
            **side.values,
            _SCOPES: str(len(side.scopes)),
            **{
                dotted(s): "tells it" if s in side.scopes else "does not tell it" for s in differing
            },
        }
        for witness, side in sides.items()
    }


def _story(seen: Seen, relationship: str | None) -> Story | None:
    name = None if relationship is None else fold_relationship(relationship)
    return next((s for s in seen.stories if fold_relationship(s.name) == name), None)


def _told(who: str, story: Story) -> dict[str, str]:
    values = zip(SHARED, shared_of(story), strict=True)
    words = {property: said(property, value) for property, value in values if value is not None}
    return {**words, _state_of(who): str(story.state)}


def _stored(record: Record, names: Mapping[int, str]) -> dict[str, str]:
    values = ((property, getattr(record, ATTRIBUTES[property])) for property in SHARED)
    words = {property: said(property, value) for property, value in values if value is not None}
    for server, state in (
        (record.server1_record_id, record.server1_state),
        (record.server2_record_id, record.server2_state),
    ):
        if server is not None:
            words[_state_of(server_name(names, server))] = str(state)
    return words


def _state_of(who: str) -> str:
    """Each partner has one of its own, so it is compared with IPAM's alone."""
    return f"{_STATE} of {who}"


def _row(property: str, values: Sequence[str | None]) -> Row:
    """Return a row. A value is odd if no other column has it. Of two that differ both are odd."""
    counts = Counter(v for v in values if v is not None)
    is_odd = [len(counts) > 1 and v is not None and counts[v] == 1 for v in values]
    return Row(property, tuple(values), tuple(is_odd))
