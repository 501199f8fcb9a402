"""Recovery: what a dead process or a lost message left undone is found in the store and sent again.

The broker's own redelivery is never waited for.  Everything here may happen twice without harm.
"""

from __future__ import annotations

from typing import Final

from reconcile.model.nouns import Skipped, SkipReason
from worker.config.run_policy import Timing
from worker.messaging.dispatcher import Dispatcher, publish
from worker.model.runs import Lane, MemberStage, OpenRun, lease_name
from worker.store.repositories.claims import Conclusion
from worker.store.unit_of_work import Store, Transaction, UnitOfWork
from worker.telemetry.events import EventRecorder

_LEASE: Final = "sweep"


def sweep(store: Store, dispatcher: Dispatcher, timing: Timing, recorder: EventRecorder) -> None:
    """Send again the messages that were lost, unless another sweep was just done."""
    queued = {lane: dispatcher.waiting(lane) for lane in (Lane.READ, Lane.ON_DEMAND)}
    with store.write() as uow:
        # Half a sweep: every control process may sweep, and one sweep is enough.
        if uow.leases.acquire(_LEASE, timing.sweep / 2) is None:
            return
        processes = uow.processes.registered()
        dead = [p for p in processes if not p.is_alive]
        alive = {p.id for p in processes if p.is_alive}
        uow.processes.remove([p.id for p in dead])
        to_read: list[tuple[OpenRun, frozenset[int]]] = []
        to_settle: list[int] = []
        for run in uow.runs.in_progress():
            if run.process in alive:
                continue
            lost = _lost(uow, run, queued.get(run.lane), timing)
            uow.members.mark_dispatched(run.id, lost)
            to_read.append((run, lost))
            if _is_stuck(uow, run):
                to_settle.append(run.id)
        uow.commit()
    recorder.processes_lost([p.name for p in dead])
    for run, servers in to_read:
        recorder.sent_again(run.id, servers)
        publish(dispatcher, run.id, servers, run.lane)
    for number in to_settle:
        recorder.taken_up_again(number)
        dispatcher.settle(number)


def _lost(uow: UnitOfWork, run: OpenRun, queued: int | None, timing: Timing) -> frozenset[int]:
    """Return the members that wait although no message does.

    A broker that cannot say how many messages it has is given more time. Nobody else has the files
    of a process that died, so its run gets no more readings.
    """
    if run.lane is Lane.FILES:
        _abandon(uow, run)
        return frozenset()
    if run.process is not None:
        uow.runs.release(run.id)
        return uow.members.unclaimed(run.id, uow.now())
    if queued:
        return frozenset()
    patience = timing.sweep if queued == 0 else timing.interval
    return uow.members.unclaimed(run.id, uow.now() - patience)


def _abandon(uow: UnitOfWork, run: OpenRun) -> None:
    """Conclude the members that wait as not read."""
    servers = [m.server for m in uow.members.of_run(run.id) if m.stage is MemberStage.WAITING]
    if servers:
        skipped = (Skipped(server, SkipReason.ABANDONED) for server in servers)
        uow.claims.conclude([Conclusion(run.id, sighting.server, sighting) for sighting in skipped])


def _is_stuck(reading: Transaction, run: OpenRun) -> bool:
    """True if something can be judged or closed, and nobody is at it."""
    if reading.leases.is_held(lease_name(run.id)):
        return False
    stages = reading.members.stage_counts(run.id)
    return MemberStage.CONCLUDED in stages or stages.keys() <= {MemberStage.JUDGED}
