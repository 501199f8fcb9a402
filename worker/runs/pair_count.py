"""How many pairs a run judged, each counted once however often it had its turn.

A server that is read again is judged again with all its pairs; so is, at the end, one of which
something had to wait for the names of others.  Used by ``judge``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final, TypeAlias

from reconcile.model.names import fold_relationship
from reconcile.planning.plan import Draft
from worker.store.repositories.run_members import RunMemberRepository

#: A folded name and the servers it is between.
Pair: TypeAlias = tuple[str, frozenset[int]]

#: Only the marks of two servers are ever compared, some hundred at most.
_MARK_BYTES: Final = 6
_JUDGED: Final = "pairs"
_OVERTAKEN: Final = "overtaken"


@dataclass(frozen=True, slots=True)
class Tally:
    """What is new to the run's numbers, and the marks that each server is to keep of it."""

    numbers: Mapping[str, int]
    marks: Mapping[int, tuple[int, ...]]


def tally(members: RunMemberRepository, run: int, draft: Draft, over: Collection[int]) -> Tally:
    """Count what was not counted before; ``over`` are the members whose turn this was."""
    told = _told(draft)
    marks = members.marks(run, {s for pairs in told.values() for _, ss in pairs for s in ss})
    known = frozenset(mark for of_one in marks.values() for mark in of_one)
    numbers: dict[str, int] = {}
    kept = {server: marks.get(server, ()) for server in over}
    for word, pairs in told.items():
        new = {_mark(word, pair): pair for pair in pairs if not _is_known(word, pair, known)}
        numbers[word] = len(new)
        for mark, (_, servers) in sorted(new.items()):
            if mine := servers & kept.keys():
                kept[min(mine)] += (mark,)
    return Tally(numbers, kept)


def _told(draft: Draft) -> dict[str, frozenset[Pair]]:
    """What the plan came to, by the word of the run's summary."""
    plan, inputs = draft.plan, draft.inputs
    overtaken = frozenset(
        (fold_relationship(r.relationship_name), frozenset(r.partners))
        for r in inputs.records
        if r.key in inputs.overtaken
    )
    return {
        _JUDGED: frozenset(
            (name, about) for name, all_ in plan.judged.pairs.items() for about in all_
        ),
        _OVERTAKEN: overtaken,
        "paused": frozenset(p for p in plan.judged.left - overtaken if inputs.turn_of(p[1])),
    }


def _is_known(word: str, pair: Pair, known: frozenset[int]) -> bool:
    """What the run itself changed when it judged a pair does not overtake it."""
    words = (word, _JUDGED) if word == _OVERTAKEN else (word,)
    return any(_mark(w, pair) in known for w in words)


def _mark(word: str, pair: Pair) -> int:
    name, servers = pair
    text = "\0".join((word, name, *map(str, sorted(servers))))
    return int.from_bytes(blake2b(text.encode(), digest_size=_MARK_BYTES).digest())
