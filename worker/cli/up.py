"""``ipam-sync up``: everything on one machine, in one command."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from worker.cli.output import CommandFailed, say


@click.command()
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Where everything is kept; the user's data directory if left out.",
)
@click.option(
    "--postgres", is_flag=True, help="With an embedded PostgreSQL in DIR instead of SQLite."
)
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    metavar="N",
    help="So many processes for scheduled reads.",
)
def up(data: Path | None, postgres: bool, workers: int) -> int:
    """Run everything on this machine: database, broker, workers and beat, until Ctrl-C.

    The broker is an embedded Valkey. It and PostgreSQL listen on sockets in DIR that only this
    account can reach. What is killed is started again; when this process ends or is killed, all
    of it ends. DIR/ipam-sync.toml has the settings with which other commands find database and
    broker; settings of your own may be added to it. A directory keeps the kind of database that
    it began with. Linux only.

    \b
    Examples:
      ipam-sync up
      ipam-sync up --data /srv/ipam-sync --postgres --workers 2
    """
    if sys.platform != "linux":
        raise CommandFailed(
            "cannot_run",
            "ipam-sync up needs Linux. Run your own broker, name it in IPAM_SYNC_BROKER_URL, and "
            "use ipam-sync worker and ipam-sync beat.",
        )
    from platformdirs import user_data_path

    from worker.up.machine import run_everything

    root = user_data_path("ipam-sync", appauthor=False) if data is None else data
    run_everything(root, wants_postgres=postgres, readers=workers, say=say)
    return 0
