"""``ipam-sync reconcile``: the same as ``sync``, done by the workers."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import click

from worker.cli.door import ipam, person
from worker.cli.options import as_json
from worker.cli.output import CommandFailed, print_json, say

if TYPE_CHECKING:
    from worker.bootstrap import Ipam
    from worker.messaging.dispatcher import Dispatcher
    from worker.runs.targets import RunRequest


@click.command()
@click.option(
    "--server",
    metavar="NAME",
    help="Only the relationships of this server; asked even in maintenance.",
)
@click.option(
    "--relationship",
    metavar="ID|NAME[@SERVER]",
    help="Only this relationship, in the database or not.",
)
@click.option("--wait", is_flag=True, help="Follow the run, and end as a sync does.")
@as_json
def reconcile(server: str | None, relationship: str | None, wait: bool, as_json: bool) -> int:
    """Have the workers read servers, record what is needed, and apply it by policy.

    Asked for what a person's run already waits to do, it is that run. Without --wait it ends at
    once, with 0; with it, as `ipam-sync sync` would.

    \b
    JSON: {"run": number}; with --wait as in `ipam-sync sync --help`

    \b
    Examples:
      ipam-sync reconcile --server dhcp01 --wait
      ipam-sync reconcile --json
    """
    from worker.model.runs import Trigger
    from worker.runs.targets import RunRequest

    if server is not None and relationship is not None:
        raise click.UsageError("Give --server or --relationship (NAME@SERVER), not both.")
    request = RunRequest(Trigger.CLI, person().who, server, relationship)
    with ipam() as working:
        run = _requested(working, request)
        if wait:
            return _followed(working, run, request, as_json=as_json)
    if as_json:
        print_json({"run": run})
    else:
        say(f"Run {run} is queued. See what it comes to: ipam-sync runs show {run}")
    return 0


def _requested(working: Ipam, request: RunRequest) -> int:
    from worker.model.runs import Lane
    from worker.runs.request import request_run

    dispatcher = _dispatcher(working)
    run = request_run(working.store, dispatcher, request)
    if dispatcher.waiting(Lane.ON_DEMAND) is None:
        say("The broker does not answer; workers take the run up when it does again.")
    return run


def _dispatcher(working: Ipam) -> Dispatcher:
    from worker.messaging.celery_app import CeleryDispatcher, make_app

    broker_url = working.settings.broker_url
    if broker_url is None:
        raise CommandFailed(
            "no_broker",
            "There is no broker to reach workers by: set IPAM_SYNC_BROKER_URL, or start all on this "
            "machine with ipam-sync up. Without workers: ipam-sync sync",
        )
    return CeleryDispatcher(make_app(broker_url))


def _followed(working: Ipam, run: int, request: RunRequest, *, as_json: bool) -> int:
    from worker.cli.reconciling import tell
    from worker.runs.progress import follow
    from worker.views.progress import RunProgress

    try:
        with RunProgress() as progress:
            summary = follow(working.store, working.run_policy, run, progress.watch)
    except KeyboardInterrupt:
        say(f"Run {run} goes on without you. See: ipam-sync runs show {run}")
        raise
    return tell(
        working,
        summary,
        _again(request),
        is_about_everything=request.is_about_everything,
        as_json=as_json,
    )


def _again(request: RunRequest) -> str:
    words = ["ipam-sync", "reconcile", "--wait"]
    if request.server is not None:
        words += ["--server", request.server]
    if request.relationship is not None:
        words += ["--relationship", request.relationship]
    return shlex.join(words)
