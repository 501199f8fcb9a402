"""What an operation takes and another record of the same server still holds (rule R4).

A scope and a name are at most once per server.  An operation that takes a held one is recorded
as waiting; with the removal that frees it, it is shown as one move.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from reconcile.kinds.decisions import BLOCKED
from reconcile.model.findings import Finding, Kind
from reconcile.model.formatting import dotted, listed
from reconcile.model.names import fold_relationship
from reconcile.model.nouns import Operation
from reconcile.model.record import Contest, Membership, Planned, Record
from reconcile.planning.tracker import NeededOperation


def takes(planned: Planned, record: Record | None) -> Iterator[Membership]:
    """Yield the memberships that an operation would add. ``record`` is the row it is about."""
    name = fold_relationship(planned.relationship)
    match planned.operation:
        case Operation.CREATE:
            for server in (planned.server1.server, planned.server2.server):
                if server is not None:
                    yield (server, name)
                    yield from ((server, scope) for scope in planned.scopes)
        case Operation.ADD_SCOPES:
            # Also a partner that an Update of the same run makes one.
            partners = (planned.server1.server, planned.server2.server)
            stored = () if record is None else record.partners
            for server in sorted({*stored, *(s for s in partners if s is not None)}):
                yield from ((server, scope) for scope in planned.scopes)
        case Operation.UPDATE:
            for server in _joining(planned, record):
                yield (server, name)
                yield from ((server, s) for s in (() if record is None else sorted(record.scopes)))
        case Operation.REMOVE_SCOPES | Operation.DELETE:
            return


def _joining(planned: Planned, record: Record | None) -> list[int]:
    """Servers that an Update makes partners and that are none yet."""
    ids = [c.after for c in planned.changes if c.property in ("Server1RecordId", "Server2RecordId")]
    present = () if record is None else record.partners
    return [s for s in ids if isinstance(s, int) and s not in present]


def contest(
    needs: Sequence[NeededOperation],
    records: Mapping[int, Record],
    holders: Mapping[Membership, int],
    leaving: frozenset[int],
) -> tuple[NeededOperation, ...]:
    """Return the needs with the memberships that each of them waits for.

    Earlier needs take before later ones. ``leaving`` are pending records that this very plan
    withdraws.
    """
    taker_of: dict[Membership, NeededOperation] = {}
    marked = []
    for need in needs:
        own_key = need.planned.record
        contested = []
        for membership in takes(need.planned, None if own_key is None else records.get(own_key)):
            holder = holders.get(membership)
            if holder is not None and holder != own_key and holder not in leaving:
                contested.append(_contest(membership, holder))
            elif membership in taker_of and (
                own_key is None or taker_of[membership].planned.record != own_key
            ):
                contested.append(_contest(membership, None))
            else:
                taker_of[membership] = need
        marked.append(replace(need, planned=replace(need.planned, contested=tuple(contested))))
    return tuple(marked)


def _contest(membership: Membership, holder: int | None) -> Contest:
    server, name_or_scope = membership
    return Contest(server, name_or_scope if isinstance(name_or_scope, int) else None, holder)


def blocked(
    need: NeededOperation, name: Callable[[int], str], records: Mapping[int, Record]
) -> Finding:
    """Return the finding about a waiting operation: the holders of what it takes.

    ``name`` returns the name of a server.
    """
    planned = need.planned
    words: dict[str, list[str]] = {}
    for c in planned.contested:
        holder = records.get(c.holder) if c.holder is not None else None
        whose = "another relationship that takes it in this run"
        if c.holder is not None:
            whose = f"record {c.holder}" if holder is None else holder.relationship_name
        subject = "the name" if c.scope is None else dotted(c.scope)
        words.setdefault(f"{whose} on {name(c.server)}", []).append(subject)
    held = "; ".join(f"{listed(subject)} belongs to {whose}" for whose, subject in words.items())
    return Finding(
        Kind.BLOCKED,
        planned.relationship,
        planned.partners,
        BLOCKED.sentence(planned.relationship, planned.operation, held),
        tuple(
            (whose, tuple((subject, "held") for subject in items)) for whose, items in words.items()
        ),
    )


def contested(planned: Planned) -> frozenset[Membership]:
    """Return the names and scopes that an operation cannot have yet."""
    return frozenset(contested_membership(planned, contest) for contest in planned.contested)


def contested_membership(planned: Planned, contest: Contest) -> Membership:
    """Return the name (folded) or scope that an operation waits for."""
    if contest.scope is None:
        return contest.server, fold_relationship(planned.relationship)
    return contest.server, contest.scope
