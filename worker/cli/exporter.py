"""``ipam-sync exporter``: the installation's numbers, for Prometheus."""

from __future__ import annotations

import click

from worker.cli.options import EXPORTER_PORT
from worker.cli.output import CommandFailed


@click.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=EXPORTER_PORT,
    show_default=True,
    metavar="N",
    help="Where it serves; 0: at any that is free.",
)
@click.option(
    "--address",
    metavar="IP",
    help="Of this machine; 127.0.0.1, or what IPAM_SYNC_METRICS_ADDRESS says.",
)
def exporter(port: int, address: str | None) -> int:
    """Serve the numbers of the whole installation to Prometheus, until a signal.

    It asks the database and the broker anew for each scrape, and writes nothing. One is enough
    for an installation. What it serves is in docs/metrics.md; "ipam-sync files" has alert rules
    and a dashboard. Anybody who can reach the port can read the names of servers and
    relationships.

    \b
    Examples:
      ipam-sync exporter
      ipam-sync exporter --address 0.0.0.0 --port 9783
    """
    from worker.bootstrap import opened, settings_in_force
    from worker.messaging.celery_app import CeleryDispatcher, make_app
    from worker.monitoring.exporter import exported
    from worker.monitoring.http import CannotServe, served
    from worker.processes.signals import ENDING, Signals
    from worker.processes.visible import logged
    from worker.telemetry import events

    settings = settings_in_force()
    broker = settings.broker_url
    backlog = None if broker is None else CeleryDispatcher(make_app(broker)).backlog
    host = address or settings.metrics_address
    try:
        with (
            Signals(*ENDING) as signals,
            opened(settings) as ipam,
            logged(settings, "exporter"),
            served(exported(ipam.store, settings, backlog), host, [port]) as at,
        ):
            events.metrics_served(host, at)
            signals.wait()
    except CannotServe as error:
        raise CommandFailed(error.code, str(error)) from error
    return 0
