"""How much of a run is judged at once, and how often: by how long the last piece took.

What a piece costs is mostly what it costs to begin one.  A run over few servers is judged as they
conclude; one over thousands in a few large pieces, so that judging takes a small part of the time
in which servers are read.  The one writer is never kept from others for long.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

_FEWEST: Final = 20
_MOST: Final = 320
#: Servers in a piece are doubled below the first and halved above the second.
_SHORT_SECONDS, _LONG_SECONDS = 0.3, 0.8
#: Between two pieces so many times as long as the last one took, and how long at most.
_PAUSES: Final = 6.0
_LONGEST_PAUSE_SECONDS: Final = 2.0
#: At most this part of the lease, which is renewed by the next piece only.
_OF_LEASE: Final = 0.25


@dataclass(slots=True)
class Pace:
    """``most`` servers are judged in one transaction; ``pause_seconds`` pass before the next.

    They pass within the ``lease`` that the run is held by.
    """

    lease: timedelta
    most: int = 2 * _FEWEST
    pause_seconds: float = 0.0

    def took(self, seconds: float) -> None:
        """The last piece did."""
        longest = min(_LONGEST_PAUSE_SECONDS, _OF_LEASE * self.lease.total_seconds())
        self.pause_seconds = min(longest, _PAUSES * seconds)
        if seconds < _SHORT_SECONDS:
            self.most = min(_MOST, 2 * self.most)
        elif seconds > _LONG_SECONDS:
            self.most = max(_FEWEST, self.most // 2)
