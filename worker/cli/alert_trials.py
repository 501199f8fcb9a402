"""``ipam-sync alerts test`` and ``preview``: what a channel does, before something happens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from reconcile.model.findings import Event, Kind
from worker.cli.alerts import alerting, channel_of
from worker.cli.door import ipam, screen
from worker.cli.options import OneOf, as_json
from worker.cli.output import print_json

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from worker.alerts.alerting import Alerting
    from worker.alerts.channels.port import Channel
    from worker.alerts.message import Alert
    from worker.alerts.rules import ChannelDecision
    from worker.bootstrap import Ipam
    from worker.config.settings import Settings

JSON: Final = "json"
#: Spelt out, because the media of texts are defined beside Jinja, which help must not import.
#: A test compares them.
MEDIA: Final = ("txt", "html", "md", JSON)


@click.command()
@click.argument("channel")
@click.option(
    "--event",
    type=OneOf((Event.OPENED, Event.RESOLVED)),
    default=Event.OPENED.value,
    show_default=True,
    help="What is said to have happened; resolved ends what opened began, such as an incident.",
)
@as_json
def test(channel: str, event: Event, as_json: bool) -> None:
    """Send a test alert over a channel, now.

    It says that it is a test, needs no database and no worker, and goes by no route. Each one has
    a key of its own, so that no receiver takes it for a double. If the receiver does not take it,
    the command fails with what it answered (code undelivered).

    \b
    JSON: {"channel", "type", "event", "key", "answer": in one sentence}

    \b
    Examples:
      ipam-sync alerts test ticket
      ipam-sync alerts test ticket --event resolved
    """
    import time
    from datetime import UTC, datetime

    from worker.alerts.message import trial
    from worker.bootstrap import settings_in_force

    settings = settings_in_force()
    known_channels = alerting(settings)
    to = channel_of(known_channels, channel)
    current_time = datetime.now(UTC)
    alert = trial(current_time, int(current_time.timestamp() * 1000), event)
    started_at = time.monotonic()
    with _lines(settings, to):
        to.deliver(alert)
    seconds = time.monotonic() - started_at
    kind = known_channels.types[channel]
    answer = f"{channel} ({kind}) took the test alert {alert.key} ({event}) in {seconds:.1f} s."
    if as_json:
        subject = {"channel": channel, "type": kind, "event": event, "key": alert.key}
        print_json({**subject, "answer": answer})
        return
    screen().line(f"{answer} Look whether it arrived.")


def _lines(settings: Settings, channel: Channel) -> AbstractContextManager[None]:
    """Let a channel that is the log of its process write to ours. Nothing else is logged."""
    from contextlib import nullcontext

    from worker.alerts.channels.lines import Lines
    from worker.processes.visible import logged
    from worker.telemetry.logs import no_lines

    if isinstance(channel, Lines) and channel.file is None:
        return logged(settings, "alerts test")
    no_lines()
    return nullcontext()


@click.command()
@click.option("--problem", type=click.IntRange(min=1), metavar="ID", help="Of this stored problem.")
@click.option(
    "--kind",
    type=OneOf(Kind),
    metavar="KIND",
    help="Of an example of this kind, such as one_sided.",
)
@click.option(
    "--event",
    type=OneOf(Event),
    help="If this happens next; left out: what happened last to the problem, or opened.",
)
@click.option("--channel", metavar="CHANNEL", help="As this channel is told it.")
@click.option(
    "--medium",
    type=click.Choice(MEDIA),
    help="The text as it is, as HTML or as Markdown, or the JSON of a webhook; left out: json for "
    "a channel that programs read, else txt.",
)
@as_json
def preview(
    problem: int | None,
    kind: Kind | None,
    event: Event | None,
    channel: str | None,
    medium: str | None,
    as_json: bool,
) -> None:
    """Show what would be sent, and to whom.

    Nothing is sent or written. Of a stored problem it is decided as by a worker now: routes,
    silences, causes, and what each channel knows already. An example is decided by routes alone,
    and its servers and its relationship are made up, so that patterns of them rarely fit.

    \b
    JSON: {"key", "event", "severity", "medium", "subject", "body",
      "channels": [{"channel", "told", "why", "not_before": null | time}]}

    \b
    Examples:
      ipam-sync alerts preview --kind one_sided
      ipam-sync alerts preview --problem 12 --event resolved --channel ticket
    """
    from worker.views.previews import preview_json, show_preview, written

    of = problem or kind
    if of is None or (problem and kind):
        raise click.UsageError("Say of what: --problem ID or --kind KIND.")
    with ipam() as working:
        known_channels = alerting(working.settings)
        to = None if channel is None else channel_of(known_channels, channel)
        alert, fates = _supposed(working, known_channels, of, event, channel)
    if medium is None:
        medium = JSON if to is not None and not to.for_people else MEDIA[0]
    text = written(alert, known_channels.texts, medium)
    if as_json:
        print_json(preview_json(alert, text, fates))
    else:
        show_preview(screen(), text, fates)


def _supposed(
    working: Ipam, known: Alerting, of: int | Kind, event: Event | None, channel: str | None
) -> tuple[Alert, list[ChannelDecision]]:
    """Return an alert of a problem or a kind, and the decisions about it.

    With a channel they are those of this channel, and the alert is as it gets it.
    """
    from worker.alerts.delivery.preview import as_channel_is_told, suppose, suppose_example

    with working.store.read() as reading:
        if isinstance(of, Kind):
            example = event or Event.OPENED
            supposed = suppose_example(of, example, known, working.words, reading.now())
            alert = supposed.alert
        else:
            supposed = suppose(reading, of, event, known, working.words)
            alert = (
                supposed.alert
                if channel is None
                else as_channel_is_told(reading.deliveries, supposed.alert, channel)
            )
    return alert, [fate for fate in supposed.fates if channel in (None, fate.channel)]
