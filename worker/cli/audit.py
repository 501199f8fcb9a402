"""``ipam-sync audit``: what people decided."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import click

from worker.cli.door import ipam, screen
from worker.cli.lazy import CommandLocation, LazyGroup
from worker.cli.options import Day, OneOf, as_json
from worker.cli.output import print_json, say
from worker.model.audit import Action

_HERE: Final = "worker.cli.audit"

audit: Final = LazyGroup(
    "audit",
    commands_at={
        "list": CommandLocation(f"{_HERE}:list_", "List what people decided, newest first.")
    },
    help="Who decided what, when and from where. Nobody can change it afterwards.\n\n"
    "Example: ipam-sync audit list",
)


@click.command("list")
@click.option(
    "--action",
    type=OneOf(Action),
    metavar="ACTION",
    help=f"Only this: {', '.join(Action)}.",
)
@click.option(
    "--since",
    type=Day(begins=True),
    metavar="DATE",
    help="From the beginning of that day (UTC), or from that time.",
)
@click.option(
    "--limit", type=click.IntRange(1, 100_000), default=20, show_default=True, help="At most."
)
@as_json
def list_(action: Action | None, since: datetime | None, limit: int, as_json: bool) -> None:
    """List what people decided, newest first.

    Each operation that was applied or rejected is one line; `operations show` has the rest of it.
    What changed nothing is not there, and neither is what the machine did by itself.

    \b
    JSON: an array of {"id", "at", "who", "origin", "action", "subject",
      "before": null | {values by name}, "after": null | {values by name}}

    \b
    Examples:
      ipam-sync audit list --limit 5
      ipam-sync audit list --action retire --since 2026-12-01
    """
    from worker.views.audits import audit_json, show_audits

    with ipam() as working, working.store.read() as reading:
        decided = reading.audit.latest(limit, action=action, since=since)
    if as_json:
        print_json([audit_json(audited) for audited in decided])
        return
    show_audits(screen(), decided)
    if not decided:
        say("Nobody decided anything like that.")
