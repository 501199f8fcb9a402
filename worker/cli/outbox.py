"""``ipam-sync alerts outbox`` and ``retry``: what waits to be told, and trying again."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import click

from worker.cli.alerts import alerting, channel_of
from worker.cli.door import ipam, person, screen
from worker.cli.options import as_json
from worker.cli.output import print_json, say

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from worker.alerts.alerting import Alerting
    from worker.alerts.delivery.retry import Retried
    from worker.model.alerts import Delivery
    from worker.store.unit_of_work import Transaction
    from worker.views.outbox import Undone, UntoldChanges

_One = TypeVar("_One")


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
    `ipam-sync alerts retry --all`, when something new happens to the problem, or when the channel
    took something else. Changes that policy auto applied are counted by channel.

    \b
    JSON: {"undecided": events of which it is still to be decided who is told,
      "waiting", "given_up": numbers of all,
      "undone": [{"problem", "kind", "relationship", "servers", "channel",
        "in_file": whether there is such a channel, "event", "key", "since",
        "state": "waiting" | "given_up", "attempts", "next_try", "error"}],
      "changes": [{"channel", "waiting", "given_up": operations, "attempts",
        "next_try": of the message, or null, "error"}],
      "paused": {channel: until when it asked to be left alone}}

    \b
    Examples:
      ipam-sync alerts outbox
      ipam-sync alerts outbox --channel ticket --dead
    """
    from worker.views.outbox import changes_json, show_changes, show_undone, undone_json
    from worker.views.text import iso

    with ipam() as working:
        known_channels = alerting(working.settings)
        with working.store.read() as reading:
            backlogs, paused = (
                reading.deliveries.backlogs(),
                _of(reading.deliveries.pauses(), channel),
            )
            if channel is not None and channel not in backlogs:
                channel_of(known_channels, channel)
            undone = _undone(
                reading,
                known_channels,
                reading.deliveries.undone(limit, channel=channel, dead=dead),
            )
            changes = _changes(reading, known_channels, channel, dead=dead)
            undecided, current_time = reading.outbox.undecided(), reading.now()
            names = {s.id: s.name for s in reading.inventory.servers()}
    of = _of(backlogs, channel).values()
    waiting_count, given_up = sum(b.waits for b in of), sum(b.given_up for b in of)
    if as_json:
        counts = {"undecided": undecided, "waiting": waiting_count, "given_up": given_up}
        listed = {
            "undone": [undone_json(delivery, names) for delivery in undone],
            "changes": [changes_json(delivery) for delivery in changes],
        }
        print_json({**counts, **listed, "paused": {n: iso(t) for n, t in paused.items()}})
        return
    show_undone(screen(), undone, names, current_time)
    show_changes(screen(), changes, current_time)
    _say_how_many(given_up if dead else waiting_count + given_up, len(undone), undecided, changes)
    _say_who_is_paused(paused)


def _of(by_channel: Mapping[str, _One], channel: str | None) -> dict[str, _One]:
    """Return the entries of one channel, or of all."""
    return {name: entry for name, entry in by_channel.items() if channel in (None, name)}


def _say_how_many(
    every: int, shown: int, undecided: int, changes: Collection[UntoldChanges]
) -> None:
    from worker.views.text import counted

    if every > shown:
        say(f"{every - shown} more; --limit shows them.")
    elif not every and not changes:
        say("The outbox is empty: nothing waits to be told.")
    if undecided:
        say(f"Of {counted(undecided, 'event')} it is still to be decided who is told.")


def _say_who_is_paused(paused: Mapping[str, datetime]) -> None:
    from reconcile.remedies.own import ipam_sync
    from worker.views.text import moment

    for channel, pause_end in paused.items():
        say(
            f"{channel} asked to be left alone until {moment(pause_end)}; told before that: "
            f"{ipam_sync('alerts retry', channel).text}"
        )


def _undone(
    reading: Transaction, known: Alerting, deliveries: tuple[Delivery, ...]
) -> list[Undone]:
    """With the event that was to be told: of what was given up the last that was, by its outcome."""
    from worker.views.outbox import Undone

    problems = reading.findings.by_id({delivery.finding for delivery in deliveries})
    waiting_keys = [(d.finding, d.wanted) for d in deliveries if d.wanted is not None]
    by_key = {(e.finding, e.sequence): e for e in reading.outbox.events_at(waiting_keys)}
    # Events come oldest first, so the last one that a channel has an outcome for remains.
    given_up = {
        (event.finding, channel): event
        for event in reading.outbox.events({d.finding for d in deliveries if d.wanted is None})
        for channel in event.outcome or {}
    }
    paused = reading.deliveries.pauses()
    return [
        Undone(
            delivery,
            problems[delivery.finding].finding,
            given_up.get((delivery.finding, delivery.channel))
            if delivery.wanted is None
            else by_key.get((delivery.finding, delivery.wanted)),
            delivery.channel in known.channels,
            paused.get(delivery.channel),
        )
        for delivery in deliveries
    ]


def _changes(
    reading: Transaction, known: Alerting, channel: str | None, *, dead: bool
) -> list[UntoldChanges]:
    """Return the changes that channels still have to get, without channels that have them all."""
    from worker.alerts.delivery.change_feed import backlogs
    from worker.views.outbox import UntoldChanges

    paused = reading.deliveries.pauses()
    return [
        UntoldChanges(name, backlog, paused.get(name))
        for name, backlog in sorted(_of(backlogs(reading, known.applied), channel).items())
        if backlog.given_up or (backlog.waits and not dead)
    ]


@click.command()
@click.argument("channel", required=False)
@click.option("--problem", type=click.IntRange(min=1), metavar="ID", help="Only of this problem.")
@click.option("--all", "everything", is_flag=True, help="Over every channel.")
@as_json
def retry(channel: str | None, problem: int | None, everything: bool, as_json: bool) -> None:
    """Try again now what failed or was given up.

    Each begins with all its attempts, and is sent by a worker within seconds. What waits for the
    end of quiet hours goes on waiting. A channel that asked to be left alone is left alone, unless
    it is named. Changes that were given up are told with all that were applied since.

    \b
    JSON: {"given_up", "failed": how many alerts of these are tried again,
      "dropped": given up, and over before anybody was told,
      "quiet": how many wait for the end of quiet hours,
      "changes": how many operations are told again,
      "is_pause_over": whether the channel had asked to be left alone}

    \b
    Examples:
      ipam-sync alerts retry ticket
      ipam-sync alerts retry --problem 12
      ipam-sync alerts retry --all
    """
    from worker.alerts.delivery.preview import problem_of
    from worker.alerts.delivery.retry import Which
    from worker.alerts.delivery.retry import retry as try_again

    if [channel is not None, problem is not None, everything].count(True) != 1:
        raise click.UsageError("Say which: a channel, --problem ID, or --all.")
    with ipam() as working:
        known_channels = alerting(working.settings)
        if channel is not None:
            channel_of(known_channels, channel)
        which = {channel} if channel is not None else set(known_channels.channels)
        with working.store.write() as uow:
            if problem is not None:
                problem_of(uow.findings, problem)
            retried = try_again(
                uow,
                person(),
                Which(
                    _subject(channel, problem),
                    which,
                    problem,
                    ends_pauses=channel is not None,
                    applied=known_channels.applied,
                ),
            )
            paused = {n: t for n, t in uow.deliveries.pauses().items() if n in which}
            # No other role delivers alerts.
            is_sent = any(p.is_alive and p.role == "control" for p in uow.processes.registered())
            uow.commit()
    _say_what_is_retried(retried, is_sent=is_sent)
    _say_who_is_paused(paused)
    if as_json:
        from dataclasses import asdict

        print_json(asdict(retried))


def _subject(channel: str | None, problem: int | None) -> str:
    if channel is not None:
        return f"alerts over {channel}"
    return "all alerts" if problem is None else f"alerts of problem {problem}"


def _say_what_is_retried(told: Retried, *, is_sent: bool) -> None:
    from worker.views.text import counted

    total = told.given_up + told.failed
    if total:
        words = f"{told.given_up} given up before, {told.failed} after a failure"
        say(f"{counted(total, 'alert')} tried again now: {words}.")
    if told.changes:
        say(f"{counted(told.changes, 'change')} told again now.")
    if told.is_pause_over:
        say("The channel had asked to be left alone, and is not any more.")
    if (total or told.changes) and not is_sent:
        say("No control worker is alive to send that: ipam-sync worker --role control")
    if not (total or told.changes):
        say("Nothing was given up, and nothing waits after a failure.")
    if told.dropped:
        say(f"{told.dropped} not told any more: over before the channel was told of the problem.")
    if told.quiet:
        say(f"{told.quiet} go on waiting for the end of quiet hours.")
