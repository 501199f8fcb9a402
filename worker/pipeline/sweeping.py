"""Recovery: what a dead process or a lost message left undone is found in the store and sent again.

The broker's own redelivery is never waited for.  Everything here may happen twice without harm.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from worker import observing
from worker.pipeline.post import Post, publish
from worker.pipeline.settling import lease_name
from worker.ports import Store, UnitOfWork
from worker.request import Timing
from worker.run_ports import Lane, Member, OpenRun, Stage

_LEASE: Final = "sweep"


def sweep(store: Store, post: Post, timing: Timing) -> None:
    """Send again what waits for nobody; nothing if another sweep just looked."""
    queued = {lane: post.waiting(lane) for lane in Lane}
    with store.write() as uow:
        if uow.take_lease(_LEASE, timing.sweep / 2) is None:
            return
        dead = [p for p in uow.processes() if not p.is_alive]
        uow.remove_processes([p.id for p in dead])
        to_read: list[tuple[OpenRun, frozenset[int]]] = []
        to_settle: list[int] = []
        for run in uow.runs_in_progress():
            members = {m.server: m for m in uow.members(run.id)}
            lost = _lost(members, queued[run.lane], uow.now(), timing)
            uow.published(run.id, lost)
            to_read.append((run, lost))
            if _is_stuck(uow, run, members):
                to_settle.append(run.id)
        uow.commit()
    observing.processes_lost([p.name for p in dead])
    for run, servers in to_read:
        observing.sent_again(run.id, servers)
        publish(post, run.id, servers, run.lane)
    for number in to_settle:
        observing.taken_up_again(number)
        post.settle(number)


def _lost(
    members: Mapping[int, Member], queued: int | None, now: datetime, timing: Timing
) -> frozenset[int]:
    """Who waits although no message does; with a broker that cannot say, after a while."""
    patience = timing.sweep if queued == 0 else timing.interval
    return frozenset(
        m.server
        for m in members.values()
        if m.stage is Stage.WAITING
        and m.claimed_by is None
        and (queued == 0 or queued is None)
        and now - m.published_at >= patience
    )


def _is_stuck(uow: UnitOfWork, run: OpenRun, members: Mapping[int, Member]) -> bool:
    """True if something can be judged or closed, and nobody is at it."""
    if uow.lease_is_live(lease_name(run.id)):
        return False
    stages = {m.stage for m in members.values()}
    return Stage.CONCLUDED in stages or stages <= {Stage.JUDGED}
