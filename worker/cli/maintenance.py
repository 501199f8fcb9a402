"""``ipam-sync maintenance``: windows in which a server is not asked or a relationship not judged."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import click

from worker.cli.door import ipam, person, screen
from worker.cli.lazy import CommandLocation, LazyGroup
from worker.cli.options import Day, DurationType, after, as_json
from worker.cli.output import CommandFailed, print_json, say

if TYPE_CHECKING:
    from reconcile.model.nouns import Server
    from worker.store.unit_of_work import Transaction

_HERE: Final = "worker.cli.maintenance"

maintenance: Final = LazyGroup(
    "maintenance",
    commands_at={
        "start": CommandLocation(
            f"{_HERE}:start", "Leave a server or a relationship alone for a while."
        ),
        "list": CommandLocation(f"{_HERE}:list_", "List windows that are open or to come."),
        "end": CommandLocation(f"{_HERE}:end", "End a window before its time."),
    },
    help="Times in which a server is not asked or a relationship not judged.\n\n"
    "Example: ipam-sync maintenance start dhcp01 --for 2h --note 'new disks'",
)


@click.command()
@click.argument("what", metavar="SERVER|RELATIONSHIP@SERVER")
@click.option(
    "--for", "length", type=DurationType(), metavar="TIME", help="So long: 90m, 2h, 1d12h."
)
@click.option(
    "--until", type=Day(), metavar="DATE", help="To the end of that day (UTC), or to that time."
)
@click.option(
    "--from", "begin", type=Day(begins=True), metavar="DATE", help="Not from now on, but from then."
)
@click.option("--note", required=True, help="Why, for whoever wonders.")
@as_json
def start(
    what: str,
    length: timedelta | None,
    until: datetime | None,
    begin: datetime | None,
    note: str,
    as_json: bool,
) -> None:
    """Leave a server or a relationship alone for a while.

    A server in maintenance is skipped by every run: not asked (nor is its export read), and
    nothing is concluded from its silence. What its partners tell goes on being judged. A run that
    you start for this very server asks it all the same: `sync`, `plan` or `reconcile` with
    --server; so do `collect` and `servers check`.

    A relationship in maintenance, named by one of its partners, is not judged by any run: nothing
    is recorded or applied, and what is open about it stays as it is.

    \b
    JSON: as one of `ipam-sync maintenance list --json`

    \b
    Examples:
      ipam-sync maintenance start dhcp01 --for 2h --note 'new disks'
      ipam-sync maintenance start HQ@dhcp01 --until 2026-12-24T18:00Z --note move
    """
    from worker.inventory.admin import start_maintenance
    from worker.model.maintenance import Window
    from worker.views.windows import until_when, window_json

    if (length is None) == (until is None):
        raise click.UsageError("Say how long: --for 2h or --until 2026-12-24T18:00Z.")
    if not note.strip():
        raise click.UsageError("A note says why: --note 'new disks'.")
    by = person()
    with ipam() as working, working.store.write() as uow:
        server, relationship = _found(uow, what)
        current_time = uow.now()
        starts_at = begin or current_time
        ends_at = until if length is None else after(starts_at, length)
        if ends_at is None or ends_at <= max(starts_at, current_time):
            raise CommandFailed("bad_window", "That window would be over before it began.")
        window = Window(0, server.id, relationship, starts_at, ends_at, note.strip(), by.who)
        window = start_maintenance(uow, by, window, server.name)
        uow.commit()
    say(until_when(window, server.name, current_time))
    if as_json:
        print_json(window_json(window, server.name, current_time))


def _found(reading: Transaction, text: str) -> tuple[Server, str | None]:
    """Return the server and the relationship if one is named. It need not exist yet."""
    from reconcile.model.names import fold_relationship
    from worker.inventory.lookup import UnknownTarget, find_server

    if "@" not in text:
        try:
            return find_server(reading.inventory.servers(), text), None
        except UnknownTarget as error:
            raise UnknownTarget(f"{error} A relationship is named NAME@SERVER.") from error
    relationship, _, name = text.rpartition("@")
    server = find_server(reading.inventory.servers(), name)
    stored = reading.records.named(fold_relationship(relationship))
    if not any(server.id in record.partners for record in stored):
        say(f"IPAM has no relationship {relationship} of {server.name} yet; is it spelt right?")
    return server, relationship


@click.command("list")
@click.option("--all", "over", is_flag=True, help="Also those that are over.")
@as_json
def list_(over: bool, as_json: bool) -> None:
    """List windows that are open or to come.

    \b
    JSON: an array of {"id", "server", "relationship": null | its name,
      "state": "open" | "to come" | "over", "starts_at", "ends_at", "note",
      "who", "ended_by": null | who ended it before its time}

    Example: ipam-sync maintenance list --all
    """
    from worker.views.windows import show_windows, window_json

    with ipam() as working, working.store.read() as reading:
        current_time = reading.now()
        windows = reading.maintenance.windows(over=over)
        names = {s.id: s.name for s in reading.inventory.servers()}
    if as_json:
        print_json([window_json(w, names[w.server], current_time) for w in windows])
        return
    show_windows(screen(), windows, names, current_time)
    if not windows:
        say("There is none. To begin one: ipam-sync maintenance start SERVER --for 2h --note WHY")


@click.command()
@click.argument("number", type=click.IntRange(min=1), metavar="ID")
def end(number: int) -> None:
    """End a window before its time. One that is over already stays as it is.

    Example: ipam-sync maintenance end 3
    """
    from worker.inventory.admin import end_maintenance

    with ipam() as working, working.store.write() as uow:
        was_open = end_maintenance(uow, person(), number)
        uow.commit()
    say(f"Window {number} is over." if was_open else f"Window {number} was over already.")
