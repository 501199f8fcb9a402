"""Two one-sided stories become one pair, and the pair finds its record.

A story belongs to the record that has (the asked server, the name without case); what is told
and not stored makes pairs of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from reconcile.evidence.inputs import JudgementInput
from reconcile.evidence.witness import Tells, Unclear, Unmanaged, Witness, Witnesses
from reconcile.model.names import Ambiguous, How, Known, Unknown, fold_relationship
from reconcile.model.nouns import Story
from reconcile.model.record import Record

#: The partners of a record whose names are both mapped.
_BOTH: Final = 2


@dataclass(frozen=True, slots=True)
class PairSide:
    """A partner of a pair: its record id (None: not mapped) and its testimony."""

    server: int | None
    witness: Witness

    @property
    def story(self) -> Story | None:
        """Return the story of this run, or None if there is none."""
        return self.witness.story if isinstance(self.witness, Tells) else None


@dataclass(frozen=True, slots=True)
class Pair:
    """A relationship between two partners.

    ``key`` is the folded name. ``sides`` are (Server1, Server2) as stored, else in order of record
    ids, the unmapped last. ``double_of`` is the key of an older record of the very same pair.
    """

    name: str
    key: str
    sides: tuple[PairSide, PairSide]
    record: Record | None
    double_of: int | None = None

    @property
    def servers(self) -> tuple[int, ...]:
        """Record ids of the partners that are known, in order of the sides."""
        return tuple(s.server for s in self.sides if s.server is not None)


def pairs(inputs: JudgementInput, witnesses: Witnesses) -> Iterator[Pair]:
    """Every pair that this run can say something about: stored ones, then new ones.

    Records of two partners come first, so that a half-mapped one of the same pair is its double.
    """
    record_of: dict[tuple[int, str], int] = {}
    for record in sorted(inputs.records, key=lambda r: (len(r.partners) < _BOTH, r.key)):
        name = fold_relationship(record.relationship_name)
        pair = _stored_pair(record, name, witnesses, record_of)
        # The scope may have the partner of a half-mapped record, whose name is mapped only now.
        servers = (*record.partners, *pair.servers)
        is_judged = record.key not in inputs.overtaken and _in_scope(inputs, name, servers)
        if not is_judged:
            record_of |= {(server, name): record.key for server in record.partners}
        # The other partner of a half-mapped record may report the relationship as well. Its story
        # belongs to this record, even if the record is not judged now.
        for side in pair.sides:
            if side.server is not None and isinstance(side.witness, Tells):
                record_of.setdefault((side.server, name), record.key)
        if is_judged:
            yield pair
    yield from _new_pairs(inputs, witnesses, record_of)


def overtaken_pairs(
    inputs: JudgementInput, witnesses: Witnesses
) -> Iterator[tuple[str, frozenset[int]]]:
    """Yield (folded name, servers) of the records that were changed after their readings.

    The servers include the partner of a half-mapped record whose name is mapped only now.
    """
    for record in inputs.records:
        if record.key in inputs.overtaken:
            name = fold_relationship(record.relationship_name)
            pair = _stored_pair(record, name, witnesses, {})
            yield name, frozenset((*record.partners, *pair.servers))


def _in_scope(inputs: JudgementInput, name: str, servers: tuple[int, ...]) -> bool:
    if inputs.only is not None and name != inputs.only:
        return False
    if inputs.targets is not None and inputs.targets.isdisjoint(servers):
        return False
    if not any(s in inputs.sightings or inputs.retired(s) for s in servers):
        return False
    return inputs.focus is None or not inputs.focus.isdisjoint(servers)


def _stored_pair(
    record: Record, name: str, witnesses: Witnesses, taken: dict[tuple[int, str], int]
) -> Pair:
    first_server, second = record.server1_record_id, record.server2_record_id
    if first_server is not None and second is not None:
        first_side = PairSide(first_server, witnesses.witness(first_server, name, second))
        two = PairSide(second, witnesses.witness(second, name, first_server))
        sides = (_kept(first_side, second), _kept(two, first_server))
        return Pair(record.relationship_name, name, sides, record)
    stored = first_server if first_server is not None else second
    if stored is None:
        raise ValueError(f"record {record.key} names no server")
    known_side, other_side = _half_pair(stored, name, witnesses)
    double = None
    if other_side.server is not None and isinstance(other_side.witness, Tells):
        double = taken.get((other_side.server, name))
    sides = (known_side, other_side) if first_server is not None else (other_side, known_side)
    return Pair(record.relationship_name, name, sides, record, double_of=double)


def _kept(side: PairSide, stored_partner: int) -> PairSide:
    """A stored partner stays the partner when its name stops resolving (R7)."""
    testimony = side.witness
    if not isinstance(testimony, Tells) or isinstance(testimony.partner, Known):
        return side
    match = How.STORED if isinstance(testimony.partner, Unknown) else How.STORED_AMBIGUOUS
    return PairSide(side.server, Tells(testimony.story, Known(stored_partner, match)))


def _half_pair(server: int, name: str, witnesses: Witnesses) -> tuple[PairSide, PairSide]:
    """Return the sides of a record with one stored partner. Its story may map the other by now."""
    witness = witnesses.witness(server, name, None)
    if not isinstance(witness, Tells):
        return PairSide(server, witness), PairSide(None, Unmanaged(Unknown("")))
    return PairSide(server, witness), _partner(server, name, witness, witnesses)


def _partner(server: int, name: str, told: Tells, witnesses: Witnesses) -> PairSide:
    match told.partner:
        case Known(partner, _):
            answer = witnesses.witness(partner, name, server)
            if isinstance(answer, Tells) and not isinstance(answer.partner, Known):
                # It tells the name, but several could be its partner: nobody knows which pair.
                return PairSide(partner, Unclear())
            return PairSide(partner, answer)
        case Unknown() | Ambiguous() as lost:
            return PairSide(None, Unmanaged(lost))


def _new_pairs(
    inputs: JudgementInput, witnesses: Witnesses, taken: dict[tuple[int, str], int]
) -> Iterator[Pair]:
    """Yield pairs of stories without a record. The two stories of a pair are yielded once."""
    covered: set[tuple[int, str]] = set()
    new = witnesses.now.keys() - taken.keys() - witnesses.duplicates
    for key in sorted(new, key=lambda k: (k[1], k[0])):
        server, name = key
        if key in covered:
            continue
        story = witnesses.now[key]
        side = PairSide(server, Tells(story, witnesses.partners[key]))
        other_side = _partner(server, name, Tells(story, witnesses.partners[key]), witnesses)
        if other_side.server is not None and isinstance(other_side.witness, Tells):
            covered.add((other_side.server, name))
        servers = (server,) if other_side.server is None else (server, other_side.server)
        if _in_scope(inputs, name, servers):
            sides = (
                (side, other_side)
                if other_side.server is None or server < other_side.server
                else (other_side, side)
            )
            yield Pair(story.name, name, sides, None)
