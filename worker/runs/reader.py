"""How a process reads the servers of runs: the port, and the reader of exported files.

``worker.runs.server_reader`` contacts servers over WinRM.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeAlias

from collectors.base import Collector
from collectors.failover import PollTarget
from reconcile.evidence.impostors import genuine
from reconcile.model.names import NameMap
from reconcile.model.nouns import Server, Sighting, Skipped, SkipReason
from worker.store.claim_batch import ClaimBatch


@dataclass(frozen=True, slots=True)
class ExportFile:
    """The exported file of a server, which is read without contacting the server."""


#: How a server is read, or why it is not.
Source: TypeAlias = PollTarget | ExportFile


class Reader(Protocol):
    """How the threads of a process read servers: over WinRM, or from files."""

    def refresh(self, run: int, *, at_once: bool = False) -> None:
        """Notice what changed before a run. Call it outside a transaction."""

    def source(self, batch: ClaimBatch, server: Server, *, insist: bool) -> Source | None:
        """Return how a server is read now, or why it is not. None if it cannot be asked at all.

        Raises SecretsOutdated if ``refresh`` has to be called first.
        """

    def read(self, server: Server, source: Source, names: NameMap) -> Sighting:
        """Read a server, while no transaction is open. ``names`` are the inventory's."""

    def flush(self) -> None:
        """Write what the reader remembers, if it is new."""

    def close(self) -> None:
        """End every reading now."""


class SecretsOutdated(Exception):
    """Credentials were changed since they were read: ``refresh``, outside of the transaction."""


class FileReader:
    """A reader of exported files, for one run. Thread-safe."""

    def __init__(self, files: Collector, clock: Callable[[], datetime]) -> None:
        self._files = files
        self._clock = clock

    def refresh(self, run: int, *, at_once: bool = False) -> None:
        """Do nothing, because files are as they were when the run began."""

    def source(self, batch: ClaimBatch, server: Server, *, insist: bool) -> Source | None:
        del batch, insist
        return ExportFile() if self._files.offers([server]) else None

    def read(self, server: Server, source: Source, names: NameMap) -> Sighting:
        if isinstance(source, SkipReason):
            return Skipped(server.id, source)
        (sighting,) = self._files.look([server], self._clock)
        return genuine(sighting, names, server.name)

    def flush(self) -> None:
        """Do nothing, because files teach nothing about logons."""

    def close(self) -> None:
        """Do nothing, because a file is read in an instant."""
