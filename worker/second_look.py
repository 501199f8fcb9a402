"""A disagreement is looked at twice (rule R2): the partner that was read earlier, once more."""

from __future__ import annotations

from collections.abc import Mapping

from collectors.base import Collector
from reconcile.doubts import doubtful
from reconcile.model import Seen, Sighting
from reconcile.plan import draft
from worker.looking import ask, load_world
from worker.ports import Store
from worker.request import Conduct, Target

#: At most so many further readings per server and run; then the finding stands as it is.
FURTHER_READINGS = 3


def look_twice(
    store: Store,
    collector: Collector,
    sightings: dict[int, Sighting],
    target: Target,
    conduct: Conduct,
) -> dict[int, Sighting]:
    """Read again what a new disagreement or removal would rest on, where that is possible."""
    if not collector.rereads:
        return sightings
    read_again: dict[int, int] = {}
    looked: set[str] = set()
    while True:
        with store.read() as reading:
            world = load_world(reading, sightings, target, conduct)
            names = {s.id: s for s in reading.servers()}
        doubts = [d for d in doubtful(draft(world), world) if d.subject not in looked]
        looked |= {d.subject for d in doubts}
        earlier = {_earlier(d.servers, sightings) for d in doubts} - {None}
        again = [names[s] for s in sorted(e for e in earlier if e is not None)]
        again = [s for s in again if read_again.get(s.id, 0) < FURTHER_READINGS]
        if not again:
            return sightings
        for server in again:
            read_again[server.id] = read_again.get(server.id, 0) + 1
        fresh = ask(store, collector, again)
        sightings = sightings | {k: s for k, s in fresh.items() if isinstance(s, Seen)}


def _earlier(servers: frozenset[int], sightings: Mapping[int, Sighting]) -> int | None:
    """The server whose reading is the older one."""
    seen = [s for server in servers if isinstance(s := sightings.get(server), Seen)]
    return min(seen, key=lambda s: (s.read_at, s.server)).server if seen else None
