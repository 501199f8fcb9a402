"""``ipam-sync runs``: earlier runs and what they saw."""

from __future__ import annotations

from typing import Final

import click

from worker.cli.door import ipam, screen
from worker.cli.lazy import CommandLocation, LazyGroup
from worker.cli.options import as_json
from worker.cli.output import CommandFailed, print_json, say

_HERE: Final = "worker.cli.runs"
_COMMANDS: Final = {
    "list": CommandLocation(f"{_HERE}:list_", "List the latest runs, newest first."),
    "show": CommandLocation(f"{_HERE}:show", "Show what a run saw and recorded."),
}

runs: Final = LazyGroup(
    "runs",
    commands_at=_COMMANDS,
    help="Earlier runs and what they saw.\n\nExample: ipam-sync runs show 5",
)


@click.command("list")
@click.option(
    "--limit", type=click.IntRange(1, 100_000), default=20, show_default=True, help="At most."
)
@as_json
def list_(limit: int, as_json: bool) -> None:
    """List the latest runs, newest first.

    \b
    JSON: an array of {"run", "trigger", "who", "target", "started_at",
      "ended_at", "outcome", "summary": {numbers by name}}

    Example: ipam-sync runs list --limit 5
    """
    from worker.views.inventory import run_json
    from worker.views.runs import show_runs

    with ipam() as working, working.store.read() as reading:
        latest = reading.runs.latest(limit)
    if as_json:
        print_json([run_json(run) for run in latest])
        return
    show_runs(screen(), latest)
    if not latest:
        say("There was no run yet. Next: ipam-sync sync --exports DIR")


@click.command()
@click.argument("number", type=click.IntRange(min=1))
@as_json
def show(number: int, as_json: bool) -> None:
    """Show what a run saw and recorded.

    \b
    JSON: as in `runs list`, then "sightings": [{"server", "outcome",
      "read_at", "code", "message", "remedy"}] and
      "operations": [objects as `operations show --json` prints]

    Example: ipam-sync runs show 5
    """
    from worker.model.operations import EntryFilter
    from worker.views.inventory import run_json, sightings_json
    from worker.views.operations import entry_json
    from worker.views.runs import show_run

    with ipam() as working, working.store.read() as reading:
        run = reading.runs.find(number)
        if run is None:
            raise CommandFailed(
                "unknown_run", f"There is no run {number}. See: ipam-sync runs list"
            )
        sightings = reading.readings.sightings(number)
        entries = reading.views.operations(EntryFilter(run=number, statuses=()))
        names = {s.id: s.name for s in reading.inventory.servers()}
        current_time = reading.now()
    if as_json:
        print_json(
            {
                **run_json(run),
                "sightings": sightings_json(sightings, names),
                "operations": [entry_json(view, names) for view in entries],
            }
        )
        return
    show_run(screen(), run, {s.server: s for s in sightings}, names)
    if entries:
        from worker.views.tracker import show_entries

        show_entries(screen(), entries, current_time, working.settings.evidence_age)
