"""What a piece adds to the numbers of its run: a relationship that has its turn twice counts once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeAlias

from reconcile.names import fold_relationship
from reconcile.plan import Plan
from reconcile.record import Record
from reconcile.world import World
from worker.looking import Piece
from worker.ports import Reading
from worker.run_ports import Member, Stage

_BOTH: Final = 2

#: A relationship: its folded name and its partners.
Told: TypeAlias = tuple[str, frozenset[int]]


def judged_now(plan: Plan, world: World, piece: Piece, members: Mapping[int, Member]) -> int:
    """Pairs that were not judged before in this run, but for those of who was read again."""
    pairs = {(name, about) for name, several in plan.judged.pairs.items() for about in several}
    return len(pairs - _had_their_turn(world, piece, members))


def overtaken_now(
    reading: Reading,
    run: int,
    plan: Plan,
    world: World,
    piece: Piece,
    members: Mapping[int, Member],
) -> int:
    """Pairs that somebody else changed: what the run itself did is no newer change (R1)."""
    if not plan.overtaken:
        return 0
    own = {e.planned.record for e in reading.entries_by_number(reading.lines_of(run))}
    changed = [r for r in world.records if r.key in plan.overtaken and r.key not in own]
    return len({_told(r) for r in changed} - _had_their_turn(world, piece, members))


def _had_their_turn(world: World, piece: Piece, members: Mapping[int, Member]) -> frozenset[Told]:
    """In the last piece, for which everybody was heard: those whose partners were known all along."""
    if any(s in members and members[s].stage is not Stage.JUDGED for s in piece.focus):
        return frozenset()
    return frozenset(
        _told(r)
        for r in world.records
        if len(r.partners) == _BOTH and members.keys() >= frozenset(r.partners)
    )


def _told(record: Record) -> Told:
    return fold_relationship(record.relationship_name), frozenset(record.partners)
