"""``ipam-sync credentials``: who servers are asked as, and who refused (rule R13)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from worker.cli.door import ipam, screen
from worker.cli.lazy import LazyGroup, Place
from worker.cli.options import as_json
from worker.cli.output import CommandFailed, print_json, say

if TYPE_CHECKING:
    from worker.ports import CredentialView

_HERE: Final = "worker.cli.credentials"
_COMMANDS: Final = {
    "list": Place(f"{_HERE}:list_", "List credentials, and which servers refused them."),
    "resume": Place(f"{_HERE}:resume", "Use a suspended credential again."),
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
    from worker.present.text import iso, moment

    with ipam() as working, working.store.read() as reading:
        views = reading.credentials()
        names = {s.id: s.name for s in reading.servers()}
    refused = {v.credential.name: [names.get(s, f"#{s}") for s in v.refused_by] for v in views}
    if as_json:
        print_json(
            [
                {
                    "name": v.credential.name,
                    "username": v.credential.username,
                    "password_env": v.credential.password_env,
                    "password_file": v.credential.password_file,
                    "certificate": v.credential.certificate_file,
                    "key": v.credential.key_file,
                    "servers": v.servers,
                    "refused_by": refused[v.credential.name],
                    "accepted_at": iso(v.accepted_at),
                    "suspended_at": iso(v.suspended_at),
                }
                for v in views
            ]
        )
        return
    columns = ("credential", "user", "secret", "servers", "state", "refused by")
    rows = (
        (
            v.credential.name,
            v.credential.username or "by certificate",
            _secret(v),
            str(v.servers),
            "in use" if v.suspended_at is None else f"suspended {moment(v.suspended_at)}",
            refused[v.credential.name],
        )
        for v in views
    )
    screen().table(columns, rows)
    if not views:
        say("There are none: write them under credentials: in the inventory file and import it.")
    elif any(v.suspended_at for v in views):
        say("If a suspended one is right: ipam-sync credentials resume NAME")


def _secret(view: CredentialView) -> str:
    credential = view.credential
    if credential.password_env is not None:
        return f"variable {credential.password_env}"
    return credential.password_file or credential.certificate_file or "Kerberos ticket"


@click.command()
@click.argument("name")
def resume(name: str) -> None:
    """Use a suspended credential again, and forget who refused it.

    Do so when the password was right all along; a password that was changed is noticed without it.

    Example: ipam-sync credentials resume corp
    """
    with ipam() as working, working.store.write() as uow:
        known = [view.credential.name for view in uow.credentials()]
        if name not in known:
            raise CommandFailed(
                "unknown_credential",
                f"There is no credential {name!r}. See: ipam-sync credentials list",
            )
        resumed = uow.resume_credential(name)
        uow.commit()
    say(f"{name} is used again." if resumed else f"{name} was not suspended or refused.")
