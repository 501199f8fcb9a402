"""Looking on while workers do a run; for ``ipam-sync reconcile --wait`` and pages."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from worker.config.run_policy import RunPolicy
from worker.model.run_report import RunSummary
from worker.model.runs import MemberStage, OpenRun, Process, RunCounts
from worker.runs.ending import summary_of
from worker.store.unit_of_work import Store, Transaction

#: A progress bar looks alive at this rate.
_LOOK_SECONDS: Final = 0.25


def progress_of(reading: Transaction, run: int) -> RunCounts | None:
    """None if it is over."""
    open_run = reading.runs.find_in_progress(run)
    view = reading.runs.find(run)
    if open_run is None or view is None:
        return None
    stages = reading.members.stage_counts(run)
    members = sum(stages.values())
    new_findings = view.summary.get("findings_opened", 0)
    return RunCounts(
        servers=members,
        concluded=members - stages.get(MemberStage.WAITING, 0),
        judged=stages.get(MemberStage.JUDGED, 0),
        operations=sum(
            n for (_, is_new), n in reading.operations.counts_of_run(run).items() if is_new
        ),
        findings=new_findings if isinstance(new_findings, int) else 0,
        working=sum(p.is_alive and _takes(p, open_run) for p in reading.processes.registered()),
    )


def _takes(process: Process, run: OpenRun) -> bool:
    """Return whether a process could take the readings of a run."""
    return process.id == run.process or process.role in (run.lane.value, "all")


def follow(
    store: Store, run_policy: RunPolicy, run: int, watch: Callable[[RunCounts], None]
) -> RunSummary:
    """Wait until the run is over, and tell how far it is meanwhile."""
    while True:
        with store.read() as reading:
            progress = progress_of(reading, run)
            if progress is None:
                return summary_of(reading, run, run_policy)
        watch(progress)
        time.sleep(_LOOK_SECONDS)
