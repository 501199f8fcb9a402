"""Handing a message to a channel, whatever becomes of it; for ``delivering`` and ``changes``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from worker import observing
from worker.alerts.channels.port import Channel, Undelivered
from worker.alerts.message import Message
from worker.ports import UnitOfWork
from worker.telling.giving_up import give_up
from worker.telling.patience import MOST_ATTEMPTS, pause


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


@dataclass(frozen=True, slots=True)
class Verdict:
    """On a message that a channel did not take: ``again`` at that time, unless it ``is_dead``."""

    is_dead: bool
    again: datetime


def refused(uow: UnitOfWork, channel: str, attempts: int, error: Undelivered) -> Verdict:
    """What becomes of it after so many attempts, and of the channel."""
    is_dead = error.permanent or attempts >= MOST_ATTEMPTS
    if error.retry_after:
        uow.pause(channel, uow.now() + error.retry_after)
    if is_dead:
        give_up(uow, channel, error.sentence)
    return Verdict(is_dead, uow.now() + pause(attempts, error.retry_after))
