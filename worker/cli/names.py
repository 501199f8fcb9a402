"""``ipam-sync names``: which server is meant by a name that DHCP gave to a partner."""

from __future__ import annotations

from typing import Final

import click

from worker.cli.door import ipam, person, screen
from worker.cli.lazy import CommandLocation, LazyGroup
from worker.cli.options import as_json
from worker.cli.output import CommandFailed, print_json, say

_HERE: Final = "worker.cli.names"

names: Final = LazyGroup(
    "names",
    commands_at={
        "unmapped": CommandLocation(f"{_HERE}:unmapped", "Names that match no server, or several."),
        "alias": CommandLocation(f"{_HERE}:alias", "Say which server a name means."),
    },
    help="Names that DHCP gives to partners, and the servers they mean.\n\n"
    "Example: ipam-sync names unmapped",
)

alias: Final = LazyGroup(
    "alias",
    commands_at={
        "add": CommandLocation(f"{_HERE}:add", "Say that a name or address means this server."),
        "remove": CommandLocation(f"{_HERE}:remove", "Take an alias of a server back."),
    },
    help="Say which server a name means.\n\n"
    "Example: ipam-sync names alias add dhcp02.corp.example 10.0.0.12",
)


@click.command()
@as_json
def unmapped(as_json: bool) -> None:
    """Names that match no server, or several: a list of work.

    JSON: an array of {"text", "told_by", "relationship", "candidates": [names]}

    Example: ipam-sync names unmapped
    """
    from worker.views.inventory import worklist

    with ipam() as working, working.store.read() as reading:
        servers = {s.id: s.name for s in reading.inventory.servers()}
        lines = worklist((o.finding for o in reading.findings.unresolved()), servers)
    if as_json:
        print_json([line.to_json() for line in lines])
        return
    if not lines:
        say("Every name that DHCP gave to a partner is matched.")
        return
    screen().table(
        ("name", "told by", "relationship", "could be"),
        ((w.text, w.told_by, w.relationship, w.candidates or "no server") for w in lines),
    )
    say("Next: give each name to its server (names alias add), or add the server; then sync again.")


@click.command()
@click.argument("server")
@click.argument("text")
def add(server: str, text: str) -> None:
    """Say that a name or address means this server.

    Example: ipam-sync names alias add dhcp02.corp.example 10.0.0.12
    """
    from reconcile.model.names import Ambiguous, NameMap, key_of
    from worker.inventory.admin import add_alias

    if key_of(text) is None:
        raise CommandFailed(
            "no_name", f"{text!r} is empty or every host's own address, so it can name no server."
        )
    with ipam() as working, working.store.write() as uow:
        target = add_alias(uow, person(), server, text)
        resolution = NameMap(uow.inventory.servers()).resolve((text,), asker=0)
        names = {s.id: s.name for s in uow.inventory.servers()}
        uow.commit()
    say(f"{text} means {target.name}; the next sync maps what was told under that name.")
    if isinstance(resolution, Ambiguous):
        other_names = ", ".join(sorted(names[c] for c in resolution.candidates if c != target.id))
        say(f"But it is also a name of {other_names}, so it stays ambiguous until one gives it up.")


@click.command()
@click.argument("server")
@click.argument("text")
def remove(server: str, text: str) -> None:
    """Take an alias of a server back.

    A record id that was stored by it stays. One that an inventory file or the server itself gave
    comes back with the next import or reading.

    Example: ipam-sync names alias remove dhcp02.corp.example 10.0.0.12
    """
    from worker.inventory.admin import remove_alias

    with ipam() as working, working.store.write() as uow:
        target = remove_alias(uow, person(), server, text)
        uow.commit()
    say(f"{text} is no alias of {target.name} any more.")
