"""``ipam-sync worker``: processes that read servers, judge and apply, fed by the broker."""

from __future__ import annotations

from typing import Final

import click

from worker.cli.options import OneOf
from worker.model.roles import Role

_EVERY_ROLE: Final = "all"


@click.command()
@click.option(
    "--role",
    type=OneOf((_EVERY_ROLE, *Role)),
    default=_EVERY_ROLE,
    show_default=True,
    help="What it works at; all: a process of its own for each.",
)
def worker(role: str) -> None:
    """Read servers, judge and apply what the broker asks for, until a signal.

    \b
    Roles:
      read       scheduled reads, IPAM_SYNC_CONCURRENCY at once; run several of
                 these for a large fleet
      on-demand  reads that a person waits for, 8 at once
      control    judging, applying, ticks and recovery, 4 at once

    SIGTERM or Ctrl-C: readings end now, their shells are deleted, work is handed back; after 15
    seconds at most the process is gone. A second signal ends it at once. In either case nothing
    is lost: others do what it had in hand.

    \b
    Examples:
      ipam-sync worker
      ipam-sync worker --role read
    """
    from worker.bootstrap import alerting_in_force, settings_in_force

    if role == _EVERY_ROLE:
        from worker.processes.visible import logged
        from worker.telemetry import events
        from worker.up.machine import run_workers

        settings = settings_in_force()
        alerting_in_force(settings)  # or the one of control would be started again and again
        with logged(settings, _EVERY_ROLE):
            run_workers(events.supervised)
        return
    from worker.processes.main import work

    work(settings_in_force(), Role(role))
