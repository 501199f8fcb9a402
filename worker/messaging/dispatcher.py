"""How messages reach workers: the port that Celery keeps in production, and a list in tests."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from worker.model.runs import Lane


class Dispatcher(Protocol):
    """Messages carry ids and nothing else; whether one arrives is the broker's luck.

    A broker that is down loses them without an exception: the sweeper sends them again.
    """

    def read(self, run: int, server: int, lane: Lane) -> None:
        """Somebody should read this server for this run."""

    def settle(self, run: int) -> None:
        """Somebody should judge what waits in this run, and close it if nothing does."""

    def waiting(self, lane: Lane) -> int | None:
        """So many messages wait in the lane; None if nobody can say."""


def publish(dispatcher: Dispatcher, run: int, servers: Collection[int], lane: Lane) -> None:
    """One message for each."""
    for server in sorted(servers):
        dispatcher.read(run, server, lane)
