"""Who is Server1: the primary, decided per pair from the best evidence of either side.

ServerType (2012 R2 and later) > ServerRole in hot standby (active = primary) > the stored order >
order by name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from reconcile.evidence.pairing import Pair, PairSide
from reconcile.evidence.witness import Silent, Tells
from reconcile.model.names import fold
from reconcile.model.nouns import Mode, ServerRole, ServerType, Story


class Ground(StrEnum):
    """Grounds that an order rests on."""

    TOLD = "told"
    STORED = "stored"
    ASSUMED = "assumed"


@dataclass(frozen=True, slots=True)
class Order:
    """The order of the sides of a pair.

    ``primary`` is the index (0 or 1) into the pair's sides, and ``conflict`` has the claim of each
    side. ``certain`` is False where no side reports an order in this run, or the sides disagree.
    """

    primary: int
    ground: Ground
    conflict: tuple[tuple[int, str], ...] = ()
    certain: bool = True


@dataclass(frozen=True, slots=True)
class _Vote:
    rank: int
    primary: int
    voter: int
    word: str


def order(pair: Pair, *, news: Callable[[int], bool], name: Callable[[PairSide], str]) -> Order:
    """Return the order of a pair. ``news(i)`` is true if side i reported another order before."""
    votes = [v for i, side in enumerate(pair.sides) if (v := _vote(side.story, i)) is not None]
    said_before = [
        v for i, side in enumerate(pair.sides) if (v := _vote(_last_story(side), i)) is not None
    ]
    if pair.record is None:
        return _new_order(pair, votes, said_before, name)
    return _stored_order(votes, said_before, news)


def _stored_order(
    fresh: list[_Vote], said_before: list[_Vote], news: Callable[[int], bool]
) -> Order:
    """A stored order changes only when all fresh stories that tell one agree on another."""
    if not any(v.primary == 1 for v in fresh):
        return Order(0, Ground.STORED, certain=bool(fresh))
    contrary = [v for v in said_before if v.primary == 0]
    agreed = all(v.primary == 1 for v in fresh)
    if agreed and (not contrary or all(news(v.voter) for v in fresh)):
        return Order(1, Ground.TOLD)
    return Order(0, Ground.STORED, _words([*fresh, *contrary]), certain=False)


def _new_order(
    pair: Pair, fresh: list[_Vote], said_before: list[_Vote], name: Callable[[PairSide], str]
) -> Order:
    votes = fresh + said_before
    conflict = _words(votes) if len({v.primary for v in votes}) > 1 else ()
    for rank in (2, 1):
        primaries = {v.primary for v in votes if v.rank == rank}
        if len(primaries) == 1:
            return Order(primaries.pop(), Ground.TOLD, conflict)
    by_name = sorted((0, 1), key=lambda i: fold(name(pair.sides[i])))
    return Order(by_name[0], Ground.ASSUMED, conflict)


def primary_by(story: Story | None, teller: int) -> int | None:
    """The index of the primary as the side ``teller`` tells it, None if it does not."""
    vote = _vote(story, teller)
    return None if vote is None else vote.primary


def _vote(story: Story | None, voter: int) -> _Vote | None:
    if story is None:
        return None
    if story.server_type is not None:
        primary = voter if story.server_type is ServerType.PRIMARY else 1 - voter
        return _Vote(2, primary, voter, story.server_type)
    if story.mode is Mode.HOT_STANDBY and story.server_role is not None:
        primary = voter if story.server_role is ServerRole.ACTIVE else 1 - voter
        return _Vote(1, primary, voter, story.server_role)
    return None


def _last_story(side: PairSide) -> Story | None:
    silent = side.witness
    if isinstance(silent, Silent) and isinstance(silent.last, Tells):
        return silent.last.story
    return None


def _words(votes: list[_Vote]) -> tuple[tuple[int, str], ...]:
    return tuple((v.voter, v.word) for v in votes)
