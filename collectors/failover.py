"""The collector for live servers: one round of talk with each, many at once.

Used by ``plan``, ``sync`` and ``collect``; it knows WinRM only through ``collectors.powershell``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from datetime import datetime
from typing import Final, Protocol, TypeAlias

from collectors.base import ReadError
from collectors.powershell.client import PowerShell
from collectors.powershell.host import Host
from collectors.powershell.logons import CredentialSuspended
from collectors.reading import understand
from collectors.scripts import packaged
from reconcile.model.nouns import ReadFailure, Seen, Server, Sighting, Skipped, SkipReason, Unseen

#: How a server is reached; or why it cannot be, or is left out on purpose.
PollTarget: TypeAlias = Host | ReadFailure | SkipReason


class ReadObserver(Protocol):
    """An observer of a round of readings."""

    def begin(self, servers: int) -> None:
        """Note the number of servers that will be read."""

    def concluded(self, sighting: Sighting) -> None:
        """Note the result of a server, whatever it is."""


class FailoverCollector:
    """Reads servers over WinRM, ``concurrency`` at a time.

    ``ways`` says how each server is reached; who is not in it cannot be asked.  Those in ``first``
    accepted their credential last time: they are asked before the others (rule R13).
    """

    rereads: Final = True

    def __init__(
        self,
        powershell: PowerShell,
        ways: Mapping[int, PollTarget],
        *,
        concurrency: int,
        first: Collection[int] = (),
        progress: ReadObserver | None = None,
    ) -> None:
        self._powershell = powershell
        self._ways = ways
        self._concurrency = concurrency
        self._first = frozenset(first)
        self._progress = progress

    def offers(self, servers: Iterable[Server]) -> frozenset[int]:
        return frozenset(server.id for server in servers if server.id in self._ways)

    def look(self, servers: Iterable[Server], clock: Callable[[], datetime]) -> Iterator[Sighting]:
        readable = [server for server in servers if server.id in self._ways]
        readable.sort(key=lambda server: server.id not in self._first)
        if not readable:
            return
        if self._progress is not None:
            self._progress.begin(len(readable))
        with ThreadPoolExecutor(min(self._concurrency, len(readable)), "poll") as pool:
            polls = [pool.submit(self.read, server, clock) for server in readable]
            try:
                yield from self._concluded(polls)
            except BaseException:  # Ctrl-C, or whoever took the sightings gave up
                pool.shutdown(wait=False, cancel_futures=True)
                self._powershell.stop()
                raise

    def read(self, server: Server, clock: Callable[[], datetime]) -> Sighting:
        """The sighting of one that ``offers`` named."""
        way = self._ways[server.id]
        match way:
            case SkipReason():
                return Skipped(server.id, way)
            case ReadFailure():
                return Unseen(server.id, clock(), way)
            case Host():
                return self._ask(server, way, clock)

    def _ask(self, server: Server, host: Host, clock: Callable[[], datetime]) -> Sighting:
        began_at = clock()
        try:
            return poll(self._powershell, server, host, clock)
        except CredentialSuspended:
            return Skipped(server.id, SkipReason.CREDENTIAL)
        except ReadError as error:
            return Unseen(server.id, began_at, error.to_failure())

    def _concluded(self, polls: Iterable[Future[Sighting]]) -> Iterator[Sighting]:
        for poll in as_completed(polls):
            sighting = poll.result()
            if self._progress is not None:
                self._progress.concluded(sighting)
            yield sighting


def poll(powershell: PowerShell, server: Server, host: Host, clock: Callable[[], datetime]) -> Seen:
    """The reading of one server, now.

    Raises:
        ReadError: it could not be asked, or what it answered is no reading.
        CredentialSuspended: nothing was sent (rule R13).
        BookUnavailable: our own trouble, which says nothing of the server.
    """
    began_at = clock()
    output = powershell.run(packaged("failover"), host)
    return understand(output.stdout, server, began_at, clock())
