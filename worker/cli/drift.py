"""``ipam-sync drift``: what is wrong, who knows of it, and what happened."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import click

from worker.cli.door import ipam, screen
from worker.cli.lazy import CommandLocation, LazyGroup
from worker.cli.options import SpanOrDay, as_json, before
from worker.cli.output import print_json, say

if TYPE_CHECKING:
    from worker.store.repositories.inventory import InventoryRepository

_HERE: Final = "worker.cli.drift"
_QUIETING: Final = "worker.cli.quieting"

drift: Final = LazyGroup(
    "drift",
    commands_at={
        "list": CommandLocation("worker.cli.drift_list:list_", "List open problems."),
        "show": CommandLocation(
            f"{_HERE}:show", "Show a problem: what each side has, and what happened."
        ),
        "history": CommandLocation(
            f"{_HERE}:history", "List what happened to problems, newest first."
        ),
        "ack": CommandLocation(
            f"{_QUIETING}:ack", "Acknowledge problems: somebody knows, and says so."
        ),
        "unack": CommandLocation(f"{_QUIETING}:unack", "Take acknowledgements back."),
        "silence": CommandLocation(
            f"{_QUIETING}:silence", "Have nobody told of what fits, for a while."
        ),
        "unsilence": CommandLocation(f"{_QUIETING}:unsilence", "End a silence before its time."),
        "silences": CommandLocation(f"{_QUIETING}:silences", "List silences that are in force."),
    },
    help="Problems: health, drift and blindness; who knows of them, and what happened.\n\n"
    "Example: ipam-sync drift list --severity warning",
)


@click.command()
@click.argument("number", type=click.IntRange(min=1), metavar="ID")
@as_json
def show(number: int, as_json: bool) -> None:
    """Show a problem: what each side has, and what happened.

    Both partners and IPAM stand side by side; what only one of them has is marked with *. What
    the partners say of the problem is as it was found, the rest is of their latest readings.

    \b
    JSON: as one of `ipam-sync drift list --json`, then "next", "remedy": {"page",
      "heading", "steps": [{"text", "commands": [{"shell", "text"}], "options":
      [{"condition", "loss", "command"}]}]}, "read_at": {server: time},
      "compared": [{"property", "values": [{"by", "value", "differs"}]}],
      "events": [as `ipam-sync drift history --json` prints]

    Example: ipam-sync drift show 3
    """
    from reconcile.findings.subjects import record_of
    from worker.alerts.problems import problem
    from worker.views.comparison import compared
    from worker.views.drift import show_problem, shown_json
    from worker.views.remedies import remedy_of_problem

    with ipam() as working, working.store.read() as reading:
        problem_ = problem(reading, working.settings.severities, number)
        events = reading.outbox.events([number])
        finding = problem_.finding
        names = {server.id: server.name for server in reading.inventory.servers()}
        servers = finding.servers if finding.relationship is not None else ()
        readings = reading.readings.latest(servers, {}) if servers else {}
        record = record_of(finding, reading.records.load(servers)) if servers else None
    comparison = compared(finding, names, readings, record)
    remedy = remedy_of_problem(problem_, record)
    if as_json:
        print_json(shown_json(problem_, comparison, readings, events, remedy))
    else:
        show_problem(screen(), problem_, comparison, readings, events, remedy)


@click.command()
@click.option("--server", metavar="NAME", help="About this server.")
@click.option("--relationship", metavar="NAME", help="About relationships of this name.")
@click.option(
    "--since",
    type=SpanOrDay(begins=True),
    metavar="TIME",
    help="Not older than 90m, 2h or 1d12h, or since a date or time.",
)
@click.option(
    "--limit", type=click.IntRange(1, 100_000), default=50, show_default=True, help="At most."
)
@as_json
def history(
    server: str | None,
    relationship: str | None,
    since: timedelta | datetime | None,
    limit: int,
    as_json: bool,
) -> None:
    """List what happened to problems, newest first.

    \b
    JSON: an array of {"problem", "sequence", "event": "opened" | "changed" |
      "still_open" | "acknowledged" | "resolved", "at", "kind",
      "relationship", "servers", "detail", "values", "ipam": {property:
      value}, "evidence", "who", "note", "outcome": null | {channel: what
      became of it; "" instead of a channel: why nobody was told}}

    \b
    Examples:
      ipam-sync drift history --since 24h
      ipam-sync drift history --server dhcp01 --limit 10 --json
    """
    from reconcile.model.names import fold_relationship
    from worker.views.drift import event_json, show_events

    with ipam() as working, working.store.read() as reading:
        names = {s.id: s.name for s in reading.inventory.servers()}
        events = reading.outbox.latest(
            limit,
            since=None if since is None else before(reading.now(), since),
            server=None if server is None else _server(reading.inventory, server),
            relationship=None if relationship is None else fold_relationship(relationship),
        )
    if as_json:
        print_json([event_json(event, names) for event in events])
        return
    show_events(screen(), events, names)
    if not events:
        say("Nothing like that happened.")


def _server(inventory: InventoryRepository, text: str) -> int:
    from worker.inventory.lookup import find_server

    return find_server(inventory.servers(), text).id
