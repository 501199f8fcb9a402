"""What a run says about servers rather than pairs: unread, overdue, empty, near a limit, self-named."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from reconcile.evidence.inputs import JudgementInput
from reconcile.evidence.witness import Witnesses
from reconcile.kinds.relationships import DUPLICATE_RELATIONSHIP, EMPTY_READ_UNCONFIRMED
from reconcile.kinds.servers import RELATIONSHIP_LIMIT_NEAR, SERVER_OVERDUE, SERVER_UNREAD
from reconcile.model.findings import Finding, Kind
from reconcile.model.names import fold_relationship, key_of
from reconcile.model.nouns import Seen, ServerType, Skipped, SkipReason, Unseen


def server_findings(inputs: JudgementInput, witnesses: Witnesses) -> Iterator[Finding]:
    """Findings about each server that this run concluded."""
    having = {s for r in inputs.records if not r.pending for s in r.partners}
    for server, sighting in sorted(inputs.sightings.items()):
        match sighting:
            case Unseen():
                yield _unread(inputs, sighting)
                yield from _overdue(inputs, server)
            case Seen():
                count = len(sighting.stories)
                if count >= inputs.rules.relationship_limit_near:
                    yield _limit_near(inputs, server, count)
                if _suspiciously_empty(inputs, witnesses, server, having):
                    yield _empty(inputs, server)
            case Skipped(reason=SkipReason.MAINTENANCE):
                pass
            case Skipped():
                yield from _overdue(inputs, server)
    for server, name in sorted(witnesses.duplicates):
        yield _told_twice(inputs, witnesses, server, name)


def watched(inputs: JudgementInput, witnesses: Witnesses) -> dict[tuple[int, str], datetime]:
    """Emptiness to be watched: a server that tells nothing, a relationship without its scopes."""
    watches: dict[tuple[int, str], datetime] = {}
    for record in inputs.records:
        if record.pending:
            continue
        name = fold_relationship(record.relationship_name)
        for server in record.partners:
            sighting = inputs.sightings.get(server)
            if not isinstance(sighting, Seen):
                continue
            story = witnesses.now.get((server, name))
            if server in witnesses.empty:
                watches[server, ""] = sighting.read_at
            elif story is not None and not story.scopes and record.scopes:
                watches[server, name] = sighting.read_at
    return watches


def self_names(seen: Seen) -> frozenset[str]:
    """Names and addresses that a server gives itself in its own stories (R7)."""
    texts: set[str | None] = set()
    for story in seen.stories:
        if story.server_type is ServerType.PRIMARY:
            texts |= {story.primary_name, story.primary_ip}
        elif story.server_type is ServerType.SECONDARY:
            texts |= {story.secondary_name, story.secondary_ip}
    if seen.identity is not None:
        identity = seen.identity
        texts |= {
            identity.computer_name,
            identity.dns_name,
            identity.cluster_name,
            *identity.addresses,
        }
    return frozenset(t for t in texts if t and key_of(t) is not None)


def _suspiciously_empty(
    inputs: JudgementInput, witnesses: Witnesses, server: int, having: set[int]
) -> bool:
    """Return whether an empty reading is suspicious. It is expected of another machine."""
    empty = server in witnesses.empty and server in having
    return empty and not inputs.replaced(server) and not witnesses.confirmed(server, "")


def _unread(inputs: JudgementInput, unseen: Unseen) -> Finding:
    failure = unseen.failure
    name = inputs.name(unseen.server)
    return Finding(
        Kind.SERVER_UNREAD,
        None,
        (unseen.server,),
        SERVER_UNREAD.sentence(name, f"{failure.message} {failure.remedy}".rstrip()),
        (("error", ((name, f"{failure.code}: {failure.message}"),)),),
    )


def _overdue(inputs: JudgementInput, server: int) -> Iterator[Finding]:
    """Yield a finding if the server was not read for too long.

    The time begins anew when a person changes the server, and when maintenance ends.
    """
    name, latest = inputs.name(server), inputs.previous.get(server)
    read_at = None if latest is None else latest.read_at
    beginnings = (inputs.servers[server].changed_at, inputs.rested.get(server), read_at)
    times = [t for t in beginnings if t is not None]
    if not times or inputs.now - max(times) <= inputs.rules.overdue_after:
        return
    last_time = "never" if read_at is None else read_at.isoformat(timespec="seconds")
    yield Finding(
        Kind.SERVER_OVERDUE,
        None,
        (server,),
        SERVER_OVERDUE.sentence(name, read_at),
        (("last read", ((name, last_time),)),),
    )


def _empty(inputs: JudgementInput, server: int) -> Finding:
    relationships = "failover relationships"
    return Finding(
        Kind.EMPTY_READ_UNCONFIRMED,
        None,
        (server,),
        EMPTY_READ_UNCONFIRMED.sentence(
            inputs.name(server), relationships, inputs.rules.confirm_after
        ),
    )


def _limit_near(inputs: JudgementInput, server: int, count: int) -> Finding:
    name = inputs.name(server)
    return Finding(
        Kind.RELATIONSHIP_LIMIT_NEAR,
        None,
        (server,),
        RELATIONSHIP_LIMIT_NEAR.sentence(name, count),
        (("relationships", ((name, str(count)),)),),
    )


def _told_twice(inputs: JudgementInput, witnesses: Witnesses, server: int, name: str) -> Finding:
    spelling = witnesses.now[server, name].name
    return Finding(
        Kind.DUPLICATE_RELATIONSHIP,
        spelling,
        (server,),
        DUPLICATE_RELATIONSHIP.sentence(spelling, server=inputs.name(server)),
    )
