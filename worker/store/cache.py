"""What this process loaded lately, so that a run does not load it for every step.

Names can only be matched against all servers, and every step of a run needs them; without this
the rows fetched per server and per pair would grow with the fleet.  A reading is needed when its
server is judged and again when each of its partners is.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from time import monotonic
from typing import Final

from reconcile.model.nouns import Seen, Server

#: After that it is loaded again, so that a row changed by hand is found by the next run.
GOOD_FOR_SECONDS: Final = 60.0
#: Of a server with 31 relationships one takes some 40 KB.
_READINGS_KEPT: Final = 256


@dataclass(frozen=True, slots=True)
class _Kept:
    version: int
    until: float
    servers: tuple[Server, ...]


class Shelf:
    """One version of the inventory and some readings, by what they say; shared by threads.

    The inventory is only ever replaced; what a digest stands for never changes.
    """

    __slots__ = ("_good_for_seconds", "_kept", "_lock", "_readings")

    def __init__(self, good_for_seconds: float = GOOD_FOR_SECONDS) -> None:
        self._good_for_seconds = good_for_seconds
        self._kept: _Kept | None = None
        self._lock = Lock()
        self._readings: OrderedDict[str, Seen] = OrderedDict()

    def reading(self, digest: str) -> Seen | None:
        """The reading of this digest, of whatever server and time, if it is at hand."""
        with self._lock:
            if digest in self._readings:
                self._readings.move_to_end(digest)
            return self._readings.get(digest)

    def keep_reading(self, digest: str, seen: Seen) -> None:
        """It will be needed soon."""
        with self._lock:
            self._readings[digest] = seen
            while len(self._readings) > _READINGS_KEPT:
                self._readings.popitem(last=False)

    def servers(
        self,
        version: int,
        load: Callable[[], tuple[Server, ...]],
        renew: Callable[[tuple[Server, ...], int], tuple[Server, ...] | None],
    ) -> tuple[Server, ...]:
        """The servers of this version.

        What is at hand is renewed with what has changed since its version; all of it is loaded
        if that cannot be told, and after a while.
        """
        kept = self._kept
        if kept is None or kept.until < monotonic():
            return self._keep(version, load(), monotonic() + self._good_for_seconds)
        if kept.version == version:
            return kept.servers
        if kept.version > version:  # who began before another one renewed it
            return load()
        renewed = renew(kept.servers, kept.version)
        if renewed is None:
            return self._keep(version, load(), monotonic() + self._good_for_seconds)
        return self._keep(version, renewed, kept.until)

    def _keep(self, version: int, servers: tuple[Server, ...], until: float) -> tuple[Server, ...]:
        self._kept = _Kept(version, until, servers)
        return servers
