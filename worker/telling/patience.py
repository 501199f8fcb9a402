"""How long a deliverer has to itself what it claimed, and when it tries again what failed."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

#: Nobody else sends what a deliverer has claimed for so long; a delivery takes a minute at most.
CLAIM: Final = timedelta(minutes=3)
#: After about three and a half hours.
MOST_ATTEMPTS: Final = 12
_FIRST_PAUSE: Final = timedelta(seconds=10)
_LONGEST_PAUSE: Final = timedelta(hours=1)
_DOUBLINGS: Final = 10


def pause(attempts: int, asked: timedelta | None = None) -> timedelta:
    """After so many that failed; no less than the receiver ``asked`` for."""
    doubled: int = 2 ** min(attempts - 1, _DOUBLINGS)
    return max(min(_FIRST_PAUSE * doubled, _LONGEST_PAUSE), asked or timedelta())
