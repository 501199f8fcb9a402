"""One server of a run: claimed, read, concluded; each a transaction of its own, none while it talks.

A reading answers every run that was asked for before it began, so runs that overlap do not read
a server twice; at most two readings of a server are under way at once.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from collectors.powershell.host import Host
from reconcile.evidence.witness import neighbours
from reconcile.model.names import NameMap
from reconcile.model.nouns import Seen, Server, Sighting, Skipped, SkipReason, Standing
from worker.config.run_policy import RunPolicy
from worker.messaging.dispatcher import Dispatcher, publish
from worker.model.maintenance import resting
from worker.model.runs import Lane, Member, OpenRun, Poll
from worker.runs.concurrency import Bulkhead
from worker.runs.load import with_learned_names
from worker.runs.reader import Reader, SecretsOutdated, Source
from worker.runs.request import add_members
from worker.runs.schedule import has_failed, leaves_alone, next_poll
from worker.runs.write_batcher import WriteBatcher
from worker.store.claim_batch import ClaimBatch
from worker.store.unit_of_work import Store, UnitOfWork

#: Among so many of those that wait in the slow lane one is chosen.
_CHOICE: Final = 50
#: Readings of one server at once; a third one would only make a slow server slower.
_MOST_AT_ONCE: Final = 2


@dataclass(frozen=True, slots=True)
class Claimed:
    """A reading that a process has begun. With ``is_slow`` it holds a place in the bulkhead.

    ``names`` are those of the inventory then. ``source`` None: the server is not read. A person
    took it out since the run was opened, or there is no file of it.
    """

    run: OpenRun
    server: Server
    names: NameMap
    source: Source | None
    at: datetime
    process: int
    is_slow: bool


def claim(
    batcher: WriteBatcher, reader: Reader, bulkhead: Bulkhead, process: int, wanted: tuple[int, int]
) -> Claimed | None:
    """Begin to read (run, server). Return None if another process does, or there is nothing to do.

    The result is also None if the bulkhead is full. A thread that leaves it looks for the servers
    that wait for a place.
    """
    run, server = wanted
    reader.refresh(run)
    while True:
        claiming = _Claiming(reader, bulkhead, process, run, server)
        try:
            return batcher.write(server, claiming)
        except SecretsOutdated:
            claiming.give_up()
            reader.refresh(run, at_once=True)
        except BaseException:
            claiming.give_up()
            raise


@dataclass(slots=True)
class _Claiming:
    """A claim that may be tried again if it was not committed.

    It takes one place in the bulkhead.
    """

    reader: Reader
    bulkhead: Bulkhead
    process: int
    run: int
    server: int
    has_place: bool = False

    def __call__(self, batch: ClaimBatch) -> Claimed | None:
        members = batch.waiting(self.server)
        wanting = next(((r, m) for r, m in members if r.id == self.run), None)
        inventory = batch.inventory()
        server_entry = inventory.servers.get(self.server)
        if wanting is None or server_entry is None or _is_taken(*wanting, members, self.process):
            self.give_up()
            return None
        open_run, member = wanting
        is_out = server_entry.standing is not Standing.ENABLED
        source = None if is_out else _source(batch, self.reader, open_run, member, server_entry)
        may_be_slow = isinstance(source, Host) and open_run.lane is Lane.READ
        is_slow = may_be_slow and has_failed(batch.poll(self.server))
        if not is_slow:
            self.give_up()
        elif not self._has_a_place():
            return None
        at = batch.claim(self.run, self.server, self.process)
        return Claimed(open_run, server_entry, inventory.names, source, at, self.process, is_slow)

    def _has_a_place(self) -> bool:
        self.has_place = self.has_place or self.bulkhead.enter()
        return self.has_place

    def give_up(self) -> None:
        """A place that it does not need, or not any more."""
        if self.has_place:
            self.has_place = False
            self.bulkhead.leave()


def next_in_bulkhead(store: Store) -> tuple[int, int] | None:
    """Return (run, server) of a random server that waits for a place in the bulkhead.

    The choice is random, so that processes do not all try the same server.
    """
    with store.read() as reading:
        candidates = reading.members.failing(_CHOICE)
    return random.choice(candidates) if candidates else None  # noqa: S311  # spreads load, no secret


def release_claim(store: Store, dispatcher: Dispatcher, claimed: Claimed) -> None:
    """Release a claim when this process ends, and have another process read the server."""
    run, server = claimed.run, claimed.server.id
    with store.write() as uow:
        # The claim ends in the store before the message goes out. Otherwise the next worker would
        # find the server claimed.
        uow.members.mark_dispatched(run.id, [server])
        uow.commit()
    dispatcher.read(run.id, server, run.lane)


def drop_claims(
    uow: UnitOfWork, process: int, in_flight: frozenset[tuple[int, int]]
) -> dict[OpenRun, frozenset[int]]:
    """Release the claims of a process that are not in flight any more, as servers by run."""
    dropped: defaultdict[int, set[int]] = defaultdict(set)
    for run, server in uow.claims.of_process(process) - in_flight:
        dropped[run].add(server)
    for run, servers in dropped.items():
        uow.members.mark_dispatched(run, servers)
    runs = {run: uow.runs.find_in_progress(run) for run in dropped}
    return {run: frozenset(dropped[n]) for n, run in runs.items() if run is not None}


def _source(
    batch: ClaimBatch, reader: Reader, run: OpenRun, member: Member, server: Server
) -> Source | None:
    """Return how a server is read. In maintenance it is read only if a person named it.

    A server that is only a partner is not contacted while its breaker is open.
    """
    source = reader.source(batch, server, insist=member.is_target and run.lane.insists)
    if source is None:
        return None
    is_named = run.lane.insists and server.id in run.scope.named
    if not is_named and batch.windows and server.id in resting(batch.windows):
        return SkipReason.MAINTENANCE
    is_contacted = run.lane is not Lane.FILES
    if is_contacted and not member.is_target and leaves_alone(batch.poll(server.id), batch.now()):
        return SkipReason.BREAKER
    return source


def _is_taken(
    run: OpenRun, member: Member, waiting: Iterable[tuple[OpenRun, Member]], process: int
) -> bool:
    """Return whether a reading under way answers the member, or must end before another begins.

    Only the process that has the files of a run reads for it.
    """
    if run.lane is Lane.FILES and run.process != process:
        return True
    other_members = (m for other_run, m in waiting if run.shares_readings_with(other_run))
    claim_times = [m.claimed_at for m in other_members if m.claimed_by and m.claimed_at]
    if member.claimed_by is not None or len(claim_times) >= _MOST_AT_ONCE:
        return True
    return any(at >= run.started_at for at in claim_times)


@dataclass(frozen=True, slots=True)
class Concluded:
    """The result of a reading: runs to be judged, and further servers to read for each run."""

    runs: tuple[int, ...]
    to_read: tuple[tuple[OpenRun, frozenset[int]], ...]


def conclude(
    batcher: WriteBatcher, run_policy: RunPolicy, claimed: Claimed, sighting: Sighting | None
) -> Concluded:
    """Save the sighting for every run that it answers, and enlist the partners that it reports.

    None: the server is not read, and no run waits for it any more.
    """

    def write(batch: ClaimBatch) -> Concluded:
        answered: list[int] = []
        to_read: defaultdict[OpenRun, set[int]] = defaultdict(set)
        members = batch.waiting(claimed.server.id)
        for run, member in (w for w in members if w[0].shares_readings_with(claimed.run)):
            if _answers(run, member, claimed, sighting):
                _conclude(batch, run, member, sighting)
                to_read[run] |= _add_partners(batch, run, member, sighting)
                answered.append(run.id)
            elif member.claimed_by is None:
                to_read[run].add(claimed.server.id)  # it had to wait for this one to end
        other_runs = tuple((run, frozenset(servers)) for run, servers in to_read.items() if servers)
        for run, servers in other_runs:
            batch.mark_dispatched(run.id, servers)
        if isinstance(claimed.source, Host) and isinstance(sighting, Seen):
            batch.end_refusals(claimed.source.login.name)
        if answered and sighting is not None and _says_when_due(claimed, sighting):
            poll_before = batch.poll(claimed.server.id) or Poll(claimed.server.id, claimed.at)
            batch.save_poll(next_poll(poll_before, sighting, claimed.at, run_policy.timing))
        return Concluded(tuple(answered), other_runs)

    return batcher.write(claimed.server.id, write)


def _says_when_due(claimed: Claimed, sighting: Sighting) -> bool:
    """Return whether a reading changes when the server is due.

    A file that cannot be read is no failure of its server, which was not contacted.
    """
    return claimed.run.lane is not Lane.FILES or isinstance(sighting, Seen)


def _answers(run: OpenRun, member: Member, claimed: Claimed, sighting: Sighting | None) -> bool:
    """Return whether a reading concludes the member of a run.

    Of what one run left out another one may insist on, or be about it.
    """
    if member.claimed_by is not None:
        return member.claimed_by == claimed.process and member.claimed_at == claimed.at
    if isinstance(sighting, Skipped) and member.is_target:
        return False
    return run.started_at <= claimed.at


def _conclude(batch: ClaimBatch, run: OpenRun, member: Member, sighting: Sighting | None) -> None:
    """A second look that failed changes nothing: what was read first still counts."""
    keeps = member.readings > 0 and not isinstance(sighting, Seen)
    batch.conclude(run.id, member.server, None if keeps else sighting)


def _add_partners(
    batch: ClaimBatch, run: OpenRun, member: Member, sighting: Sighting | None
) -> frozenset[int]:
    """Add the partners of a target to its run, but not the partners of partners (R8)."""
    if not member.is_target or not isinstance(sighting, Seen) or run.scope.targets is None:
        return frozenset()
    inventory = batch.inventory()
    partners = neighbours(with_learned_names(inventory, {member.server: sighting}), [sighting])
    new = partners - {m.server for m in batch.members(run.id, partners)}
    enabled = {n for n in new if inventory.servers[n].standing is Standing.ENABLED}
    if not enabled:
        return frozenset()
    # They may be read just now, or concluded.
    return add_members(batch.exclusive(), run.id, run.lane, enabled, ())


def send(dispatcher: Dispatcher, concluded: Concluded) -> None:
    """Messages go out when everything is committed."""
    for run, servers in concluded.to_read:
        publish(dispatcher, run.id, servers, run.lane)
