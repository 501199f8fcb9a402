"""Handing a message to a channel, whatever becomes of it; for ``delivering`` and ``changes``."""

from __future__ import annotations

from worker import observing
from worker.alerts.channels.port import Channel, Undelivered
from worker.alerts.message import Message


def hand_over(channel: Channel, message: Message) -> None:
    """Raises Undelivered, also for a mistake of ours: it must not keep from the channel, for ever,
    what comes after.
    """
    try:
        channel.deliver(message)
    except Undelivered:
        raise
    except Exception as error:
        observing.channel_broke(channel.name)
        sentence = (
            f"{channel.name}: sending failed in an unexpected way ({type(error).__name__}). This is "
            "a defect of ipam-sync: please report it with the log of the worker."
        )
        raise Undelivered(sentence, unsure=True) from error
