"""The inventory as this process loaded it last, so that a run does not load it for every step.

Names can only be matched against all servers, and every step of a run needs them; without this
the rows fetched per server and per pair would grow with the fleet.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Final

from reconcile.model import Server

#: After that it is loaded again, so that a row changed by hand is found by the next run.
GOOD_FOR_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class _Kept:
    version: int
    until: float
    servers: tuple[Server, ...]


class Shelf:
    """One version of the inventory; safe to be shared by threads, for it is only ever replaced."""

    __slots__ = ("_good_for_seconds", "_kept")

    def __init__(self, good_for_seconds: float = GOOD_FOR_SECONDS) -> None:
        self._good_for_seconds = good_for_seconds
        self._kept: _Kept | None = None

    def servers(self, version: int, load: Callable[[], tuple[Server, ...]]) -> tuple[Server, ...]:
        """The servers of this version, loaded if they are not at hand."""
        kept = self._kept
        if kept is None or kept.version != version or kept.until < monotonic():
            kept = _Kept(version, monotonic() + self._good_for_seconds, load())
            self._kept = kept
        return kept.servers
