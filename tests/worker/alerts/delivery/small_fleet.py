"""Four servers, and what is true of their relationships."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from reconcile.model.nouns import Server, State, Story
from tests.reconcile.fleet import nets, told_by
from tests.worker.alerts.delivery.clocks import Clock
from tests.worker.alerts.delivery.words import Pair, Word
from tests.worker.fleet import Fleet, Site
from worker.store.unit_of_work import Store

SERVERS: Final = {
    n: Server(n, f"dhcp{n:02}.corp.example", (f"10.0.0.{10 + n}",)) for n in (1, 2, 3, 4)
}
PAIRS: Final = (
    Pair("HQ", (1, 2)),
    Pair("Branch", (1, 3)),
    Pair("Depot", (3, 4)),
    Pair("Yard", (2, 4)),
)
#: Always as they should be: no server ever tells nothing at all.
_CALM: Final = (Pair("Lobby", (1, 2)), Pair("Attic", (3, 4)))
_ALL: Final = (*PAIRS, *_CALM)


class SmallFleet:
    """The truth, and an IPAM that is synced with it; ``clock`` is the time of both."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self.truth = {pair: [Word(), Word()] for pair in _ALL}
        self.unreadable: set[int] = set()
        self.store = store
        self._clock = clock
        self._fleet = Fleet()
        self._site = Site(self.store, self._fleet).servers(*SERVERS.values())

    @property
    def now(self) -> datetime:
        return self._clock.now

    def later(self, by: timedelta) -> None:
        """So much time passes."""
        self._clock.now += by

    def becomes(self, pair: Pair, side: int, **what: object) -> None:
        """What is true of a partner from now on."""
        self.truth[pair][side] = replace(self.truth[pair][side], **what)  # type: ignore[arg-type]  # by name

    def heals(self, pair: Pair) -> None:
        """A person puts it right on both partners."""
        for side in (0, 1):
            self.becomes(pair, side, mclt=3600, tells=True, state=State.NORMAL)

    def fails(self, server: int, state: State) -> None:
        """It cannot be read, and no partner reaches it; Normal: it serves again."""
        self.unreadable.discard(server)
        if state is not State.NORMAL:
            self.unreadable.add(server)
        for pair in self.truth:
            if server in pair.servers:
                self.becomes(pair, 1 - pair.servers.index(server), state=state)

    def sync(self, about: int | None = None) -> dict[int, dict[Pair, Word] | None]:
        """A run about everything or one server; what was told to it by whom it asks."""
        for number, server in SERVERS.items():
            silent = number in self.unreadable
            self._fleet.stories[server.name] = None if silent else list(self._stories(number))
        asked = set(SERVERS)
        if about is None:
            self._site.sync()
        else:
            self._site.sync(server=SERVERS[about].name)
            asked = {about}.union(*(p.servers for p in _ALL if about in p.servers))
        return {s: None if s in self.unreadable else self._words(s) for s in asked}

    def _words(self, number: int) -> dict[Pair, Word]:
        own = (p for p in _ALL if number in p.servers)
        return {p: self.truth[p][p.servers.index(number)] for p in own}

    def _stories(self, number: int) -> list[Story]:
        told = {p: w for p, w in self._words(number).items() if w.tells}
        return [_story(number, pair, word) for pair, word in told.items()]


def _story(number: int, pair: Pair, word: Word) -> Story:
    side = pair.servers.index(number)
    return told_by(
        SERVERS[number],
        SERVERS[pair.servers[1 - side]],
        pair.name,
        primary=side == 0,
        mclt_seconds=word.mclt,
        state=word.state,
        scopes=nets(f"10.{_ALL.index(pair)}.0.0"),
    )
