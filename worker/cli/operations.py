"""``ipam-sync operations``: OperationTracker, what is wanted of the records and what became of it."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Final, TypeVar

import click

from reconcile.model.nouns import Operation
from reconcile.model.record import EntryStatus
from worker.cli.door import ipam, screen
from worker.cli.lazy import CommandLocation, LazyGroup
from worker.cli.options import OneOf, as_json
from worker.cli.output import CommandFailed, print_json, say

if TYPE_CHECKING:
    from worker.operations.decide import Selection

_Outcome = TypeVar("_Outcome")
_HERE: Final = "worker.cli.operations"
_DECIDING: Final = "worker.cli.deciding"
_EVERY_STATUS: Final = "all"
_COMMANDS: Final = {
    "list": CommandLocation(
        f"{_HERE}:list_", "List operations, the pending ones unless told otherwise."
    ),
    "show": CommandLocation(f"{_HERE}:show", "Show one operation with everything it would change."),
    "apply": CommandLocation(f"{_DECIDING}:apply", "Apply pending operations."),
    "reject": CommandLocation(
        f"{_DECIDING}:reject", "Accept differences: the operations are not applied."
    ),
}

operations: Final = LazyGroup(
    "operations",
    commands_at=_COMMANDS,
    help="OperationTracker: what is wanted of the records, and what became of it.\n\n"
    "Example: ipam-sync operations list --held",
)


def selecting(command: Callable[..., _Outcome]) -> Callable[..., _Outcome]:
    """Add the options that select operations. The command gets a ``selection``."""

    @click.option(
        "--kind",
        type=OneOf(Operation, case_sensitive=False),
        metavar="KIND",
        help=f"Of this kind: {', '.join(Operation)}.",
    )
    @click.option(
        "--relationship", metavar="REF", help="About this relationship: id, NAME or NAME@SERVER."
    )
    @click.option("--server", metavar="NAME", help="About this server.")
    @click.option("--run", type=click.IntRange(min=1), metavar="N", help="Recorded by this run.")
    @wraps(command)
    def with_options(
        run: int | None,
        server: str | None,
        relationship: str | None,
        kind: Operation | None,
        **rest: object,
    ) -> _Outcome:
        from worker.operations.decide import Selection

        selection = Selection(run=run, server=server, relationship=relationship, kind=kind)
        return command(selection=selection, **rest)

    return with_options


@click.command("list")
@click.option(
    "--status",
    type=OneOf((*EntryStatus, _EVERY_STATUS)),
    default=EntryStatus.PENDING.value,
    show_default=True,
    help="In this state of their life.",
)
@click.option("--held", is_flag=True, help="Only pending ones that wait for a person.")
@selecting
@as_json
def list_(status: str, held: bool, selection: Selection, as_json: bool) -> None:
    """List operations, the pending ones unless told otherwise.

    JSON: an array of objects as `operations show --json` prints.

    \b
    Examples:
      ipam-sync operations list --held
      ipam-sync operations list --status all --kind FailoverDelete
    """
    from dataclasses import replace

    from worker.operations.decide import select
    from worker.views.operations import entry_json
    from worker.views.tracker import show_entries

    statuses = () if status == _EVERY_STATUS else (EntryStatus(status),)
    filters = replace(selection, held=held, statuses=statuses)
    with ipam() as working, working.store.read() as reading:
        views = select(reading, filters)
        names = {s.id: s.name for s in reading.inventory.servers()}
        current_time = reading.now()
    if as_json:
        print_json([entry_json(view, names) for view in views])
        return
    show_entries(screen(), views, current_time, working.settings.evidence_age)
    if not views:
        say(f"No {'' if status == _EVERY_STATUS else status + ' '}operation is like that.")


@click.command()
@click.argument("number", type=click.IntRange(min=1))
@as_json
def show(number: int, as_json: bool) -> None:
    """Show one operation with everything it would change.

    \b
    JSON: {"number", "status", "operation", "relationship", "server1",
           "server2", "modified_properties", "scopes", "before", "after",
           "evidence", "reason", "held", "held_because", "waits_for",
           "record", "run", "recorded_at", "evidence_at", "decided_at",
           "decided_by", "stands", "stands_until"}

    Example: ipam-sync operations show 17
    """
    from worker.model.operations import EntryFilter
    from worker.views.operations import entry_json
    from worker.views.tracker import show_entry

    with ipam() as working, working.store.read() as reading:
        views = reading.views.operations(EntryFilter(numbers=(number,), statuses=()))
        names = {s.id: s.name for s in reading.inventory.servers()}
        current_time = reading.now()
    if not views:
        raise CommandFailed(
            "unknown_operation",
            f"There is no operation {number}. See: ipam-sync operations list --status all",
        )
    if as_json:
        print_json(entry_json(views[0], names))
    else:
        show_entry(screen(), views[0], current_time, working.settings.evidence_age)
