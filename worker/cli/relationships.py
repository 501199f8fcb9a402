"""``ipam-sync relationships``: what IPAM's database has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from worker.cli.door import ipam, screen
from worker.cli.lazy import CommandLocation, LazyGroup
from worker.cli.options import as_json
from worker.cli.output import print_json, say

if TYPE_CHECKING:
    from worker.model.runs import RecordView
    from worker.views.records import Age

_HERE: Final = "worker.cli.relationships"
_COMMANDS: Final = {
    "list": CommandLocation(f"{_HERE}:list_", "List the stored relationships."),
    "show": CommandLocation(
        f"{_HERE}:show", "Show a relationship with all its properties and scopes."
    ),
}

relationships: Final = LazyGroup(
    "relationships",
    commands_at=_COMMANDS,
    help="What IPAM's database has.\n\nExample: ipam-sync relationships show HQ@dhcp01",
)


@click.command("list")
@as_json
def list_(as_json: bool) -> None:
    """List the stored relationships.

    A state that was read longer ago than the evidence age reads as Unknown, with the last one
    beside it. One that is still to be created has record id 0.

    \b
    JSON: an array of objects with the 21 elements of DhcpFailover in the
    order of the type (durations ISO 8601; OperationTracker: the pending
    operations), then "Scopes", "Evidence" ("both", "one_side", "none"),
    "Server1LastState", "Server1SeenAt", "Server2LastState",
    "Server2SeenAt", "Operations" (their numbers), "ChangedAt"

    Example: ipam-sync relationships list --json
    """
    from worker.views.records import record_json
    from worker.views.relationships import show_relationships

    views, age = _views(None)
    if as_json:
        print_json([record_json(view, age) for view in views])
        return
    show_relationships(screen(), views, age)
    if not views:
        say("There are no relationships yet. Next: ipam-sync sync --exports DIR")


@click.command()
@click.argument("ref")
@as_json
def show(ref: str, as_json: bool) -> None:
    """Show a relationship with all its properties and scopes.

    REF is its record id, its NAME (several servers may have one: all are shown) or NAME@SERVER.

    JSON: an array, for a name may stand for several; objects as `relationships list --json` prints.

    Example: ipam-sync relationships show HQ@dhcp01
    """
    from worker.views.records import record_json
    from worker.views.relationships import show_relationship

    views, age = _views(ref)
    if as_json:
        print_json([record_json(view, age) for view in views])
        return
    page = screen()
    for view in views:
        show_relationship(page, view, age)


def _views(ref: str | None) -> tuple[tuple[RecordView, ...], Age]:
    """Return all views, or those that a person means. Raises UnknownTarget if there is none."""
    from worker.inventory.lookup import UnknownTarget, find_records
    from worker.views.records import Age

    with ipam() as working, working.store.read() as reading:
        age = Age(reading.now(), working.settings.evidence_age)
        views = reading.views.records()
        keys = None if ref is None else {r.key for r in find_records(reading, ref)}
    if keys is None:
        return views, age
    if not keys:
        raise UnknownTarget(f"IPAM has no relationship {ref!r}. See: ipam-sync relationships list")
    return tuple(view for view in views if view.record.key in keys), age
