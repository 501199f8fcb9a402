"""Asking servers and loading the world a judgement rests on; used by ``sync`` and ``plan``."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from collectors.base import Collector
from reconcile.impostors import genuine
from reconcile.model import Alias, Provenance, Seen, Server, Sighting, Standing
from reconcile.names import NameMap
from reconcile.servers import self_names
from reconcile.witness import neighbours
from reconcile.world import World
from worker.clock import DatabaseClock
from worker.ports import Reading, Store
from worker.request import Conduct, Target


def look(store: Store, collector: Collector, target: Target) -> dict[int, Sighting]:
    """Ask the members of a run, then the partners its targets tell (not their partners).

    No transaction is open while a server is being read.
    """
    with store.read() as reading:
        servers = {s.id: s for s in reading.servers()}
    members = [servers[m] for m in sorted(target.members) if m in servers]
    sightings = ask(store, collector, members)
    if target.servers is not None:
        told = [s for server, s in sightings.items() if server in target.servers]
        names = NameMap(learnt(tuple(servers.values()), sightings))
        new = neighbours(names, told) - sightings.keys()
        wanted = [servers[n] for n in sorted(new) if servers[n].standing is Standing.ENABLED]
        sightings |= ask(store, collector, wanted)
    return sightings


def ask(store: Store, collector: Collector, servers: list[Server]) -> dict[int, Sighting]:
    """Read these servers; each is dated by the database clock before it is asked."""
    clock = DatabaseClock(store)
    asked = {s.id: s for s in servers}
    with store.read() as reading:
        names = NameMap(reading.servers())
    return {
        s.server: genuine(s, names, asked[s.server].name) for s in collector.look(servers, clock)
    }


def load_world(
    reading: Reading, sightings: Mapping[int, Sighting], target: Target, conduct: Conduct
) -> World:
    """Everything stored that the sightings speak of; bounded by what was seen."""
    servers = reading.servers()
    there = {s.id for s in servers}
    sightings = {k: s for k, s in sightings.items() if k in there}
    taught = learnt(servers, sightings)
    names = NameMap(taught)
    retired = {s.id for s in servers if s.standing is Standing.RETIRED}
    judged = sightings.keys() | (retired if target.servers is None else set())
    records = reading.records(judged)
    near = judged | neighbours(names, sightings.values())
    near = near.union(*(r.partners for r in records))
    return World(
        servers={s.id: s for s in servers},
        names=names,
        names_before=NameMap(servers),
        sightings=sightings,
        previous=reading.latest_readings(near, sightings),
        records=records,
        now=reading.now(),
        entries=reading.entries(near),
        open_findings=tuple(
            f.finding for f in reading.open_findings(None if target.servers is None else near)
        ),
        watches=reading.watches(near),
        rules=conduct.rules,
        targets=target.servers,
        only=target.only,
        suspended=tuple(v.credential.name for v in reading.credentials() if v.suspended_at),
    )


def learnt(servers: Collection[Server], sightings: Mapping[int, Sighting]) -> tuple[Server, ...]:
    """The servers with the names and addresses that they gave themselves in these sightings."""
    return tuple(
        replace(s, aliases=s.aliases + tuple(Alias(t, Provenance.SELF) for t in new))
        if (new := new_names(s, sightings.get(s.id)))
        else s
        for s in servers
    )


def new_names(server: Server, sighting: Sighting | None) -> tuple[str, ...]:
    """What a server calls itself and IPAM does not have as its name or alias yet."""
    if not isinstance(sighting, Seen):
        return ()
    have = {a.text for a in server.aliases} | {server.name, *server.addresses}
    return tuple(sorted(self_names(sighting) - have))
