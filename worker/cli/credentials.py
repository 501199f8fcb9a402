"""``ipam-sync credentials``: who servers are asked as, and who refused (rule R13)."""

from __future__ import annotations

from typing import Final

import click

from worker.cli.door import ipam, person, screen
from worker.cli.lazy import CommandLocation, LazyGroup
from worker.cli.options import as_json
from worker.cli.output import print_json, say

_HERE: Final = "worker.cli.credentials"
_COMMANDS: Final = {
    "list": CommandLocation(f"{_HERE}:list_", "List credentials, and which servers refused them."),
    "resume": CommandLocation(f"{_HERE}:resume", "Use a suspended credential again."),
}

credentials: Final = LazyGroup(
    "credentials",
    commands_at=_COMMANDS,
    help="Who servers are asked as. Passwords are not kept, only where they are.\n\n"
    "Example: ipam-sync credentials list",
)


@click.command("list")
@as_json
def list_(as_json: bool) -> None:
    """List credentials, and which servers refused them.

    \b
    JSON: an array of {"name", "username", "password_env", "password_file",
      "certificate", "key", "servers", "refused_by": [names], "accepted_at",
      "suspended_at"}

    Example: ipam-sync credentials list
    """
    from reconcile.remedies.own import ipam_sync
    from reconcile.remedies.text import is_copyable
    from worker.views.credentials import credential_json, show_credentials

    with ipam() as working, working.store.read() as reading:
        views = reading.credentials.views()
        names = {s.id: s.name for s in reading.inventory.servers()}
    if as_json:
        print_json([credential_json(view, names) for view in views])
        return
    show_credentials(screen(), views, names)
    if not views:
        say("There are none: write them under credentials: in the inventory file and import it.")
    for view in views:
        if view.suspended_at and is_copyable(view.credential.name):
            resume = ipam_sync("credentials resume", view.credential.name)
            say(f"If its password was right all along: {resume.text}")


@click.command()
@click.argument("name")
def resume(name: str) -> None:
    """Use a suspended credential again, and forget who refused it.

    Do so when the password was right all along; a password that was changed is noticed without it.

    Example: ipam-sync credentials resume corp
    """
    from worker.inventory.admin import resume_credential

    with ipam() as working, working.store.write() as uow:
        resumed = resume_credential(uow, person(), name)
        uow.commit()
    say(f"{name} is used again." if resumed else f"{name} was not suspended or refused.")
