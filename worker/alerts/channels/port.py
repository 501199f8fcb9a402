"""What every channel promises: a message arrives within bounded time, or ``Undelivered`` says why not."""

from __future__ import annotations

from datetime import timedelta
from typing import Protocol

from collectors.quote import escaped
from worker.alerts.message import Message


class Undelivered(Exception):
    """The receiver did not take the message, or nobody knows whether it did.

    ``permanent``: the same message will not be taken later either, a person must mend something.
    Else it may be sent again, not before ``retry_after`` if the receiver asked for that.
    ``unsure``: nobody knows whether it did, so it must be told of the end of a problem, too.  The
    sentence names the channel and holds no secret.
    """

    code = "undelivered"

    def __init__(
        self,
        sentence: str,
        *,
        retry_after: timedelta | None = None,
        permanent: bool = False,
        unsure: bool = False,
    ) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.retry_after = retry_after
        self.permanent = permanent
        self.unsure = unsure


def no_incident(channel: str) -> Undelivered:
    """Return the refusal of a receiver that takes incidents only. A change is no incident."""
    sentence = f"{escaped(channel)}: takes incidents, and a change is none."
    return Undelivered(sentence, permanent=True)


class Channel(Protocol):
    """A way out.  May be used by one thread at a time."""

    @property
    def for_people(self) -> bool:
        """True if it is read by people, who are better told many things at once in one digest.

        The others take a digest, too, and make single alerts of it.
        """

    @property
    def refresh(self) -> timedelta | None:
        """Return how often open problems are repeated, lest the receiver forgets them.

        None: never.
        """

    @property
    def name(self) -> str:
        """Return the channel's name in the file of channels."""

    def deliver(self, message: Message) -> None:
        """Send it once. Raises Undelivered, after its timeout at the latest."""
