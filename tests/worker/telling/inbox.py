"""A channel in memory; ``tests/contracts`` holds it to what every channel promises."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import ClassVar

from worker.alerts.channels.port import Undelivered
from worker.alerts.message import Alert, Message, members


class Died(BaseException):
    """The process of a deliverer is gone."""


@dataclass
class Inbox:
    """Keeps what arrives.  Who delivers ``dies`` "before" or "after" the next message does, and marks
    nothing; ``deaths`` are the places of messages that nobody marked.
    """

    for_people: ClassVar[bool] = False

    name: str
    refresh: timedelta | None = None
    is_up: bool = True
    dies: str = ""
    messages: list[Message] = field(default_factory=list)
    deaths: set[int] = field(default_factory=set)

    def deliver(self, message: Message) -> None:
        dies, self.dies = self.dies, ""
        if dies == "before":
            raise Died
        if not self.is_up:
            raise Undelivered(f"{self.name}: nobody answers.")
        self.messages.append(message)
        if dies == "after":
            self.deaths.add(len(self.messages) - 1)
            raise Died

    @property
    def alerts(self) -> list[Alert]:
        """What arrived, in order."""
        return [alert for message in self.messages for alert in members(message)]


@dataclass
class Digests(Inbox):
    """One that people read."""

    for_people: ClassVar[bool] = True
