"""Commands that contact servers on demand: ``ipam-sync collect``, ``servers check``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import click

from worker.cli.door import ipam, screen
from worker.cli.options import as_json, concurrency
from worker.cli.output import CommandFailed, print_json, say

if TYPE_CHECKING:
    from collectors.failover import FailoverCollector
    from worker.bootstrap import Ipam
    from worker.inventory.check import ServerCheck

#: The exit code of commands that found something to look at.
_ATTENTION: Final = 2


@contextmanager
def live_collector(
    working: Ipam, concurrency: int | None, *, insist: bool = False
) -> Iterator[FailoverCollector]:
    """Yield a collector that reads live servers, with its progress on a terminal."""
    from worker.views.progress import RoundProgress

    need_credentials(working)
    with RoundProgress() as progress, working.live(concurrency=concurrency, insist=insist) as live:
        yield live.collector(progress)


def need_credentials(working: Ipam) -> None:
    """Without any, every server would fail for the same reason. Raises CommandFailed."""
    with working.store.read() as reading:
        if reading.credentials.views():
            return
    raise CommandFailed(
        "no_credentials",
        "To contact servers a credential is needed, and the inventory has none: write one under "
        "credentials: in your inventory file (see README) and run ipam-sync servers import FILE. "
        "Without contacting anybody: --exports DIR.",
    )


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@concurrency
@as_json
def collect(names: tuple[str, ...], concurrency: int | None, as_json: bool) -> int:
    """Read servers now and print what they report. The database keeps nothing of it.

    Only how a credential fared is counted. A server that is left alone after a refused logon, or
    in maintenance, is asked all the same, for you insist. Ends with 2 if one of them could not be
    read.

    \b
    JSON: an array, in the order of the names: {"server", "outcome": "read" |
    "unread" | "skipped", "read_at", "code", "message", "remedy",
    "identity", "clock_offset_seconds", "relationships": null | [...],
    "scopes": null | [...]}; null is what the server did not say

    \b
    Examples:
      ipam-sync collect dhcp01
      ipam-sync collect dhcp01 dhcp02 --json
    """
    from reconcile.model.nouns import Seen
    from worker.inventory.lookup import find_server
    from worker.runs.concurrency import DatabaseClock
    from worker.views.readings import reading_json, show_reading

    with ipam() as working:
        with working.store.read() as reading:
            inventory = reading.inventory.servers()
        selected = list(dict.fromkeys(find_server(inventory, name) for name in names))
        with live_collector(working, concurrency, insist=True) as collector:
            sightings_by_server = {
                s.server: s for s in collector.look(selected, DatabaseClock(working.store))
            }
    sightings = [(server.name, sightings_by_server[server.id]) for server in selected]
    if as_json:
        print_json([reading_json(name, sighting) for name, sighting in sightings])
    else:
        for name, sighting in sightings:
            show_reading(screen(), name, sighting)
    return 0 if all(isinstance(sighting, Seen) for _, sighting in sightings) else _ATTENTION


@click.command()
@click.argument("name")
@as_json
def check(name: str, as_json: bool) -> int:
    """Say which layer refuses, and what to do.

    The layers: address, TLS, login, shell, WMI, DHCP, and whether the answer is this server's.
    Ends with 2 if one of them refuses.

    \b
    JSON: {"server", "url", "transport", "credential", "ok",
           "layers": [{"layer", "outcome": "ok" | "refused" | "not reached" |
             "not used", "detail"}], "code", "message", "remedy",
           "clock_offset_seconds", "host": null | what the server said of
             itself, "relationships": null | number}

    Example: ipam-sync servers check dhcp01
    """
    from worker.views.checks import check_json, show_check

    with ipam() as working:
        checked = _checked(working, name)
    if as_json:
        print_json(check_json(checked))
    else:
        show_check(screen(), checked)
    return 0 if checked.failure is None else _ATTENTION


def _checked(working: Ipam, name: str) -> ServerCheck:
    from collectors.powershell.host import Host
    from collectors.powershell.logons import CredentialSuspended
    from reconcile.model.nouns import ReadFailure, SkipReason
    from worker.inventory.check import check as ask
    from worker.inventory.lookup import find_server
    from worker.runs.concurrency import DatabaseClock

    need_credentials(working)
    with working.store.read() as reading:
        server = find_server(reading.inventory.servers(), name)
    with working.live(insist=True) as live:
        match live.ways[server.id]:
            case Host() as host:
                try:
                    return ask(live.powershell, server, host, DatabaseClock(working.store))
                except CredentialSuspended:
                    pass
            case ReadFailure() as failure:
                raise CommandFailed(failure.code, f"{failure.message} {failure.remedy}")
            case SkipReason():
                pass
    say("Nothing was sent: three servers refused the credential, so that it is not used any more.")
    raise CommandFailed(
        "credential_suspended",
        f"The credential of {server.name} is suspended. Correct its password, which is noticed "
        "without more. If it was right all along, see: ipam-sync credentials list",
    )
