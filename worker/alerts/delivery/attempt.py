"""Handing a message to a channel, whatever becomes of it; for ``deliverer`` and ``change_feed``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from worker.alerts.channels.port import Channel, Undelivered
from worker.alerts.delivery.dead_letters import give_up
from worker.alerts.message import Message
from worker.store.unit_of_work import UnitOfWork
from worker.telemetry import events

#: Nobody else sends what a deliverer has claimed for so long; a delivery takes a minute at most.
CLAIM: Final = timedelta(minutes=3)
#: After about three and a half hours.
MOST_ATTEMPTS: Final = 12
#: Most failures are restarts that are over by then.
_FIRST_PAUSE: Final = timedelta(seconds=10)
#: A receiver that is back is noticed within an hour.
_LONGEST_PAUSE: Final = timedelta(hours=1)
#: Limits the exponent, so that no huge number is computed.
_DOUBLINGS: Final = 10


def pause(attempts: int, asked: timedelta | None = None) -> timedelta:
    """Return the pause after so many failed attempts, at least what the receiver ``asked`` for."""
    doubled: int = 2 ** min(attempts - 1, _DOUBLINGS)
    return max(min(_FIRST_PAUSE * doubled, _LONGEST_PAUSE), asked or timedelta())


def hand_over(channel: Channel, message: Message) -> None:
    """Raises Undelivered, also for a mistake of ours: it must not keep from the channel, for ever,
    what comes after.
    """
    try:
        channel.deliver(message)
    except Undelivered:
        raise
    except Exception as error:
        events.channel_broke(channel.name)
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
    """Return the next state of a refused delivery, and pause or fail its channel."""
    is_dead = error.permanent or attempts >= MOST_ATTEMPTS
    if error.retry_after:
        uow.deliveries.pause(channel, uow.now() + error.retry_after)
    if is_dead:
        give_up(uow, channel, error.sentence)
    return Verdict(is_dead, uow.now() + pause(attempts, error.retry_after))
