"""What a run says about servers rather than pairs: unread, overdue, empty, near a limit, self-named."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from reconcile.evidence.witness import Witnesses
from reconcile.evidence.world import World
from reconcile.model.findings import Finding, Kind
from reconcile.model.names import fold_relationship, key_of
from reconcile.model.nouns import Seen, ServerType, Skipped, SkipReason, Unseen

#: A Windows DHCP server refuses more, [MS-DHCPM] 3.2.4.90.
RELATIONSHIP_LIMIT = 31


def server_findings(world: World, witnesses: Witnesses) -> Iterator[Finding]:
    """Findings about each server that this run concluded."""
    having = {s for r in world.records if not r.pending for s in r.partners}
    for server, sighting in sorted(world.sightings.items()):
        match sighting:
            case Unseen():
                yield _unread(world, sighting)
                yield from _overdue(world, server)
            case Seen():
                count = len(sighting.stories)
                if count >= world.rules.relationship_limit_near:
                    yield _limit_near(world, server, count)
                if _suspiciously_empty(world, witnesses, server, having):
                    yield _empty(world, server)
            case Skipped(reason=SkipReason.MAINTENANCE):
                pass
            case Skipped():
                yield from _overdue(world, server)
    for server, name in sorted(witnesses.duplicates):
        yield _told_twice(world, witnesses, server, name)


def watched(world: World, witnesses: Witnesses) -> dict[tuple[int, str], datetime]:
    """Emptiness to be watched: a server that tells nothing, a relationship without its scopes."""
    wanted: dict[tuple[int, str], datetime] = {}
    for record in world.records:
        if record.pending:
            continue
        name = fold_relationship(record.relationship_name)
        for server in record.partners:
            sighting = world.sightings.get(server)
            if not isinstance(sighting, Seen):
                continue
            story = witnesses.now.get((server, name))
            if server in witnesses.empty:
                wanted[server, ""] = sighting.read_at
            elif story is not None and not story.scopes and record.scopes:
                wanted[server, name] = sighting.read_at
    return wanted


def self_names(seen: Seen) -> frozenset[str]:
    """Names and addresses that a server gives itself in its own stories (R7)."""
    texts: set[str | None] = set()
    for story in seen.stories:
        if story.server_type is ServerType.PRIMARY:
            texts |= {story.primary_name, story.primary_ip}
        elif story.server_type is ServerType.SECONDARY:
            texts |= {story.secondary_name, story.secondary_ip}
    if seen.identity is not None:
        own = seen.identity
        texts |= {own.computer_name, own.dns_name, own.cluster_name, *own.addresses}
    return frozenset(t for t in texts if t and key_of(t) is not None)


def _suspiciously_empty(world: World, witnesses: Witnesses, server: int, having: set[int]) -> bool:
    """Of another machine that answers now (server_replaced) nothing else was to be expected."""
    empty = server in witnesses.empty and server in having
    return empty and not world.replaced(server) and not witnesses.confirmed(server, "")


def _unread(world: World, unseen: Unseen) -> Finding:
    failure = unseen.failure
    name = world.name(unseen.server)
    return Finding(
        Kind.SERVER_UNREAD,
        None,
        (unseen.server,),
        f"{name} could not be read: {failure.message} {failure.remedy}".rstrip(),
        (("error", ((name, f"{failure.code}: {failure.message}"),)),),
    )


def _overdue(world: World, server: int) -> Iterator[Finding]:
    """If it was not read for too long; the time begins anew when a person changes the server, and
    when maintenance ends.
    """
    name, latest = world.name(server), world.previous.get(server)
    read_at = None if latest is None else latest.read_at
    beginnings = (world.servers[server].changed_at, world.rested.get(server), read_at)
    times = [t for t in beginnings if t is not None]
    if not times or world.now - max(times) <= world.rules.overdue_after:
        return
    last = "never" if read_at is None else read_at.isoformat(timespec="seconds")
    since = "never read" if read_at is None else f"not read since {read_at:%Y-%m-%d %H:%M} UTC"
    yield Finding(
        Kind.SERVER_OVERDUE,
        None,
        (server,),
        f"{name} was {since}: what IPAM shows of it may be out of date.",
        (("last read", ((name, last),)),),
    )


def _empty(world: World, server: int) -> Finding:
    name = world.name(server)
    seconds = int(world.rules.confirm_after.total_seconds())
    return Finding(
        Kind.EMPTY_READ_UNCONFIRMED,
        None,
        (server,),
        f"{name} suddenly tells no relationship at all. It is believed when every reading says "
        f"so for {seconds} s; until then nothing is removed on its word. Was it reinstalled or "
        "its database restored?",
    )


def _limit_near(world: World, server: int, count: int) -> Finding:
    name = world.name(server)
    return Finding(
        Kind.RELATIONSHIP_LIMIT_NEAR,
        None,
        (server,),
        f"{name} has {count} of {RELATIONSHIP_LIMIT} failover relationships; Windows refuses "
        "more. Spread new ones over another server.",
        (("relationships", ((name, str(count)),)),),
    )


def _told_twice(world: World, witnesses: Witnesses, server: int, name: str) -> Finding:
    told = witnesses.now[server, name].name
    return Finding(
        Kind.DUPLICATE_RELATIONSHIP,
        told,
        (server,),
        f"{world.name(server)} tells relationship {told} more than once, though a name is unique "
        "on a server. It is left alone; was the export put together from several?",
    )
