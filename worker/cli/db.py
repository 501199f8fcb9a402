"""``ipam-sync db``: the database and its revision."""

from __future__ import annotations

from typing import Final

import click

from worker.cli.lazy import CommandLocation, LazyGroup
from worker.cli.options import as_json
from worker.cli.output import print_json, say

_HERE: Final = "worker.cli.db"
_COMMANDS: Final = {
    "upgrade": CommandLocation(
        f"{_HERE}:upgrade", "Bring the database to this program's revision."
    ),
    "current": CommandLocation(f"{_HERE}:current", "Show the database's revision."),
}

db: Final = LazyGroup(
    "db",
    commands_at=_COMMANDS,
    help="The database and its revision.\n\nExample: ipam-sync db upgrade",
)


@click.command()
def upgrade() -> None:
    """Bring the database to this program's revision. An empty one gets its tables.

    Make a backup first. A database that is up to date is left as it is.

    Example: ipam-sync db upgrade
    """
    from worker.bootstrap import settings_in_force
    from worker.store import schema

    settings = settings_in_force()
    revision_before = schema.upgrade(settings.database_url)
    if revision_before == schema.HEAD:
        say(f"{settings.safe_database_url} is at revision {revision_before} already.")
    else:
        say(f"{settings.safe_database_url}: {revision_before or 'empty'} -> {schema.HEAD}.")


@click.command()
@as_json
def current(as_json: bool) -> None:
    """Show the database's revision.

    JSON: {"database", "current": null | revision, "newest"}

    Example: ipam-sync db current
    """
    from worker.bootstrap import settings_in_force
    from worker.cli.door import screen
    from worker.store import schema

    settings = settings_in_force()
    revision = schema.current(settings.database_url)
    if as_json:
        print_json(
            {
                "database": settings.safe_database_url,
                "current": revision,
                "newest": schema.HEAD,
            }
        )
        return
    screen().facts(
        (
            ("database", settings.safe_database_url),
            ("current", revision or "none: it is empty or not there yet"),
            ("newest", schema.HEAD),
        )
    )
