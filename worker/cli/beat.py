"""``ipam-sync beat``: the clock of the installation."""

from __future__ import annotations

import click


@click.command()
def beat() -> None:
    """Remind the workers to look who is due and what was lost, until a signal.

    It reminds them every IPAM_SYNC_TICK and IPAM_SYNC_SWEEP seconds. What is due is in the
    database, so two of them at once do no harm, and nothing is lost while none runs.

    Example: ipam-sync beat
    """
    from worker.bootstrap import settings_in_force
    from worker.processes.main import keep_time

    keep_time(settings_in_force())
