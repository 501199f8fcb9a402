"""A channel in memory; ``tests/contracts`` holds it to what every channel promises."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import ClassVar, Final

from worker.alerts.channels.port import Undelivered
from worker.alerts.message import Alert, Message, members

#: What a channel may refuse.
EVERYTHING: Final = "*"


class Died(BaseException):
    """The process of a deliverer is gone."""


@dataclass
class Inbox:
    """Keeps what arrives.  Who delivers ``dies`` "before" or "after" the next message does, and marks
    nothing; or it learns "nothing" of whether that arrived.  ``deaths`` are the places of messages
    that nobody marked.  What is about the relationship ``refuses`` (or EVERYTHING) is refused for
    good, and counted.
    """

    for_people: ClassVar[bool] = False

    name: str
    refresh: timedelta | None = None
    is_up: bool = True
    dies: str = ""
    messages: list[Message] = field(default_factory=list)
    deaths: set[int] = field(default_factory=set)
    refuses: str | None = None
    refused: int = 0

    def deliver(self, message: Message) -> None:
        dies, self.dies = self.dies, ""
        if dies == "before":
            raise Died
        if not self.is_up:
            raise Undelivered(f"{self.name}: nobody answers.")
        about = {EVERYTHING, *(alert.relationship for alert in members(message))}
        if self.refuses is not None and self.refuses in about:
            self.refused += 1
            raise Undelivered(f"{self.name}: refused.", permanent=True)
        self.messages.append(message)
        if dies == "after":
            self.deaths.add(len(self.messages) - 1)
            raise Died
        if dies == "nothing":
            self.deaths.add(len(self.messages) - 1)
            raise Undelivered(f"{self.name}: no answer in time.", unsure=True)

    @property
    def alerts(self) -> list[Alert]:
        """What arrived, in order."""
        return [alert for message in self.messages for alert in members(message)]


@dataclass
class Digests(Inbox):
    """One that people read."""

    for_people: ClassVar[bool] = True
