"""``ipam-sync servers import``: the inventory as a file states it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from worker.cli.door import ipam, person, screen
from worker.cli.options import as_json
from worker.cli.output import print_json, say

if TYPE_CHECKING:
    from worker.inventory.importer import Imported


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@as_json
def import_(file: Path, as_json: bool) -> None:
    """Add and change servers as a YAML file states them.

    Nothing is ever removed: servers of the database that FILE does not have are listed, and so
    are aliases of an earlier import that it no longer has. A second import writes nothing.

    \b
    JSON: {"added": [names], "changed": [{"name", "changes"}],
           "unchanged": [names], "absent": [names],
           "kept_aliases": [{"server", "text"}],
           "credentials": [names of new and changed ones]}

    Example: ipam-sync servers import servers.yaml
    """
    from worker.inventory.file import read_inventory
    from worker.inventory.importer import import_by

    inventory = read_inventory(file)
    with ipam() as working, working.store.write() as uow:
        imported = import_by(uow, person(), inventory, str(file))
        if imported.wrote:
            uow.commit()
    if as_json:
        print_json(
            {
                "added": list(imported.added),
                "changed": [{"name": c.name, "changes": list(c.changes)} for c in imported.changed],
                "unchanged": list(imported.unchanged),
                "absent": list(imported.absent),
                "kept_aliases": [{"server": s, "text": t} for s, t in imported.kept],
                "credentials": list(imported.credentials),
            }
        )
        return
    _show_imported(imported)


def _show_imported(imported: Imported) -> None:
    from reconcile.remedies.own import ipam_sync

    rows: list[tuple[str, str, tuple[str, ...] | str]] = [
        *(("added", name, "") for name in imported.added),
        *(("changed", c.name, c.changes) for c in imported.changed),
        *(("written", name, "credential") for name in imported.credentials),
        *(("absent", name, "not in the file; left as it is") for name in imported.absent),
    ]
    if rows:
        screen().table(("", "server", ""), rows)
    say(
        f"{len(imported.added)} added, {len(imported.changed)} changed, "
        f"{len(imported.unchanged)} unchanged, {len(imported.absent)} absent from the file."
    )
    for server, text in imported.kept:
        say(
            f"{server} keeps the alias {text}, which the file no longer has; "
            f"to drop it: {ipam_sync('names alias remove', server, text).text}"
        )
