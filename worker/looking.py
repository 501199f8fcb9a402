"""Asking servers and loading the world a judgement rests on; used by ``sync`` and ``plan``."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Final

from collectors.base import Collector
from reconcile.impostors import genuine
from reconcile.machines import duplicates
from reconcile.model import (
    Alias,
    Provenance,
    Seen,
    Server,
    Sighting,
    Skipped,
    SkipReason,
    Standing,
)
from reconcile.names import NameMap
from reconcile.record import Record
from reconcile.servers import self_names
from reconcile.witness import neighbours
from reconcile.world import World
from worker.clock import DatabaseClock
from worker.ports import Reading, Store
from worker.request import Conduct, Target
from worker.run_ports import Scope
from worker.window_ports import paused, resting


def look(store: Store, collector: Collector, target: Target) -> dict[int, Sighting]:
    """Ask the members of a run, then the partners its targets tell (not their partners).

    No transaction is open while a server is being read.
    """
    with store.read() as reading:
        servers = {s.id: s for s in reading.servers()}
    members = [servers[m] for m in sorted(target.members) if m in servers]
    sightings = ask(store, collector, target, members)
    if target.servers is not None:
        told = [s for server, s in sightings.items() if server in target.servers]
        names = name_map(learnt(tuple(servers.values()), sightings))
        new = neighbours(names, told) - sightings.keys()
        wanted = [servers[n] for n in sorted(new) if servers[n].standing is Standing.ENABLED]
        sightings |= ask(store, collector, target, wanted)
    return sightings


def ask(
    store: Store, collector: Collector, target: Target, servers: list[Server]
) -> dict[int, Sighting]:
    """Read these servers; each is dated by the database clock before it is asked.

    Those in maintenance are left out, unless a person named them.
    """
    clock = DatabaseClock(store)
    with store.read() as reading:
        names = name_map(reading.servers())
        left_out = resting(reading.open_windows()) - Scope(target.servers, target.only).named
    asked = {s.id: s for s in servers if s.id not in left_out}
    sightings: dict[int, Sighting] = {
        server: Skipped(server, SkipReason.MAINTENANCE)
        for server in collector.offers(s for s in servers if s.id in left_out)
    }
    for sighting in collector.look(asked.values(), clock):
        name = asked[sighting.server].name
        sightings[sighting.server] = genuine(sighting, names, name)
    return sightings


@dataclass(frozen=True, slots=True)
class Piece:
    """What is judged of a run in progress: ``focus`` now, the ``awaited`` later, see ``World``.

    ``records`` are those of the focus.  The run's own sightings are recorded already, so they are
    no earlier readings.
    """

    run: int
    focus: frozenset[int]
    awaited: frozenset[int]
    records: tuple[Record, ...]


def load_world(
    reading: Reading,
    sightings: Mapping[int, Sighting],
    target: Target,
    conduct: Conduct,
    piece: Piece | None = None,
) -> World:
    """Everything stored that the sightings speak of; bounded by what was seen."""
    servers = reading.servers()
    there = {s.id for s in servers}
    sightings = {k: s for k, s in sightings.items() if k in there}
    taught = learnt(servers, sightings)
    names = name_map(taught)
    retired = {s.id for s in servers if s.standing is Standing.RETIRED}
    everybody = target.servers is None and piece is None
    judged = sightings.keys() | (retired if everybody else set())
    records = reading.records(judged) if piece is None else _records_near(reading, piece, judged)
    near = judged | neighbours(names, sightings.values())
    near = near.union(*(r.partners for r in records))
    if piece is not None:
        near -= piece.awaited
    return World(
        servers={s.id: s for s in servers},
        names=names,
        names_before=name_map(servers),
        sightings=sightings,
        previous=reading.latest_readings(
            near, sightings, besides=None if piece is None else piece.run
        ),
        records=records,
        now=reading.now(),
        entries=reading.entries(near),
        open_findings=tuple(f.finding for f in reading.open_findings(None if everybody else near)),
        watches=reading.watches(near),
        rules=conduct.rules,
        targets=target.servers,
        only=target.only,
        suspended=tuple(v.credential.name for v in reading.credentials() if v.suspended_at),
        focus=None if piece is None else piece.focus,
        awaited=frozenset() if piece is None else piece.awaited,
        paused=paused(reading.open_windows()),
        rested=reading.rested([k for k, s in sightings.items() if not isinstance(s, Seen)]),
    )


def _records_near(reading: Reading, piece: Piece, heard: Collection[int]) -> tuple[Record, ...]:
    """Those of the focus, and half-mapped ones of who was heard, which may be the same pair."""
    own = {r.key: r for r in piece.records}
    halves = {r.key: r for r in reading.half_mapped(heard)}
    return tuple(record for _, record in sorted({**halves, **own}.items()))


def learnt(servers: tuple[Server, ...], sightings: Mapping[int, Sighting]) -> tuple[Server, ...]:
    """The servers with the names and addresses that they gave themselves in these sightings.

    A machine with several names in the inventory gives its own to the one that speaks for it.
    """
    new = {s.id: names for s in servers if (names := new_names(s, sightings.get(s.id)))}
    if not new:
        return servers
    doubles = duplicates({s.id: s for s in servers}, sightings)
    new = {server: names for server, names in new.items() if server not in doubles}
    return tuple(
        replace(s, aliases=s.aliases + tuple(Alias(t, Provenance.SELF) for t in new[s.id]))
        if s.id in new
        else s
        for s in servers
    )


class _LastMap:
    """The latest map of names: the store gives the same tuple until the inventory changes."""

    def __init__(self) -> None:
        self.made: tuple[tuple[Server, ...], NameMap] | None = None


_LAST_MAP: Final = _LastMap()


def name_map(servers: tuple[Server, ...]) -> NameMap:
    """All names of these servers; for the same tuple made once."""
    made = _LAST_MAP.made
    if made is None or made[0] is not servers:
        made = (servers, NameMap(servers))
        _LAST_MAP.made = made
    return made[1]


def new_names(server: Server, sighting: Sighting | None) -> tuple[str, ...]:
    """What a server calls itself and IPAM does not have as its name or alias yet."""
    if not isinstance(sighting, Seen):
        return ()
    have = {a.text for a in server.aliases} | {server.name, *server.addresses}
    return tuple(sorted(self_names(sighting) - have))
