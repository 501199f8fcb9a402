"""Judging a run piece by piece, and closing it: one holder of its lease at a time.

Whoever concludes a server tries to take the lease.  Who has it goes on until nothing is left that
could be judged, and looks for that in the very transaction in which it gives the lease back: so
either it sees a conclusion, or the one who concluded finds the lease free (rule R8).  Judging many
servers at once is also cheaper than one by one.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import Enum, auto
from typing import Final

from reconcile.doubts import Doubt, doubtful
from reconcile.model import Seen, Sighting, Standing
from reconcile.names import Known
from reconcile.plan import Draft, complete, draft
from reconcile.witness import neighbours, partner_texts
from reconcile.world import World
from worker import observing
from worker.applying import apply_entries
from worker.looking import Piece, load_world, name_map
from worker.pipeline.counting import tally
from worker.pipeline.ending import close, young_enough
from worker.pipeline.pace import Pace
from worker.pipeline.post import Post, publish
from worker.ports import Reading, Store, UnitOfWork
from worker.recording import MACHINE, Written, at_once, write_down
from worker.request import Conduct, Target
from worker.run_ports import Lane, LeaseLost, Member, OpenRun, RunLine, Stage, Turn
from worker.second_look import FURTHER_READINGS, Looked, earlier, with_distance
from worker.store_faults import StoreError

#: In the numbers of a run: so many retired servers were heard without being asked.
_HEARD: Final = "retired_heard"
#: How often who pauses looks whether there is anything to wait for.
_LOOK_SECONDS: Final = 0.1


def lease_name(run: int) -> str:
    """Of the right to judge and close it."""
    return f"run:{run}"


def settle(store: Store, post: Post, conduct: Conduct, run: int) -> None:
    """Judge what can be judged, apply it by policy, and close the run if nothing is left."""
    holder = _Holder(run, conduct.timing.lease)
    pace = Pace()
    began = time.monotonic()
    try:
        while (more := _step(store, post, conduct, holder, pace.most)) is not More.NOTHING:
            pace.took(time.monotonic() - began)
            if more is More.UNDER_WAY:
                _let_others_conclude(store, run, pace.pause_seconds)
            began = time.monotonic()
    except LeaseLost:
        observing.lease_lost(run)  # somebody took it for dead, and goes on
    except BaseException:
        holder.give_back(store)
        raise


def _let_others_conclude(store: Store, run: int, seconds: float) -> None:
    """Judging many at once costs little more than judging one; it ends when all were read."""
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        time.sleep(min(left, _LOOK_SECONDS))
        with store.read() as reading:
            if not reading.is_waited_for(run):
                return


class More(Enum):
    """What there is to do at a run after a step: ``UNDER_WAY`` are readings that others make."""

    NOTHING = auto()
    UNDER_WAY = auto()
    PERHAPS = auto()


@dataclass(slots=True)
class _Holder:
    """Who may work at the run; ``token`` None: not yet, or not as far as is committed."""

    run: int
    length: timedelta
    token: int | None = None

    def hold(self, uow: UnitOfWork) -> int | None:
        """Take the lease, or renew it; None if it is in other hands. Raises LeaseLost."""
        if self.token is None:
            return uow.take_lease(lease_name(self.run), self.length)
        uow.fence(lease_name(self.run), self.token, self.length)
        return self.token

    def give_back(self, store: Store) -> None:
        """So that nobody has to wait until it lapses; without a database it does."""
        if self.token is not None:
            with suppress(StoreError), store.write() as uow:
                uow.give_lease_back(lease_name(self.run), self.token)
                uow.commit()


def _step(store: Store, post: Post, conduct: Conduct, holder: _Holder, most: int) -> More:
    """One piece: recorded, then applied; and what there is to do afterwards.

    The lease is taken in the transaction of the first piece.
    """
    with store.write() as uow:
        run = uow.run_in_progress(holder.run)
        token = None if run is None else holder.hold(uow)
        if run is None or token is None:
            return More.NOTHING
        members = {m.server: m for m in uow.members(run.id)}
        piece = _next_piece(uow, run, members, most)
        if piece is None:
            ended = _end(uow, run, members, token, conduct)
            uow.commit()
            observing.run_closed(run.id, ended)
            return More.NOTHING
        judged = _judge(uow, run, piece, members, conduct)
        uow.commit()
    holder.token = token
    recorded = [e.planned for e in judged.written.entries if e.new]
    observing.judged(run.id, judged.pairs, recorded, judged.written.life.opened)
    publish(post, run.id, judged.again, Lane.ON_DEMAND)
    _apply(store, judged.written, holder, run, conduct)
    return More.UNDER_WAY if any(m.claimed_by for m in members.values()) else More.PERHAPS


def _next_piece(
    reading: Reading, run: OpenRun, members: Mapping[int, Member], most: int
) -> Piece | None:
    """Who concluded and was not judged; at the end those whose partners nobody could name."""
    concluded = [s for s, m in members.items() if m.stage is Stage.CONCLUDED]
    if concluded:
        focus = frozenset(sorted(concluded)[:most])
        later = {s for s, m in members.items() if m.stage is not Stage.JUDGED}
        return Piece(run.id, focus, frozenset(later - focus), reading.records(focus))
    if any(m.stage is not Stage.JUDGED for m in members.values()):
        return None
    left = {s for s, m in members.items() if m.unresolved} | _unheard(reading, run)
    return Piece(run.id, frozenset(left), frozenset(), reading.records(left)) if left else None


def _unheard(reading: Reading, run: OpenRun) -> set[int]:
    """Partners that are all retired: a person said that they tell nothing, and nobody is asked.

    A run about everything hears that once.
    """
    told = reading.run(run.id)
    if run.scope.targets is not None or told is None or told.summary.get(_HEARD):
        return set()
    retired = {s.id for s in reading.servers() if s.standing is Standing.RETIRED}
    records = reading.records(retired) if retired else ()
    return {p for r in records if retired.issuperset(r.partners) for p in r.partners}


@dataclass(frozen=True, slots=True)
class _Judged:
    """What was written down, and who has to be read again."""

    written: Written
    pairs: int
    again: frozenset[int]


def _judge(
    uow: UnitOfWork,
    run: OpenRun,
    piece: Piece,
    members: Mapping[int, Member],
    conduct: Conduct,
) -> _Judged:
    sightings = _sightings(uow, run, piece, members)
    target = Target(run.scope.targets, frozenset(members), run.scope.only)
    world = load_world(uow, sightings, target, conduct, piece)
    drafted = draft(world)
    again, unsettled = _doubts(drafted, world, members)
    if again:
        world = replace(world, awaited=world.awaited | again.keys())
        drafted = draft(world)
    plan = complete(drafted, uow.holders(drafted.takes))
    plan = with_distance(plan, Looked(sightings, unsettled))
    written = write_down(uow, run.id, world, plan)
    for server, subjects in again.items():
        uow.read_again(run.id, server, subjects)
    over = piece.focus & members.keys() - again.keys()
    counted = tally(uow, run.id, drafted, over)
    turns = {s: Turn(_is_unresolved(world, s), marks) for s, marks in counted.marks.items()}
    uow.judged(run.id, turns)
    uow.add_lines(run.id, [RunLine(e.number, e.new, e.confirmed) for e in written.entries])
    uow.tell_progress(
        run.id,
        {
            **counted.numbers,
            _HEARD: len(piece.focus - members.keys()),
            "superseded": len(plan.superseded),
            "findings_opened": len(written.life.opened),
            "findings_resolved": len(written.life.resolved),
        },
    )
    return _Judged(written, counted.numbers["pairs"], frozenset(again))


def _sightings(
    reading: Reading, run: OpenRun, piece: Piece, members: Mapping[int, Member]
) -> dict[int, Sighting]:
    """What the focus told, and what those told who were judged before and are its partners."""
    mine = dict(reading.seen_in(run.id, piece.focus & members.keys()))
    ready = members.keys() - piece.awaited - mine.keys()
    if not piece.awaited and any(m.unresolved for m in members.values()):
        return {**mine, **reading.seen_in(run.id, ready)}  # anybody may be meant
    partners = {p for record in piece.records for p in record.partners}
    partners |= neighbours(name_map(reading.servers()), mine.values())
    return {**mine, **reading.seen_in(run.id, partners & ready)}


def _doubts(
    drafted: Draft, world: World, members: Mapping[int, Member]
) -> tuple[dict[int, list[str]], frozenset[str]]:
    """Whom to read again, and for what; and what further readings did not settle (rule R2)."""
    looked = {subject for member in members.values() for subject in member.looked}
    again: defaultdict[int, list[str]] = defaultdict(list)
    unsettled: set[str] = set()
    for doubt in _new(doubtful(drafted, world), looked):
        server = earlier(doubt.servers, world.sightings)
        member = members.get(server)
        if member is None:
            continue
        if member.readings > FURTHER_READINGS:
            unsettled.add(doubt.subject)
        else:
            again[server].append(doubt.subject)
    return dict(again), frozenset(unsettled)


def _new(doubts: Collection[Doubt], looked: Collection[str]) -> list[Doubt]:
    return [doubt for doubt in doubts if doubt.subject not in looked]


def _is_unresolved(world: World, server: int) -> bool:
    """True if something of it waits until everybody was heard."""
    if not world.awaited:
        return False
    if any(server in r.partners and len(r.partners) == 1 for r in world.records):
        return True
    sighting = world.sightings.get(server)
    told = sighting.stories if isinstance(sighting, Seen) else ()
    return any(
        not isinstance(world.names.resolve(partner_texts(story), server), Known) for story in told
    )


def _apply(store: Store, written: Written, holder: _Holder, run: OpenRun, conduct: Conduct) -> None:
    now = at_once(written.entries, conduct.policy)
    if not now:
        return
    with store.write() as uow:
        holder.hold(uow)
        apply_entries(uow, young_enough(uow, run, now, conduct), MACHINE, by_machine=True)
        uow.commit()


def _end(
    uow: UnitOfWork,
    run: OpenRun,
    members: Mapping[int, Member],
    token: int,
    conduct: Conduct,
) -> dict[str, object] | None:
    """Close it, with its numbers, or leave it to who concludes next."""
    if all(m.stage is Stage.JUDGED for m in members.values()) and uow.end_run_if_done(run.id):
        numbers = close(uow, run, conduct)
        uow.forget_lease(lease_name(run.id))
        return numbers
    uow.give_lease_back(lease_name(run.id), token)
    return None
