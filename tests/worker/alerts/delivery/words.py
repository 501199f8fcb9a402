"""The words of the oracle: what servers tell of a pair, and what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from reconcile.model.nouns import State

DAY: Final = timedelta(hours=24)
REPEATED: Final = {"critical": timedelta(hours=4), "warning": DAY}
LASTS: Final = timedelta(minutes=30)
#: The worse state comes first; with each how loud it is, and how many readings must see it.
STATES: Final = {
    State.PARTNER_DOWN: ("critical", 1),
    State.POTENTIAL_CONFLICT: ("warning", 1),
    State.RESOLUTION_INTERRUPTED: ("warning", 2),
    State.COMMUNICATIONS_INTERRUPTED: ("warning", 2),
    State.RECOVER: ("info", 2),
}
#: What lasts is louder.
_LOUDER: Final = {State.RECOVER: "warning", State.COMMUNICATIONS_INTERRUPTED: "critical"}
#: Who is in one of these does not reach its partner.
LOST: Final = (State.COMMUNICATIONS_INTERRUPTED, State.PARTNER_DOWN)


class Pair(NamedTuple):
    """A relationship, and the numbers of its partners."""

    name: str
    servers: tuple[int, int]


class Key(NamedTuple):
    """A problem: what kind, of which servers, of which relationship."""

    kind: str
    servers: frozenset[int]
    relationship: str | None = None


@dataclass(frozen=True)
class Word:
    """What a server tells of a relationship, if it tells it."""

    tells: bool = True
    mclt: int = 3600
    state: State = State.NORMAL


@dataclass
class Problem:
    """One that was seen; open once ``is_open``."""

    key: Key
    words: object
    state: State | None = None
    was_heard: bool = True
    first_seen: datetime | None = None
    readings: int = 0
    counted_at: datetime | None = None
    is_open: bool = False
    absent_since: datetime | None = None
    acknowledged_until: datetime | None = None
    is_explained: bool = False

    def severity(self, now: datetime) -> str:
        """What is on its way to Normal for long, or has lost its partner for long, is louder."""
        if self.state in _LOUDER and self.first_seen and now - self.first_seen >= LASTS:
            return _LOUDER[self.state]
        if self.state is not None:
            return STATES[self.state][0]
        return "critical" if self.key.kind in ("one_sided", "server_down") else "warning"

    @property
    def needs(self) -> int:
        """How many readings must see it."""
        if self.state is not None:
            return STATES[self.state][1]
        return 2 if self.key.kind in ("server_unread", "server_down") else 1

    def is_acknowledged(self, now: datetime) -> bool:
        return self.acknowledged_until is not None and self.acknowledged_until > now
