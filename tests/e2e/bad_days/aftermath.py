"""What must hold after a bad day: before any further run, and after one more quiet one."""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import replace

from collectors.powershell.host import PollLimits
from reconcile.model.nouns import Operation, Seen
from reconcile.model.record import EntryStatus, Record
from tests.e2e.bad_days.installation import Installation, import_servers
from tests.worker.pristine import in_new_store
from tests.worker.runs.office import told
from worker.bootstrap import opened
from worker.config.run_policy import Policy
from worker.model.operations import EntryFilter
from worker.model.runs import EVERYTHING, Trigger
from worker.processes.inline import over_winrm
from worker.runs.targets import RunRequest


def assert_nothing_is_half_done(at: Installation, *runs: int) -> None:
    """Before any further run: over, judged, applied, and nobody holds a lease."""
    at.wait_for(*runs)
    for run in runs:
        assert_everything_was_judged(at, run)
    with at.ipam.store.read() as reading:
        for run in runs:
            assert not reading.leases.is_held(f"run:{run}")
            assert reading.members.of_run(run) == ()
        assert reading.runs.in_progress() == ()
        pending = EntryFilter(statuses=(EntryStatus.PENDING,))
        assert [v.entry for v in reading.views.operations(pending)] == []


def assert_everything_was_judged(at: Installation, run: int) -> None:
    """Each pair that the run was about and of which both partners were read."""
    summary = at.summary(run)
    read = {s.server for s in summary.sightings.values() if isinstance(s, Seen)}
    seen = {name for server, name in summary.names.items() if server in read}
    with at.ipam.store.read() as reading:
        run_view = reading.runs.find(run)
    assert run_view is not None
    about = run_view.target.removeprefix("server ")
    partners: defaultdict[str, set[str]] = defaultdict(set)
    for server in at.running.fleet.servers:
        for copy in server.copies.values():
            partners[copy.name].add(server.name)
    both = [
        names
        for names in partners.values()
        if names <= seen and (about == EVERYTHING or any(n.startswith(about) for n in names))
    ]
    removed = sum(line.planned.operation is Operation.DELETE for line in summary.lines)
    assert summary.pairs + summary.overtaken >= len(both) + removed


def assert_as_after_a_quiet_day(at: Installation, operations: int) -> None:
    """One more run, then the store is what one undisturbed sync makes of the same fleet.

    So many operations were needed ever; shells that the killed left open are no older than
    they may be, and nobody left one since.
    """
    begun = time.monotonic()
    at.run()
    assert told(at.records()) == told(quiet_inputs(at))
    planned = [entry.planned for entry in at.entries()]
    assert len(set(planned)) == len(planned) == operations, "each operation is there once"
    assert {entry.status for entry in at.entries()} == {EntryStatus.APPLIED}
    for shell in at.running.simulator.shells_left():
        since = time.monotonic() - begun
        assert since < shell.age_seconds < shell.idle_seconds <= PollLimits().idle_seconds


def quiet_inputs(at: Installation) -> tuple[Record, ...]:
    """What one sync makes of the fleet in an empty database."""
    file = at.directory / f"quiet-{next(at.numbers)}.db"
    settings = replace(at.ipam.settings, database_url=in_new_store(file), policy=Policy.AUTO)
    with opened(settings) as quiet:
        import_servers(quiet, at.directory / "papers" / "inventory.yaml")
        over_winrm(quiet).sync(RunRequest(Trigger.CLI, "quiet"))
        with quiet.store.read() as reading:
            return reading.records.load()
