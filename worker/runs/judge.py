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
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final

from reconcile.evidence.inputs import JudgementInput
from reconcile.evidence.witness import neighbours, partner_texts
from reconcile.model.names import Known
from reconcile.model.nouns import Seen, Sighting
from reconcile.planning.doubts import MixedReadings, doubtful
from reconcile.planning.plan import Draft, complete, draft
from worker.config.run_policy import RunPolicy
from worker.messaging.dispatcher import Dispatcher, publish
from worker.model.errors import StoreError
from worker.model.runs import Lane, LeaseLost, MemberStage, OpenRun, lease_name
from worker.operations.apply import MACHINE, apply_entries, at_once
from worker.runs.concurrency import InFlightClaims
from worker.runs.ending import close, young_enough
from worker.runs.load import Piece, load_inputs
from worker.runs.next_batch import HEARD, Batch, last_batch, next_batch
from worker.runs.recheck import FURTHER_READINGS, Looked, earlier, with_distance
from worker.runs.record import RecordedBatch, write_down
from worker.runs.targets import Target
from worker.store.unit_of_work import Store, Transaction, UnitOfWork
from worker.telemetry import events
from worker.telemetry.events import EventRecorder

# How much of a run is judged at once, and how often: by how long the last piece took.
#
# What a piece costs is mostly what it costs to begin one.  A run over few servers is judged as they
# conclude; one over thousands in a few large pieces, so that judging takes a small part of the time
# in which servers are read.  The one writer is never kept from others for long.

#: Below this size the start of a batch costs more than its servers.
FEWEST: Final = 20
#: Above this size a batch would keep the writer too long.
MOST: Final = 320
#: Servers in a piece are doubled below the first and halved above the second.
_SHORT_SECONDS, _LONG_SECONDS = 0.3, 0.8
#: Between two pieces so many times as long as the last one took, and how long at most.
_PAUSES: Final = 6.0
#: People who wait for a small run notice a longer pause.
_LONGEST_PAUSE_SECONDS: Final = 2.0
#: At most this part of the lease, which is renewed by the next piece only.
_OF_LEASE: Final = 0.25


@dataclass(slots=True)
class AdaptiveBatchSize:
    """The size of a batch, and the pause before the next one.

    At most ``most`` servers are judged in one transaction. ``pause_seconds`` are a part of the
    ``lease`` of the run.
    """

    lease: timedelta
    fewest: int = FEWEST
    pause_seconds: float = 0.0
    most: int = field(init=False)

    def __post_init__(self) -> None:
        self.most = min(MOST, 2 * self.fewest)

    def adapt(self, seconds: float) -> None:
        """The last piece did."""
        longest = min(_LONGEST_PAUSE_SECONDS, _OF_LEASE * self.lease.total_seconds())
        self.pause_seconds = min(longest, _PAUSES * seconds)
        if seconds < _SHORT_SECONDS:
            self.most = min(MOST, 2 * self.most)
        elif seconds > _LONG_SECONDS:
            self.most = max(self.fewest, self.most // 2)


def judge_run(
    store: Store,
    dispatcher: Dispatcher,
    run_policy: RunPolicy,
    run: int,
    recorder: EventRecorder,
    in_flight: InFlightClaims,
    fewest: int = FEWEST,
) -> None:
    """Judge what can be judged, apply it by policy, and close the run if nothing is left.

    ``in_flight`` are the readings of this process, for which judging waits a little. At least
    ``fewest`` servers are judged at once, if so many are concluded.
    """
    with store.read() as reading:  # without waiting for the writer's turn
        if reading.leases.is_held(lease_name(run)):
            return  # who has it looks once more when it gives it back
    holder = _Holder(run, run_policy.timing.lease)
    pace = AdaptiveBatchSize(run_policy.timing.lease, fewest)
    started_at = time.monotonic()
    try:
        while _step(store, dispatcher, run_policy, holder, pace.most, recorder):
            pace.adapt(time.monotonic() - started_at)
            _let_others_conclude(store, run, in_flight, pace.pause_seconds)
            started_at = time.monotonic()
    except LeaseLost:
        recorder.lease_lost(run)  # somebody took it for dead, and goes on
    except BaseException:
        holder.release(store)
        raise


def _let_others_conclude(store: Store, run: int, in_flight: InFlightClaims, seconds: float) -> None:
    """Wait while servers of the run are being read, because judging many costs little more than one.

    The end of the last reading of this process ends the wait. Other processes cannot end it, so
    it is short.
    """
    deadline = time.monotonic() + seconds
    if not in_flight.wait(run, seconds):
        return
    with store.read() as reading:
        is_read_elsewhere = reading.claims.is_any_in(run)
    if is_read_elsewhere and (seconds_left := deadline - time.monotonic()) > 0:
        time.sleep(seconds_left)


@dataclass(slots=True)
class _Holder:
    """The lease of a run. ``token`` None: it is not held, or its transaction is not committed."""

    run: int
    length: timedelta
    token: int | None = None

    def hold(self, uow: UnitOfWork) -> int | None:
        """Take the lease, or renew it. Return None if another process has it. Raises LeaseLost."""
        if self.token is None:
            return uow.leases.acquire(lease_name(self.run), self.length)
        uow.leases.fence(lease_name(self.run), self.token, self.length)
        return self.token

    def release(self, store: Store) -> None:
        """Release the lease, so that no process waits until it lapses.

        Without a database it lapses.
        """
        if self.token is not None:
            with suppress(StoreError), store.write() as uow:
                uow.leases.release(lease_name(self.run), self.token)
                uow.commit()


def _step(
    store: Store,
    dispatcher: Dispatcher,
    run_policy: RunPolicy,
    holder: _Holder,
    most: int,
    recorder: EventRecorder,
) -> bool:
    """Judge, record and apply a batch. Return False when there is nothing more to do here.

    The lease is taken in the transaction of the first batch. Servers are concluded meanwhile.
    """
    with store.write_records() as uow:
        run = uow.runs.find_in_progress(holder.run)
        # The lease is taken or renewed in the transaction that it protects. A holder that was taken
        # for dead fails here, and nothing of its batch is kept.
        token = None if run is None else holder.hold(uow)
        if run is None or token is None:
            return False
        batch = next_batch(uow, run, most) or last_batch(uow, run, most)
        if batch is None:
            numbers = _end(uow, run, token, run_policy)
            uow.commit()
            events.run_closed(run.id, numbers)
            return False
        judged = _judge(uow, run, batch, run_policy)
        uow.commit()
    holder.token = token
    recorded = [n.planned for n in judged.written.needs if n.entry in judged.written.new]
    recorder.judged(run.id, judged.pairs, recorded, judged.written.life.opened)
    publish(dispatcher, run.id, judged.again, Lane.ON_DEMAND)
    _apply(store, judged.written, holder, run, run_policy)
    return True


@dataclass(frozen=True, slots=True)
class _JudgedBatch:
    """The record of a batch, and the servers to read again."""

    written: RecordedBatch
    pairs: int
    again: frozenset[int]


def _judge(uow: UnitOfWork, run: OpenRun, batch: Batch, run_policy: RunPolicy) -> _JudgedBatch:
    sightings, awaited = _visible_sightings(uow, run, batch)
    piece = Piece(run.id, batch.focus, awaited)
    target = Target(run.scope.targets, batch.focus, run.scope.only)
    inputs = load_inputs(uow, sightings, target, run_policy, piece)
    drafted = draft(inputs)
    rereads, unsettled = _needed_rereads(uow, run, drafted, inputs)
    if rereads:
        inputs = replace(inputs, awaited=inputs.awaited | rereads.keys())
        drafted = draft(inputs)
    plan = complete(drafted, uow.records.holders(drafted.takes))
    plan = with_distance(plan, Looked(sightings, unsettled))
    written = write_down(uow, run.id, inputs, plan, run_policy)
    # Not before the judgement, which takes long. Claims and conclusions go on meanwhile.
    uow.lock_members()
    for server, subjects in rereads.items():
        uow.members.read_again(run.id, server, subjects)
    judged = batch.focus - rereads.keys()
    uow.members.name_partners(run.id, _named(inputs, judged))
    halves = _half_mapped(inputs)
    unresolved = {server for server in judged if _is_unresolved(inputs, server, halves)}
    uow.members.mark_judged(run.id, judged, unresolved)
    confirmed = {n.entry: n.confirmed for n in written.needs if n.entry is not None}
    uow.operations.add_lines(run.id, confirmed, written.new)
    uow.runs.add_counts(
        run.id,
        {
            HEARD: batch.heard,
            "superseded": len(plan.superseded),
            "findings_opened": len(written.life.opened),
            "findings_resolved": len(written.life.resolved),
        },
    )
    pairs = sum(map(len, plan.judged.pairs.values()))
    return _JudgedBatch(written, pairs, frozenset(rereads))


def _visible_sightings(
    reading: Transaction, run: OpenRun, batch: Batch
) -> tuple[Mapping[int, Sighting], frozenset[int]]:
    """Return the sightings for a batch, and the servers that it has to wait for.

    The sightings are those of its servers, and of their partners that were judged before. It waits
    for partners in later batches. Some batches wait for all other servers.
    """
    if not batch.later and reading.members.unresolved(run.id):
        all_servers = [m.server for m in reading.members.of_run(run.id)]
        return reading.readings.of_run(run.id, all_servers), frozenset()  # anybody may be meant
    mine = reading.readings.of_run(run.id, batch.focus)
    partners = neighbours(reading.inventory.roster().names, mine.values())
    partners |= reading.records.partners(batch.focus)
    partners |= reading.members.named_by(run.id, batch.focus)
    # A rejected Create has no record, and ends when neither partner reports its relationship.
    partners |= reading.operations.partners_in_rejections(batch.focus)
    # A problem of two servers is over when neither reports their relationship any more.
    problems = reading.findings.unresolved(batch.focus)
    partners = partners.union(*(problem.finding.servers for problem in problems))
    other_members = reading.members.of_run(run.id, partners - batch.focus)
    judged = [m.server for m in other_members if m.stage is MemberStage.JUDGED]
    awaited = frozenset(m.server for m in other_members) - frozenset(judged)
    return {**mine, **reading.readings.of_run(run.id, judged)}, awaited | batch.later


def _named(inputs: JudgementInput, over: frozenset[int]) -> Mapping[int, set[int]]:
    """Return the servers whose pairs wait for a partner that does not name them, by partner."""
    stored = {frozenset(record.partners) for record in inputs.records}
    namers: defaultdict[int, set[int]] = defaultdict(set)
    for server in over & inputs.sightings.keys():
        for partner in neighbours(inputs.names, [inputs.sightings[server]]) & inputs.awaited:
            if frozenset({server, partner}) not in stored:
                namers[partner].add(server)
    return namers


def _needed_rereads(
    reading: Transaction, run: OpenRun, drafted: Draft, inputs: JudgementInput
) -> tuple[dict[int, list[str]], frozenset[str]]:
    """Return the subjects to read again, by server, and those that further readings did not settle.

    Rule R2 is the source.
    """
    if not run.lane.rereads:
        return {}, frozenset()
    doubts = doubtful(drafted.plan.findings, drafted.plan.needs, inputs)
    concerned = {server for doubt in doubts for server in doubt.servers}
    members = {m.server: m for m in reading.members.of_run(run.id, concerned)}
    settled_subjects = {subject for member in members.values() for subject in member.looked}
    rereads: defaultdict[int, list[str]] = defaultdict(list)
    unsettled: set[str] = set()
    for doubt in _new(doubts, settled_subjects):
        server = earlier(doubt.servers, inputs.sightings)
        member = members.get(server)
        if member is None:
            continue
        if member.readings > FURTHER_READINGS:
            unsettled.add(doubt.subject)
        else:
            rereads[server].append(doubt.subject)
    return dict(rereads), frozenset(unsettled)


def _new(doubts: Collection[MixedReadings], looked: Collection[str]) -> list[MixedReadings]:
    return [doubt for doubt in doubts if doubt.subject not in looked]


def _half_mapped(inputs: JudgementInput) -> frozenset[int]:
    """Return the servers with a record whose other partner is not known."""
    return frozenset(p for r in inputs.records if len(r.partners) == 1 for p in r.partners)


def _is_unresolved(inputs: JudgementInput, server: int, half_mapped: frozenset[int]) -> bool:
    """Return whether something of a server waits until everybody was heard."""
    if not inputs.awaited:
        return False
    if server in half_mapped:
        return True
    sighting = inputs.sightings.get(server)
    stories = sighting.stories if isinstance(sighting, Seen) else ()
    return any(
        not isinstance(inputs.names.resolve(partner_texts(story), server), Known)
        for story in stories
    )


def _apply(
    store: Store, written: RecordedBatch, holder: _Holder, run: OpenRun, run_policy: RunPolicy
) -> None:
    ready = at_once(written.confirmed, run_policy.policy)
    if not ready:
        return
    with store.write_records() as uow:
        # A transaction of its own: what was recorded stays if applying fails, and the next batch or
        # the close applies it.
        holder.hold(uow)
        apply_entries(uow, young_enough(uow, run, ready, run_policy), MACHINE, by_machine=True)
        uow.commit()


def _end(
    uow: UnitOfWork, run: OpenRun, token: int, run_policy: RunPolicy
) -> dict[str, object] | None:
    """Close it, with its numbers, or leave it to who concludes next."""
    if uow.runs.close_if_done(run.id):
        numbers = close(uow, run, run_policy)
        uow.leases.remove(lease_name(run.id))
        return numbers
    uow.leases.release(lease_name(run.id), token)
    return None
