"""Judging a run piece by piece, and closing it: one holder of its lease at a time.

Whoever concludes a server tries to take the lease.  Who has it goes on until nothing is left that
could be judged, and looks for that in the very transaction in which it gives the lease back: so
either it sees a conclusion, or the one who concluded finds the lease free (rule R8).  Judging many
servers at once is also cheaper than one by one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from reconcile.doubts import Doubt, doubtful
from reconcile.model import Sighting, Standing
from reconcile.plan import Draft, complete, draft
from reconcile.witness import neighbours
from reconcile.world import World
from worker import observing
from worker.applying import apply_entries
from worker.looking import Piece, load_world, name_map
from worker.pipeline.ending import close, young_enough
from worker.pipeline.post import Post, publish
from worker.pipeline.waiting import anybody_may_be_meant, judged_first, waited_enough, waits
from worker.ports import Reading, Store, UnitOfWork
from worker.recording import MACHINE, Written, at_once, write_down
from worker.request import Conduct, Target
from worker.run_ports import Lane, LeaseLost, Member, OpenRun, RunLine, Stage
from worker.second_look import FURTHER_READINGS, Looked, earlier, with_distance
from worker.store_faults import StoreError

#: In the numbers of a run: so many retired servers were heard without being asked.
_HEARD: Final = "retired_heard"
#: Servers judged in one transaction: the one writer must not be kept from others for long.
_MOST_AT_ONCE: Final = 40


def lease_name(run: int) -> str:
    """Of the right to judge and close it."""
    return f"run:{run}"


def settle(store: Store, post: Post, conduct: Conduct, run: int) -> None:
    """Judge what can be judged, apply it by policy, and close the run if nothing is left."""
    holder = _Holder(run, conduct.timing.lease)
    try:
        while _step(store, post, conduct, holder):
            pass
    except LeaseLost:
        observing.lease_lost(run)  # somebody took it for dead, and goes on
    except BaseException:
        holder.give_back(store)
        raise


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


def _step(store: Store, post: Post, conduct: Conduct, holder: _Holder) -> bool:
    """One piece: recorded, then applied. False when there is nothing more for us to do.

    The lease is taken in the transaction of the first piece.
    """
    with store.write() as uow:
        run = uow.run_in_progress(holder.run)
        token = None if run is None else holder.hold(uow)
        if run is None or token is None:
            return False
        members = {m.server: m for m in uow.members(run.id)}
        piece = _next_piece(uow, run, members)
        if piece is None:
            ended = _end(uow, run, members, token, conduct)
            uow.commit()
            observing.run_closed(run.id, ended)
            return False
        judged = _judge(uow, run, piece, members, conduct)
        uow.commit()
    holder.token = token
    recorded = [e.planned for e in judged.written.entries if e.new]
    observing.judged(run.id, judged.pairs, recorded, judged.written.life.opened)
    publish(post, run.id, judged.again, Lane.ON_DEMAND)
    _apply(store, judged.written, holder, run, conduct)
    return True


def _next_piece(reading: Reading, run: OpenRun, members: Mapping[int, Member]) -> Piece | None:
    """Who concluded and was not judged; at the end those who waited for everybody."""
    concluded = [s for s, m in members.items() if m.stage is Stage.CONCLUDED]
    if concluded:
        focus = frozenset(sorted(concluded)[:_MOST_AT_ONCE])
        later = {s for s, m in members.items() if m.stage is not Stage.JUDGED}
        return Piece(run.id, focus, frozenset(later - focus))
    if any(m.stage is not Stage.JUDGED for m in members.values()):
        return None
    waiting = sorted(s for s, m in members.items() if m.unresolved)
    left = frozenset(waiting[:_MOST_AT_ONCE]) | _unheard(reading, run)
    return Piece(run.id, left, frozenset()) if left else None


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
    uow.judged(
        run.id,
        {
            **dict.fromkeys(waited_enough(uow, world, members), False),
            **{server: waits(world, server) for server in over},
        },
    )
    uow.add_lines(run.id, [RunLine(e.number, e.new, e.confirmed) for e in written.entries])
    pairs = judged_first(plan.judged.pairs, world, members)
    uow.tell_progress(
        run.id,
        {
            _HEARD: len(piece.focus - members.keys()),
            "pairs": pairs,
            "superseded": len(plan.superseded),
            "overtaken": len(plan.overtaken),
            "paused": plan.paused,
            "findings_opened": len(written.life.opened),
            "findings_resolved": len(written.life.resolved),
        },
    )
    return _Judged(written, pairs, frozenset(again))


def _sightings(
    reading: Reading, run: OpenRun, piece: Piece, members: Mapping[int, Member]
) -> dict[int, Sighting]:
    """What the focus told, and what those told who were judged before and are its partners."""
    mine = dict(reading.seen_in(run.id, piece.focus & members.keys()))
    ready = members.keys() - piece.awaited - mine.keys()
    names, records = name_map(reading.servers()), reading.records(piece.focus)
    if not piece.awaited and anybody_may_be_meant(names, mine.values(), records):
        return {**mine, **reading.seen_in(run.id, ready)}
    partners = {p for record in records for p in record.partners}
    partners |= neighbours(names, mine.values())
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
