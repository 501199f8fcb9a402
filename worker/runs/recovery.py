"""Recovery: what a dead process or a lost message left undone is found in the store and sent again.

The broker's own redelivery is never waited for.  Everything here may happen twice without harm.
"""

from __future__ import annotations

from typing import Final

from worker.config.run_policy import Timing
from worker.messaging.dispatcher import Post, publish
from worker.model.runs import Lane, OpenRun, Stage, lease_name
from worker.store.unit_of_work import Store, Transaction
from worker.telemetry.events import EventRecorder

_LEASE: Final = "sweep"


def sweep(store: Store, post: Post, timing: Timing, recorder: EventRecorder) -> None:
    """Send again what waits for nobody; nothing if another sweep just looked."""
    queued = {lane: post.waiting(lane) for lane in Lane}
    with store.write() as uow:
        if uow.leases.acquire(_LEASE, timing.sweep / 2) is None:
            return
        dead = [p for p in uow.processes.registered() if not p.is_alive]
        uow.processes.remove([p.id for p in dead])
        to_read: list[tuple[OpenRun, frozenset[int]]] = []
        to_settle: list[int] = []
        for run in uow.runs.in_progress():
            lost = _lost(uow, run, queued[run.lane], timing)
            uow.members.mark_dispatched(run.id, lost)
            to_read.append((run, lost))
            if _is_stuck(uow, run):
                to_settle.append(run.id)
        uow.commit()
    recorder.processes_lost([p.name for p in dead])
    for run, servers in to_read:
        recorder.sent_again(run.id, servers)
        publish(post, run.id, servers, run.lane)
    for number in to_settle:
        recorder.taken_up_again(number)
        post.settle(number)


def _lost(reading: Transaction, run: OpenRun, queued: int | None, timing: Timing) -> frozenset[int]:
    """Who waits although no message does; with a broker that cannot say, after a while."""
    if queued:
        return frozenset()
    patience = timing.sweep if queued == 0 else timing.interval
    return reading.members.unclaimed(run.id, reading.now() - patience)


def _is_stuck(reading: Transaction, run: OpenRun) -> bool:
    """True if something can be judged or closed, and nobody is at it."""
    if reading.leases.is_held(lease_name(run.id)):
        return False
    stages = reading.members.stage_counts(run.id)
    return Stage.CONCLUDED in stages or stages.keys() <= {Stage.JUDGED}
