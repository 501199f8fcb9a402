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
    told = _said_of(finding)
    speakers = dict.fromkeys(who for words in told.values() for who in words)
    partners = [server_name(names, server) for server in finding.servers]
    speak = [*partners, *(who for who in speakers if who != IPAM)]
    ours = [IPAM] if finding.relationship is not None or IPAM in speakers else []
    columns = tuple(dict.fromkeys([*speak, *ours]))
    beside = _beside(finding, names, readings, record)
    others = dict.fromkeys(p for values in beside.values() for p in values if p not in told)
    rows = [
        _row(p, [told.get(p, {}).get(c, beside.get(c, {}).get(p)) for c in columns])
        for p in (*told, *others)
    ]
    return Comparison(columns, tuple(rows))


def _said_of(finding: Finding) -> dict[str, dict[str, str]]:
    """Return the reported values by property and witness."""
    told: dict[str, dict[str, str]] = {}
    for subject, words in finding.values:
        for who, value in words:
            told.setdefault(_state_of(who) if subject == _STATE else subject, {})[who] = value
    return told


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
        who: _Side(_told(who, story), story.scopes)
        for server, seen in readings.items()
        if (story := _story(seen, finding.relationship)) is not None
        and (who := server_name(names, server))
    }
    if record is not None:
        sides[IPAM] = _Side(_stored(record, names), record.scopes)
    every = [side.scopes for side in sides.values()]
    apart = sorted(frozenset().union(*every) - frozenset.intersection(*every)) if every else []
    return {
        who: {
            **side.values,
            _SCOPES: str(len(side.scopes)),
            **{dotted(s): "tells it" if s in side.scopes else "does not tell it" for s in apart},
        }
        for who, side in sides.items()
    }


def _story(seen: Seen, relationship: str | None) -> Story | None:
    name = None if relationship is None else fold_relationship(relationship)
    return next((s for s in seen.stories if fold_relationship(s.name) == name), None)


def _told(who: str, story: Story) -> dict[str, str]:
    values = zip(SHARED, shared_of(story), strict=True)
    told = {property: said(property, value) for property, value in values if value is not None}
    return {**told, _state_of(who): str(story.state)}


def _stored(record: Record, names: Mapping[int, str]) -> dict[str, str]:
    values = ((property, getattr(record, ATTRIBUTES[property])) for property in SHARED)
    told = {property: said(property, value) for property, value in values if value is not None}
    for server, state in (
        (record.server1_record_id, record.server1_state),
        (record.server2_record_id, record.server2_state),
    ):
        if server is not None:
            told[_state_of(server_name(names, server))] = str(state)
    return told


def _state_of(who: str) -> str:
    """Each partner has one of its own, so it is compared with IPAM's alone."""
    return f"{_STATE} of {who}"


def _row(property: str, values: Sequence[str | None]) -> Row:
    """Return a row. A value is odd if no other column has it. Of two that differ both are odd."""
    known = Counter(v for v in values if v is not None)
    odd = [len(known) > 1 and v is not None and known[v] == 1 for v in values]
    return Row(property, tuple(values), tuple(odd))
