"""Groups of servers that relationships connect, directly or over other servers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from typing import Any

from sqlalchemy import Select, case, or_, select

from worker.store.tables.failover import failover
from worker.store.tables.inventory import server


def link_query(start: Collection[int]) -> Select[*tuple[Any, ...]]:
    """Return the query of the partners of relationships that can be reached from these servers.

    The query is recursive, so a chain of servers takes one statement as well.
    """
    server1, server2 = failover.c.server1_record_id, failover.c.server2_record_id
    is_complete = server1.is_not(None) & server2.is_not(None)
    reached = select(server.c.id).where(server.c.id.in_(start)).cte("reached", recursive=True)
    partner = case((server1 == reached.c.id, server2), else_=server1)
    is_adjacent = or_(server1 == reached.c.id, server2 == reached.c.id)
    reached = reached.union(select(partner).join(reached, is_adjacent).where(is_complete))
    links = select(server1, server2).join(reached, server1 == reached.c.id)
    return links.where(is_complete).distinct()


def groups_of(start: Iterable[int], links: Iterable[tuple[int, int]]) -> Iterator[frozenset[int]]:
    """Yield the disjoint groups of servers that links connect to the servers of ``start``."""
    partners: defaultdict[int, set[int]] = defaultdict(set)
    for first_server, second in links:
        partners[first_server].add(second)
        partners[second].add(first_server)
    remaining = set(start)
    while remaining:
        group: set[int] = set()
        frontier = {remaining.pop()}
        while frontier:
            group |= frontier
            frontier = set().union(*(partners[server] for server in frontier)) - group
        remaining -= group
        yield frozenset(group)
