"""``ipam-sync alerts``: who is told of problems, and what waits to be told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from worker.cli.door import ipam, person, screen
from worker.cli.lazy import LazyGroup, Place
from worker.cli.options import as_json
from worker.cli.output import CommandFailed, print_json, say

if TYPE_CHECKING:
    from worker.alert_ports import Delivery
    from worker.alerts.channels.port import Channel
    from worker.alerts.config import Alerting
    from worker.ports import Reading
    from worker.present.alerts import Undone
    from worker.settings import Settings
    from worker.telling.retrying import Retried

_HERE: Final = "worker.cli.alerts"
_TRYING: Final = "worker.cli.alert_trials"

alerts: Final = LazyGroup(
    "alerts",
    commands_at={
        "channels": Place(f"{_HERE}:channels", "List the channels over which alerts go out."),
        "test": Place(f"{_TRYING}:test", "Send a test alert over a channel, now."),
        "preview": Place(f"{_TRYING}:preview", "Show what would be sent, and to whom."),
        "outbox": Place(f"{_HERE}:outbox", "List what waits to be told, and what was given up."),
        "retry": Place(f"{_HERE}:retry", "Try again now what failed or was given up."),
    },
    help="Who is told of problems, over which channels, and what waits. The channels are in the "
    "file that IPAM_SYNC_ALERTS_FILE names.\n\nExample: ipam-sync alerts channels",
)


def alerting(settings: Settings) -> Alerting:
    """Channels and routes. Raises CommandFailed without a file of them, AlertsFileUnusable."""
    from worker.bootstrap import alerting_in_force

    found = alerting_in_force(settings)
    if found is None:
        raise CommandFailed(
            "no_alerts_file",
            "There are no channels, so nobody is told of problems: write a file of channels and "
            "name it in IPAM_SYNC_ALERTS_FILE, see docs/alerts.md.",
        )
    return found


def channel_of(alerting: Alerting, name: str) -> Channel:
    """The channel of that name. Raises CommandFailed."""
    channel = alerting.channels.get(name)
    if channel is None:
        from worker.suggest import did_you_mean

        guess = did_you_mean(name, alerting.channels)
        raise CommandFailed(
            "unknown_channel",
            f"There is no channel {name!r}{guess} See: ipam-sync alerts channels",
        )
    return channel


@click.command()
@as_json
def channels(as_json: bool) -> None:
    """List the channels over which alerts go out.

    With the routes that lead there, how much waits and was given up, and when the channel took
    an alert last.

    \b
    JSON: an array of {"name", "type", "read_by": "people" | "programs",
      "routes": [in words], "applied": whether it is told what was applied,
      "waiting", "failed": of these after a failure, "given_up",
      "told_at": null | time}

    Example: ipam-sync alerts channels --json
    """
    from worker.present.alerts import channel_json, show_channels

    with ipam() as working:
        known = alerting(working.settings)
        with working.store.read() as reading:
            backlogs = reading.backlogs()
    if as_json:
        print_json([channel_json(name, known, backlogs.get(name)) for name in known.channels])
    else:
        show_channels(screen(), known, backlogs)
    if not known.channels:
        say("The file has no channel. See docs/alerts.md.")
    gone = sorted(n for n, b in backlogs.items() if n not in known.channels and b.waits)
    if gone:
        say(f"Alerts wait for what is not in the file any more: {', '.join(gone)}.")


@click.command()
@click.option("--channel", metavar="CHANNEL", help="For this channel.")
@click.option("--dead", is_flag=True, help="Only what was given up.")
@click.option(
    "--limit", type=click.IntRange(1, 100_000), default=50, show_default=True, help="At most."
)
@as_json
def outbox(channel: str | None, dead: bool, limit: int, as_json: bool) -> None:
    """List what waits to be told, and what was given up.

    What is due first comes first, then what was given up: that is tried again by
    `ipam-sync alerts retry`, or when something new happens to the problem.

    \b
    JSON: {"undecided": events of which it is still to be decided who is told,
      "waiting", "given_up": numbers of all,
      "undone": [{"problem", "kind", "relationship", "servers", "channel",
        "in_file": whether there is such a channel, "event", "key", "since",
        "state": "waiting" | "given_up", "attempts", "next_try", "error"}]}

    \b
    Examples:
      ipam-sync alerts outbox
      ipam-sync alerts outbox --channel ticket --dead
    """
    from worker.present.alerts import show_undone, undone_json

    with ipam() as working:
        known = alerting(working.settings)
        with working.store.read() as reading:
            backlogs = reading.backlogs()
            if channel is not None and channel not in backlogs:
                channel_of(known, channel)
            undone = _undone(reading, known, reading.undone(limit, channel=channel, dead=dead))
            undecided, now = reading.undecided(), reading.now()
            names = {s.id: s.name for s in reading.servers()}
    of = [b for name, b in backlogs.items() if channel in (None, name)]
    waiting, given_up = sum(b.waits for b in of), sum(b.given_up for b in of)
    if as_json:
        counts = {"undecided": undecided, "waiting": waiting, "given_up": given_up}
        print_json({**counts, "undone": [undone_json(one, names) for one in undone]})
        return
    show_undone(screen(), undone, names, now)
    _say_how_many(given_up if dead else waiting + given_up, len(undone), undecided)


def _say_how_many(every: int, shown: int, undecided: int) -> None:
    from worker.present.text import counted

    if not every:
        say("The outbox is empty: nothing waits to be told.")
    elif every > shown:
        say(f"{every - shown} more; --limit shows them.")
    if undecided:
        say(f"Of {counted(undecided, 'event')} it is still to be decided who is told.")


def _undone(reading: Reading, known: Alerting, deliveries: tuple[Delivery, ...]) -> list[Undone]:
    """With the event that was to be told: of what was given up the last that was, by its outcome."""
    from worker.present.alerts import Undone

    problems = reading.problems({delivery.finding for delivery in deliveries})
    waits = [(d.finding, d.wanted) for d in deliveries if d.wanted is not None]
    by_key = {(e.finding, e.sequence): e for e in reading.events_at(waits)}
    given_up = {
        (event.finding, channel): event
        for event in reading.events({d.finding for d in deliveries if d.wanted is None})
        for channel in event.outcome or {}
    }
    return [
        Undone(
            delivery,
            problems[delivery.finding].finding,
            given_up.get((delivery.finding, delivery.channel))
            if delivery.wanted is None
            else by_key.get((delivery.finding, delivery.wanted)),
            delivery.channel in known.channels,
        )
        for delivery in deliveries
    ]


@click.command()
@click.argument("channel", required=False)
@click.option("--problem", type=click.IntRange(min=1), metavar="ID", help="Only of this problem.")
@click.option("--all", "everything", is_flag=True, help="Over every channel.")
@as_json
def retry(channel: str | None, problem: int | None, everything: bool, as_json: bool) -> None:
    """Try again now what failed or was given up.

    Each begins with all its attempts, and is sent by a worker within seconds. What waits for the
    end of quiet hours goes on waiting.

    \b
    JSON: {"given_up", "failed": how many of these are tried again,
      "dropped": given up, and over before anybody was told,
      "quiet": how many wait for the end of quiet hours}

    \b
    Examples:
      ipam-sync alerts retry ticket
      ipam-sync alerts retry --problem 12
      ipam-sync alerts retry --all
    """
    from worker.telling.retrying import Which
    from worker.telling.retrying import retry as try_again
    from worker.telling.supposing import problem_of

    if [channel is not None, problem is not None, everything].count(True) != 1:
        raise click.UsageError("Say which: a channel, --problem ID, or --all.")
    with ipam() as working:
        known = alerting(working.settings)
        if channel is not None:
            channel_of(known, channel)
        which = {channel} if channel is not None else set(known.channels)
        with working.store.write() as uow:
            if problem is not None:
                problem_of(uow, problem)
            told = try_again(uow, person(), Which(_subject(channel, problem), which, problem))
            is_sent = any(p.is_alive and p.role == "control" for p in uow.processes())
            uow.commit()
    _say_what_is_retried(told, is_sent=is_sent)
    if as_json:
        from dataclasses import asdict

        print_json(asdict(told))


def _subject(channel: str | None, problem: int | None) -> str:
    if channel is not None:
        return f"alerts over {channel}"
    return "all alerts" if problem is None else f"alerts of problem {problem}"


def _say_what_is_retried(told: Retried, *, is_sent: bool) -> None:
    from worker.present.text import counted

    again = told.given_up + told.failed
    if again:
        how = f"{told.given_up} given up before, {told.failed} after a failure"
        say(f"{counted(again, 'alert')} tried again now: {how}.")
        if not is_sent:
            say("No control worker is alive to send that: ipam-sync worker --role control")
    else:
        say("Nothing was given up, and nothing waits after a failure.")
    if told.dropped:
        say(f"{told.dropped} not told any more: over before the channel was told of the problem.")
    if told.quiet:
        say(f"{told.quiet} go on waiting for the end of quiet hours.")
