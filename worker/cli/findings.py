"""``ipam-sync findings``: what is wrong and needs a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from worker.cli.door import ipam, screen
from worker.cli.lazy import LazyGroup, Place
from worker.cli.options import SEVERITIES, as_json
from worker.cli.output import CommandFailed, print_json, say

if TYPE_CHECKING:
    from reconcile.model.findings import Kind

_COMMANDS: Final = {"list": Place("worker.cli.findings:list_", "List what is open.")}

findings: Final = LazyGroup(
    "findings",
    commands_at=_COMMANDS,
    help="What is wrong and needs a person.\n\n"
    "Example: ipam-sync findings list --severity critical",
)


@click.command("list")
@click.option("--severity", type=click.Choice(SEVERITIES), help="Of this severity.")
@click.option("--kind", metavar="KIND", help="Of this kind, such as partner_mismatch.")
@click.option("--server", metavar="NAME", help="About this server.")
@click.option(
    "--relationship", metavar="REF", help="About this relationship: id, NAME or NAME@SERVER."
)
@as_json
def list_(
    severity: str | None,
    kind: str | None,
    server: str | None,
    relationship: str | None,
    as_json: bool,
) -> None:
    """List what is open.

    \b
    JSON: an array of {"kind", "severity", "relationship", "servers",
      "detail", "values": [{"subject", "said": [{"by", "value"}]}],
      "id", "first_seen", "changed_at"}

    Example: ipam-sync findings list --severity critical --server dhcp01
    """
    from worker.alerts.problems import Wanted, chosen, problems
    from worker.operations.freshness import ages
    from worker.views.documents import open_finding_json
    from worker.views.outcome import show_findings

    asked = Wanted(
        kind=None if kind is None else kind_of(kind), server=server, relationship=relationship
    )
    with ipam() as working, working.store.read() as reading:
        severities = working.settings.severities
        names = {s.id: s.name for s in reading.inventory.servers()}
        found = chosen(reading, problems(reading, severities), asked)
        since = ages(reading, (p.finding for p in found))
    open_now = (p for p in found if p.stored.is_open and severity in (None, p.severity))
    wanted = sorted((p.stored for p in open_now), key=lambda stored: stored.id)
    if as_json:
        print_json([open_finding_json(o, names, severities, since) for o in wanted])
        return
    show_findings(screen(), [o.finding for o in wanted], names, severities, since, every=True)
    if not wanted:
        say("No open finding is like that.")


def kind_of(text: str) -> Kind:
    """The kind of that name. Raises CommandFailed."""
    from reconcile.model.findings import Kind

    if text not in set(Kind):
        raise CommandFailed(
            "unknown_kind", f"There is no kind of finding {text!r}; there are {', '.join(Kind)}."
        )
    return Kind(text)
