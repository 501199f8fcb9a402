"""``ipam-sync drift ack | unack | silence | unsilence | silences``: who knows, who is not told."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import click

from reconcile.model.findings import Kind, Matter
from worker.cli.door import ipam, person, screen
from worker.cli.options import Day, DurationType, OneOf, SpanOrDay, after, as_json
from worker.cli.output import CommandFailed, print_json, say

if TYPE_CHECKING:
    from collections.abc import Mapping

    from worker.model.alerts import Silence
    from worker.store.repositories.inventory import InventoryRepository
    from worker.store.unit_of_work import Transaction

#: A text with one of these is a pattern, not the name of a server.
_PATTERN = frozenset("*?[")


@click.command()
@click.argument("numbers", nargs=-1, required=True, type=click.IntRange(min=1), metavar="ID...")
@click.option("--note", required=True, help="What is done about it, for whoever wonders.")
@click.option(
    "--until",
    type=SpanOrDay(),
    metavar="TIME",
    help="For 90m, 2h or 1d12h, or to the end of a day or to a time; else until it is over.",
)
def ack(numbers: tuple[int, ...], note: str, until: timedelta | datetime | None) -> None:
    """Acknowledge problems: somebody knows, and says so.

    Who was told of them is told that you know, and is not reminded any more. Should a problem
    change or end, that is told all the same. What comes back later is not acknowledged.

    \b
    Examples:
      ipam-sync drift ack 3 --note 'replacing the disk' --until 4h
      ipam-sync drift ack 3 4 --note 'CHG-1234' --until 2026-12-31
    """
    from worker.alerts.acknowledge import acknowledge

    note = _said(note, "--note 'replacing the disk'")
    with ipam() as working, working.store.write() as uow:
        ends_at = None if until is None else _ahead(uow.now(), until)
        acknowledged = acknowledge(uow, person(), numbers, note, ends_at)
        uow.commit()
    say(f"{_counted(len(acknowledged))} acknowledged{_until(ends_at)}.")


@click.command()
@click.argument("numbers", nargs=-1, required=True, type=click.IntRange(min=1), metavar="ID...")
def unack(numbers: tuple[int, ...]) -> None:
    """Take acknowledgements back.

    Nobody is told at once; what is still open is told again when its time has come.

    Example: ipam-sync drift unack 3
    """
    from worker.alerts.acknowledge import withdraw

    with ipam() as working, working.store.write() as uow:
        withdrawn = withdraw(uow, person(), numbers)
        uow.commit()
    say(f"{_counted(len(withdrawn))} not acknowledged any more.")
    if len(withdrawn) < len(set(numbers)):
        unchanged = ", ".join(f"#{n}" for n in dict.fromkeys(numbers) if n not in withdrawn)
        say(f"Not acknowledged in the first place: {unchanged}.")


@click.command()
@click.option("--reason", required=True, help="Why, for whoever wonders.")
@click.option(
    "--for", "length", type=DurationType(), metavar="TIME", help="So long: 90m, 2h, 1d12h."
)
@click.option(
    "--until", type=Day(), metavar="DATE", help="To the end of that day (UTC), or to that time."
)
@click.option(
    "--kind",
    type=OneOf(Kind),
    metavar="KIND",
    help="Of this kind, such as server_unread.",
)
@click.option("--matter", type=OneOf(Matter), help="Of this matter.")
@click.option("--server", metavar="PATTERN", help="About a server: its name, or with * and ?.")
@click.option(
    "--relationship", metavar="PATTERN", help="About relationships of this name, or with * and ?."
)
@click.option("--tag", metavar="PATTERN", help="About servers with this tag, or with * and ?.")
@click.option("--everything", is_flag=True, help="All there is, if nothing else is said.")
@as_json
def silence(
    reason: str,
    length: timedelta | None,
    until: datetime | None,
    kind: Kind | None,
    matter: Matter | None,
    server: str | None,
    relationship: str | None,
    tag: str | None,
    everything: bool,
    as_json: bool,
) -> None:
    """Have nobody told of what fits, for a while.

    What is given must all fit. Problems go on being found, and are listed with a mark. What is
    still open when the silence ends is told then; what ends meanwhile is told to those who knew.

    JSON: as one of `ipam-sync drift silences --json`

    \b
    Examples:
      ipam-sync drift silence --server 'dhcp0*' --for 2h --reason 'new switch'
      ipam-sync drift silence --matter blindness --for 8h --reason 'no power'
      ipam-sync drift silence --tag site:vienna --for 8h --reason 'no power'
    """
    from worker.alerts.acknowledge import silence as begin
    from worker.views.silences import silence_json

    if (length is None) == (until is None):
        raise click.UsageError("Say how long: --for 2h or --until 2026-12-24T18:00Z.")
    matchers = {
        "kind": kind,
        "matter": matter,
        "server": server,
        "relationship": relationship,
        "tag": tag,
    }
    if everything == any(matchers.values()):
        raise click.UsageError("Say of what: --server, --relationship, --tag, --kind or --matter.")
    reason = _said(reason, "--reason 'new switch'")
    with ipam() as working, working.store.write() as uow:
        current_time = uow.now()
        stored = begin(
            uow, person(), _silence(uow.inventory, reason, current_time, length or until, matchers)
        )
        fitting = _fitting(uow, stored)
        uow.commit()
    _tell(stored, fitting)
    if as_json:
        print_json(silence_json(stored, current_time))


def _silence(
    inventory: InventoryRepository,
    reason: str,
    now: datetime,
    until: timedelta | datetime | None,
    named: Mapping[str, str | None],
) -> Silence:
    from worker.model.alerts import Silence

    kind, matter, server = named["kind"], named["matter"], named["server"]
    return Silence(
        0,
        reason,
        "",
        now,
        _ahead(now, until or timedelta()),
        None if kind is None else Kind(kind),
        None if matter is None else Matter(matter),
        None if server is None else _full_name(inventory, server),
        named["relationship"],
        tag=named["tag"],
    )


def _full_name(inventory: InventoryRepository, text: str) -> str:
    """Return the full name of a server. A pattern matches full names and stays as it is."""
    from worker.inventory.lookup import find_server

    return text if _PATTERN & {*text} else find_server(inventory.servers(), text).name


def _fitting(reading: Transaction, begun: Silence) -> int:
    """How many open problems it silences."""
    from worker.alerts.problems import problems
    from worker.alerts.silences import fits

    return sum(p.stored.is_open and fits(begun, p) for p in problems(reading, {}))


def _tell(begun: Silence, fitting: int) -> None:
    from worker.views.silences import matchers
    from worker.views.text import counted

    say(
        f"Nobody is told of {', '.join(matchers(begun))}{_until(begun.ends_at)}. "
        f"It fits {counted(fitting, 'open problem')}. "
        f"To end that: ipam-sync drift unsilence {begun.id}"
    )


@click.command()
@click.argument("number", type=click.IntRange(min=1), metavar="ID")
def unsilence(number: int) -> None:
    """End a silence before its time. One that is over already stays as it is.

    Example: ipam-sync drift unsilence 3
    """
    from worker.alerts.acknowledge import unsilence as end

    with ipam() as working, working.store.write() as uow:
        was_open = end(uow, person(), number)
        uow.commit()
    say(f"Silence {number} is over." if was_open else f"Silence {number} was over already.")


@click.command()
@click.option("--all", "every", is_flag=True, help="Also those that are over.")
@as_json
def silences(every: bool, as_json: bool) -> None:
    """List silences that are in force.

    \b
    JSON: an array of {"id", "kind", "matter", "server", "relationship", "tag":
      null fits all, "state": "in force" | "over", "reason", "who", "starts_at",
      "ends_at", "ended_by": null | who ended it before its time}

    Example: ipam-sync drift silences --all
    """
    from worker.views.silences import show_silences, silence_json

    with ipam() as working, working.store.read() as reading:
        current_time = reading.now()
        entries = reading.silences.load(every=every)
    if as_json:
        print_json([silence_json(entry, current_time) for entry in entries])
        return
    show_silences(screen(), entries, current_time)
    if not entries:
        say(
            "There is none. To begin one: ipam-sync drift silence --server NAME --for 2h --reason WHY"
        )


def _said(text: str, example: str) -> str:
    if not text.strip():
        raise click.UsageError(f"Say why: {example}.")
    return text.strip()


def _ahead(now: datetime, when: timedelta | datetime) -> datetime:
    """The time that is meant. Raises CommandFailed if it is over, or in no year."""
    at = after(now, when)
    if at is None or at <= now:
        raise CommandFailed("bad_time", "That would be over before it began.")
    return at


def _until(at: datetime | None) -> str:
    from worker.views.text import moment

    return "" if at is None else f" until {moment(at)}"


def _counted(number: int) -> str:
    return f"{number} problem is" if number == 1 else f"{number} problems are"
