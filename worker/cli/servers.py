"""``ipam-sync servers``: the inventory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from worker.cli.door import ipam, person, screen
from worker.cli.lazy import CommandLocation, LazyGroup
from worker.cli.options import as_json, confirmed, yes
from worker.cli.output import CommandFailed, print_json, say

if TYPE_CHECKING:
    from reconcile.model.nouns import Standing

_HERE: Final = "worker.cli.servers"
_COMMANDS: Final = {
    "import": CommandLocation(
        "worker.cli.importing:import_", "Add and change servers as a YAML file states them."
    ),
    "list": CommandLocation(f"{_HERE}:list_", "List all servers."),
    "show": CommandLocation(f"{_HERE}:show", "Show one server."),
    "check": CommandLocation("worker.cli.live:check", "Say which layer refuses, and what to do."),
    "confirm": CommandLocation(
        f"{_HERE}:confirm",
        "Say that the machine which answers as this server now is the right one.",
    ),
    "add": CommandLocation(f"{_HERE}:add", "Add one server."),
    "rename": CommandLocation(f"{_HERE}:rename", "Give a server another name."),
    "tag": CommandLocation(f"{_HERE}:tag", "Set the tags of a server."),
    "disable": CommandLocation(f"{_HERE}:disable", "Stop reading a server until it is enabled."),
    "enable": CommandLocation(f"{_HERE}:enable", "Ask a disabled or retired server again."),
    "retire": CommandLocation(f"{_HERE}:retire", "Say that a server is gone for good."),
}

servers: Final = LazyGroup(
    "servers",
    commands_at=_COMMANDS,
    help="The DHCP servers that IPAM knows.\n\nExample: ipam-sync servers import servers.yaml",
)


@click.command("list")
@as_json
def list_(as_json: bool) -> None:
    """List all servers.

    JSON: an array of objects as `servers show --json` prints.

    Example: ipam-sync servers list
    """
    from worker.views.inventory import server_json
    from worker.views.text import moment

    with ipam() as working, working.store.read() as reading:
        views = reading.views.servers()
    if as_json:
        print_json([server_json(view) for view in views])
        return
    rows = (
        (
            view.server.name,
            view.server.standing.value,
            str(view.relationships),
            moment(view.last_seen_at),
            (*view.server.addresses, *dict.fromkeys(a.text for a in view.server.aliases)),
        )
        for view in views
    )
    screen().table(("server", "standing", "relations", "last read", "also known as"), rows)
    if not views:
        say("There are no servers yet. Next: ipam-sync servers import FILE.yaml")


@click.command()
@click.argument("name")
@as_json
def show(name: str, as_json: bool) -> None:
    """Show one server, by name, alias, address or unique short name.

    \b
    JSON: {"id", "name", "standing", "addresses",
           "aliases": [{"text", "provenance"}], "tags", "machine_id",
           "winrm": {"url", "transport", "credential"}, "relationships",
           "last_seen_at", "last_sighting": null | {"server", "outcome",
           "read_at", "code", "message", "remedy"}, "changed_at"}

    Example: ipam-sync servers show dhcp01
    """
    from worker.inventory.lookup import find_server
    from worker.views.inventory import server_json
    from worker.views.servers import show_server

    with ipam() as working, working.store.read() as reading:
        server = find_server(reading.inventory.servers(), name)
        view = next(v for v in reading.views.servers() if v.server.id == server.id)
    if as_json:
        print_json(server_json(view))
    else:
        show_server(screen(), view)


@click.command()
@click.argument("name")
@click.option("--address", "addresses", multiple=True, help="An address of it; may be repeated.")
@click.option("--alias", "aliases", multiple=True, help="Another name of it; may be repeated.")
@click.option("--tag", "tags", multiple=True, help="A word to sort it by; may be repeated.")
def add(
    name: str, addresses: tuple[str, ...], aliases: tuple[str, ...], tags: tuple[str, ...]
) -> None:
    """Add one server.

    \b
    Example:
      ipam-sync servers add dhcp01.corp.example --address 10.0.0.11 --tag vienna
    """
    from worker.inventory.admin import add_server

    name = _good_name(name)
    aliases = tuple(map(_good_name, aliases))
    _check_addresses(addresses)
    tags = _good_tags(tags)
    with ipam() as working, working.store.write() as uow:
        add_server(uow, person(), name, addresses, aliases, tags)
        uow.commit()
    say(f"Added {name}.")


@click.command()
@click.argument("old")
@click.argument("new")
def rename(old: str, new: str) -> None:
    """Give a server another name. Its relationships stay its own.

    Example: ipam-sync servers rename dhcp01.corp.example dhcp01.new.example
    """
    from reconcile.remedies.own import ipam_sync
    from worker.inventory.admin import rename_server

    new = _good_name(new)
    with ipam() as working, working.store.write() as uow:
        server = rename_server(uow, person(), old, new)
        uow.commit()
    say(
        f"{server.name} is {new} from now on. If its partners still call it {server.name}: "
        f"{ipam_sync('names alias add', new, server.name).text}"
    )


@click.command()
@click.argument("name")
@click.argument("tags", nargs=-1, metavar="[TAG]...")
def tag(name: str, tags: tuple[str, ...]) -> None:
    """Set the tags of a server. Without tags it has none.

    Routes of alerts and silences can be about a tag. Nothing else depends on it.

    Example: ipam-sync servers tag dhcp01 site:vienna production
    """
    from worker.inventory.admin import set_tags

    tags = _good_tags(tags)
    with ipam() as working, working.store.write() as uow:
        server = set_tags(uow, person(), name, tags)
        uow.commit()
    say(f"{server.name} has {'no tag' if not tags else ', '.join(tags)} from now on.")


@click.command()
@click.argument("name")
@yes
def confirm(name: str, yes: bool) -> None:
    """Say that the machine which answers as this server now is the right one.

    Needed after finding server_replaced: until then what the new machine lacks proves nothing.

    Example: ipam-sync servers confirm dhcp01
    """
    from worker.inventory.admin import confirm_machine
    from worker.inventory.lookup import find_server

    with ipam() as working, working.store.read() as reading:
        server = find_server(reading.inventory.servers(), name)
        latest = reading.readings.latest([server.id], {}).get(server.id)
    identity = None if latest is None else latest.identity
    machine = None if identity is None else identity.machine_id
    if machine is None or machine == server.machine_id:
        raise CommandFailed(
            "nothing_to_confirm",
            f"{server.name} was last read on the machine that IPAM knows: nothing to confirm.",
        )
    say(f"{server.name} was machine {server.machine_id}, and is machine {machine} now.")
    # Asked outside of a transaction: a person takes seconds, and other writers would wait.
    if not confirmed(f"Is {machine} the right machine?", yes=yes):
        say("Nothing was changed.")
        return
    with ipam() as working, working.store.write() as uow:
        confirm_machine(uow, person(), server.id, machine)
        uow.commit()
    say(f"{server.name} is machine {machine} from now on. Next: ipam-sync sync")


@click.command()
@click.argument("name")
def disable(name: str) -> None:
    """Stop reading a server until it is enabled. Its stored values stay as they are.

    Example: ipam-sync servers disable dhcp01
    """
    from reconcile.model.nouns import Standing

    server = _set_standing(name, Standing.DISABLED)
    say(f"{server} is disabled: it is not asked, and nothing of it changes on its own.")


@click.command()
@click.argument("name")
def enable(name: str) -> None:
    """Ask a disabled or retired server again.

    Example: ipam-sync servers enable dhcp01
    """
    from reconcile.model.nouns import Standing

    server = _set_standing(name, Standing.ENABLED)
    say(f"{server} is enabled: the next sync asks it.")


@click.command()
@click.argument("name")
@yes
def retire(name: str, yes: bool) -> None:
    """Say that a server is gone for good.

    A retired server counts as one that tells nothing from now on, on your word: with its partner
    no longer telling a relationship either (or retired too), the next sync plans to remove it. The
    server itself and its history stay in the database.

    Example: ipam-sync servers retire dhcp01 --yes
    """
    from reconcile.model.nouns import Standing
    from reconcile.remedies.own import ipam_sync
    from worker.inventory.lookup import find_server

    with ipam() as working, working.store.read() as reading:
        server = find_server(reading.inventory.servers(), name)
        records = len(reading.records.load([server.id]))
    say(
        f"{server.name} would count as telling nothing from now on: the removal of its "
        f"relationships (it has {records}) can then be planned."
    )
    if not confirmed(f"Retire {server.name}?", yes=yes):
        say("Nothing was changed.")
        return
    _set_standing(server.name, Standing.RETIRED)
    say(
        f"{server.name} is retired. Next: ipam-sync plan. "
        f"To take it back: {ipam_sync('servers enable', server.name).text}"
    )


def _set_standing(name: str, standing: Standing) -> str:
    from worker.inventory.admin import set_standing

    with ipam() as working, working.store.write() as uow:
        server = set_standing(uow, person(), name, standing)
        uow.commit()
    return server.name


def _good_name(name: str) -> str:
    """Return the name as the inventory spells it. Raises CommandFailed if it can be no name."""
    from worker.inventory.validation import name_problem, without_dot

    if (problem := name_problem(name)) is not None:
        raise CommandFailed("bad_name", f"The name {name!r} {problem}")
    return without_dot(name)


def _good_tags(tags: tuple[str, ...]) -> tuple[str, ...]:
    """Return the tags as they are kept. Raises CommandFailed if one can be none."""
    from worker.inventory.validation import good_tags, tag_problem

    for tag in tags:
        if (problem := tag_problem(tag)) is not None:
            raise CommandFailed("bad_tag", f"{tag!r} {problem}")
    return good_tags(tags)


def _check_addresses(addresses: tuple[str, ...]) -> None:
    from worker.inventory.validation import address_problem

    for address in addresses:
        if (problem := address_problem(address)) is not None:
            raise CommandFailed("bad_address", f"{address!r} {problem}")
