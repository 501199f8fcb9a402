"""How much of a run is judged at once, and how often: by how long the last piece took.

What a piece costs is mostly what it costs to begin one.  A run over few servers is judged as they
conclude; one over thousands in a few large pieces, so that judging takes a small part of the time
in which servers are read.  The one writer is never kept from others for long.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_FEWEST: Final = 20
_MOST: Final = 320
#: Servers in a piece are doubled below the first and halved above the second.
_SHORT_SECONDS, _LONG_SECONDS = 0.3, 0.8
#: Between two pieces so many times as long as the last one took, and how long at most.
_PAUSES: Final = 6.0
_LONGEST_PAUSE_SECONDS: Final = 2.0


@dataclass(slots=True)
class Pace:
    """``most`` servers are judged in one transaction; ``pause_seconds`` pass before the next."""

    most: int = 2 * _FEWEST
    pause_seconds: float = 0.0

    def took(self, seconds: float) -> None:
        """The last piece did."""
        self.pause_seconds = min(_LONGEST_PAUSE_SECONDS, _PAUSES * seconds)
        if seconds < _SHORT_SECONDS:
            self.most = min(_MOST, 2 * self.most)
        elif seconds > _LONG_SECONDS:
            self.most = max(_FEWEST, self.most // 2)
