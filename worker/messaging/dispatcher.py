"""How messages reach workers: the port that Celery keeps in production, and a list in tests."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from worker.model.runs import Lane


class Dispatcher(Protocol):
    """A sender of messages. They carry ids and nothing else, and may be lost.

    A broker that is down loses them without an exception: recovery sends them again.
    """

    def read(self, run: int, server: int, lane: Lane) -> None:
        """Have a worker read this server for this run."""

    def settle(self, run: int) -> None:
        """Have a worker judge what waits in this run, and close it if nothing does."""

    def waiting(self, lane: Lane) -> int | None:
        """Return the number of messages that wait in the lane, or None if it is not known."""


def publish(dispatcher: Dispatcher, run: int, servers: Collection[int], lane: Lane) -> None:
    """Send a message for each server."""
    for server in sorted(servers):
        dispatcher.read(run, server, lane)
