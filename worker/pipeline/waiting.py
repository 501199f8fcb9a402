"""Who has to be judged once more at the end of a run.

A pair is judged when the last of its partners was heard.  But it may be open who that is, and one
that does not answer, or does not have the relationship, does not say that it is meant: unless the
pair is stored, nobody would judge it then.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from reconcile.model import Seen, Sighting, Story
from reconcile.names import Known, NameMap, Resolution, fold_relationship
from reconcile.record import Record
from reconcile.witness import partner_texts
from reconcile.world import World
from worker.ports import UnitOfWork
from worker.run_ports import Member, Stage


def waits(world: World, server: int) -> bool:
    """True if something of a server that was judged just now waits until everybody was heard."""
    if not world.awaited:
        return False
    if _is_half_of_a_pair(world.records, server):
        return True
    stored = {fold_relationship(r.relationship_name) for r in world.records if server in r.partners}
    return any(
        not isinstance(partner, Known)
        or (partner.server in world.awaited and fold_relationship(story.name) not in stored)
        for story, partner in _told(world.names, world.sightings.get(server))
    )


def waited_enough(uow: UnitOfWork, world: World, members: Mapping[int, Member]) -> frozenset[int]:
    """Those who waited, and of which everything is judged now: it is stored, or about the focus."""
    focus = world.focus or frozenset()
    waiting = [
        server
        for server, member in members.items()
        if member.unresolved
        and member.stage is Stage.JUDGED
        and server not in focus | world.awaited  # it may have to be read again
    ]
    open_names: dict[int, set[tuple[int, str]]] = {}
    for server in waiting:
        told = _told(world.names, world.sightings.get(server))
        if not told or _is_half_of_a_pair(world.records, server):
            continue
        known = [(s, p.server) for s, p in told if isinstance(p, Known)]
        if len(known) == len(told) and world.awaited.isdisjoint(partner for _, partner in known):
            open_names[server] = {
                (server, fold_relationship(story.name))
                for story, partner in known
                if partner not in focus
            }
    if not open_names:
        return frozenset()
    held = uow.holders(set().union(*open_names.values()))
    return frozenset(server for server, names in open_names.items() if names <= held.keys())


def anybody_may_be_meant(
    names: NameMap, sightings: Iterable[Sighting], records: Iterable[Record]
) -> bool:
    """True if nobody can name the other side of something these told, or of one of these records."""
    if any(len(record.partners) == 1 for record in records):
        return True
    return any(not isinstance(partner, Known) for s in sightings for _, partner in _told(names, s))


def judged_first(
    pairs: Mapping[str, Collection[frozenset[int]]], world: World, members: Mapping[int, Member]
) -> int:
    """So many of these pairs were not judged in this run before."""
    again = {server for server, member in members.items() if member.stage is Stage.JUDGED}
    again &= world.focus or frozenset()
    stored = {
        (fold_relationship(r.relationship_name), frozenset(r.partners)) for r in world.records
    }
    return sum(
        again.isdisjoint(servers) or (name, servers) not in stored
        for name, told in pairs.items()
        for servers in told
    )


def _is_half_of_a_pair(records: Iterable[Record], server: int) -> bool:
    return any(server in r.partners and len(r.partners) == 1 for r in records)


def _told(names: NameMap, sighting: Sighting | None) -> list[tuple[Story, Resolution]]:
    """Its stories, each with its partner."""
    stories = sighting.stories if isinstance(sighting, Seen) else ()
    return [(story, names.resolve(partner_texts(story), story.asked)) for story in stories]
