"""``ipam-sync alerts``: who is told of problems, and what waits to be told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from worker.cli.door import ipam, screen
from worker.cli.lazy import CommandLocation, LazyGroup
from worker.cli.options import as_json
from worker.cli.output import CommandFailed, print_json, say

if TYPE_CHECKING:
    from worker.alerts.alerting import Alerting
    from worker.alerts.channels.port import Channel
    from worker.config.settings import Settings

_HERE: Final = "worker.cli.alerts"
_TRYING: Final = "worker.cli.alert_trials"
_OUTBOX: Final = "worker.cli.outbox"

alerts: Final = LazyGroup(
    "alerts",
    commands_at={
        "channels": CommandLocation(
            f"{_HERE}:channels", "List the channels over which alerts go out."
        ),
        "test": CommandLocation(f"{_TRYING}:test", "Send a test alert over a channel, now."),
        "preview": CommandLocation(f"{_TRYING}:preview", "Show what would be sent, and to whom."),
        "outbox": CommandLocation(
            f"{_OUTBOX}:outbox", "List what waits to be told, and what was given up."
        ),
        "retry": CommandLocation(f"{_OUTBOX}:retry", "Try again now what failed or was given up."),
    },
    help="Who is told of problems, over which channels, and what waits. The channels are in the "
    "file that IPAM_SYNC_ALERTS_FILE names.\n\nExample: ipam-sync alerts channels",
)


def alerting(settings: Settings) -> Alerting:
    """Channels and routes. Raises CommandFailed without a file of them, AlertsFileUnusable."""
    from worker.bootstrap import alerting_in_force

    in_force = alerting_in_force(settings)
    if in_force is None:
        raise CommandFailed(
            "no_alerts_file",
            "There are no channels, so nobody is told of problems: write a file of channels and "
            "name it in IPAM_SYNC_ALERTS_FILE, see docs/alerts.md.",
        )
    return in_force


def channel_of(alerting: Alerting, name: str) -> Channel:
    """The channel of that name. Raises CommandFailed."""
    channel = alerting.channels.get(name)
    if channel is None:
        from worker.config.suggest import did_you_mean

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
      "changes_waiting", "changes_given_up": of what was applied,
      "told_at": null | time,
      "paused_until": null | time: the channel asked to be left alone}

    Example: ipam-sync alerts channels --json
    """
    from worker.alerts.delivery.change_feed import backlogs as changes_backlogs
    from worker.model.alerts import ChannelBacklog
    from worker.model.change_feed import AppliedBacklog
    from worker.views.alerts import ChannelStatus, channel_json, show_channels

    with ipam() as working:
        in_file = alerting(working.settings)
        with working.store.read() as reading:
            backlogs, paused = reading.deliveries.backlogs(), reading.deliveries.pauses()
            changes = changes_backlogs(reading, in_file.applied)
    standings = {
        name: ChannelStatus(
            backlogs.get(name, ChannelBacklog()),
            changes.get(name, AppliedBacklog()),
            paused.get(name),
        )
        for name in in_file.channels
    }
    if as_json:
        print_json([channel_json(name, in_file, standings[name]) for name in in_file.channels])
    else:
        show_channels(screen(), in_file, standings)
    if not in_file.channels:
        say("The file has no channel. See docs/alerts.md.")
    removed = sorted(n for n, b in backlogs.items() if n not in in_file.channels and b.waits)
    if removed:
        say(f"Alerts wait for what is not in the file any more: {', '.join(removed)}.")
