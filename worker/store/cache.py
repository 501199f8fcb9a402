"""A cache of the inventory and of recent readings, shared by the threads of a process.

Names can only be matched against all servers, and every step of a run needs that match. Without
the cache the rows fetched for each server and each pair would grow with the fleet. A reading is
needed when its server is judged, and again when each of its partners is judged.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from time import monotonic
from typing import Any, Final, TypeVar

from reconcile.model.nouns import Seen, Server

#: The inventory is loaded again after this time, so the next run sees a row changed by hand.
GOOD_FOR_SECONDS: Final = 60.0
#: A reading of a server with 31 relationships takes some 40 KB.
_MAX_READINGS: Final = 256

_Index = TypeVar("_Index")


@dataclass(frozen=True, slots=True)
class _CachedInventory:
    version: int
    until: float
    servers: tuple[Server, ...]


class ReadCache:
    """A version of the inventory, its index, and readings by digest. Threads share an instance.

    The lock guards the readings only. The inventory and the index are replaced as a whole, and the
    reading of a digest never changes.
    """

    __slots__ = ("_good_for_seconds", "_index", "_inventory", "_lock", "_readings")

    def __init__(self, good_for_seconds: float = GOOD_FOR_SECONDS) -> None:
        self._good_for_seconds = good_for_seconds
        self._inventory: _CachedInventory | None = None
        self._index: tuple[tuple[Server, ...], Any] | None = None
        # An OrderedDict cannot be moved and read by two threads at once.
        self._lock = Lock()
        self._readings: OrderedDict[str, Seen] = OrderedDict()

    def reading(self, digest: str) -> Seen | None:
        """Return the cached reading of a digest, from any server and time, or None."""
        with self._lock:
            if digest in self._readings:
                self._readings.move_to_end(digest)
            return self._readings.get(digest)

    def keep_reading(self, digest: str, seen: Seen) -> None:
        """Cache a reading, and drop the least recently used ones beyond the limit."""
        with self._lock:
            self._readings[digest] = seen
            while len(self._readings) > _MAX_READINGS:
                self._readings.popitem(last=False)

    def servers(
        self,
        version: int,
        load: Callable[[], tuple[Server, ...]],
        renew: Callable[[tuple[Server, ...], int], tuple[Server, ...] | None],
    ) -> tuple[Server, ...]:
        """Return the servers of this version of the inventory.

        An older cached version is renewed with the changes since then. ``renew`` returns None if
        it cannot tell every change. In that case, and after some time, all servers are loaded.
        """
        cached = self._inventory
        if cached is None or cached.until < monotonic():
            return self._keep(version, load(), monotonic() + self._good_for_seconds)
        if cached.version == version:
            return cached.servers
        if (
            cached.version > version
        ):  # another thread renewed the cache after this transaction began
            return load()
        renewed = renew(cached.servers, cached.version)
        if renewed is None:
            return self._keep(version, load(), monotonic() + self._good_for_seconds)
        return self._keep(version, renewed, cached.until)

    def index(
        self,
        servers: tuple[Server, ...],
        build: Callable[[tuple[Server, ...], _Index | None], _Index],
    ) -> _Index:
        """Return the index of these servers, built once for each tuple that ``servers`` returns.

        Every step of a run needs the index, and building it costs more than most steps. ``build``
        gets the index that was cached before, if any. Every call passes the same ``build``.
        """
        cached_for, cached = self._index or (None, None)
        if cached is not None and cached_for is servers:
            return cached  # type: ignore[no-any-return]  # what build returned
        index = build(servers, cached)
        self._index = (servers, index)
        return index

    def _keep(self, version: int, servers: tuple[Server, ...], until: float) -> tuple[Server, ...]:
        self._inventory = _CachedInventory(version, until, servers)
        return servers
