"""Servers that hang together by relationships: without loading the relationships."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator

from sqlalchemy import case, or_, select

from worker.store.connection import Session, chunks
from worker.store.tables.failover import failover
from worker.store.tables.inventory import server


class GroupReading(Session):
    """Looks for them; it costs as much as the servers or groups that are asked about."""

    def partners(self, servers: Collection[int]) -> frozenset[int]:
        one, two = failover.c.server1_record_id, failover.c.server2_record_id
        asked = select(one, two).distinct()
        return frozenset(
            partner
            for chunk in chunks(servers)
            for row in self._rows(asked.where(or_(one.in_(chunk), two.in_(chunk))))
            for partner in row
            if partner is not None
        )

    def connected(self, servers: Collection[int]) -> tuple[frozenset[int], ...]:
        groups: list[frozenset[int]] = []
        left = set(servers)
        for chunk in chunks(sorted(servers)):
            start = left.intersection(chunk)
            found = tuple(_groups(start, self._links(start))) if start else ()
            groups += found
            left.difference_update(*found)
        return tuple(groups)

    def _links(self, start: Collection[int]) -> list[tuple[int, int]]:
        """The partners of each relationship that can be reached from these servers.

        The database goes from one to the next: a chain of servers is one statement, too.
        """
        one, two = failover.c.server1_record_id, failover.c.server2_record_id
        both = one.is_not(None) & two.is_not(None)
        reached = select(server.c.id).where(server.c.id.in_(start)).cte("reached", recursive=True)
        partner = case((one == reached.c.id, two), else_=one)
        touched = or_(one == reached.c.id, two == reached.c.id)
        reached = reached.union(select(partner).join(reached, touched).where(both))
        asked = select(one, two).join(reached, one == reached.c.id).where(both).distinct()
        return [(row[0], row[1]) for row in self._rows(asked)]


def _groups(start: Iterable[int], links: Iterable[tuple[int, int]]) -> Iterator[frozenset[int]]:
    partners: defaultdict[int, set[int]] = defaultdict(set)
    for one, two in links:
        partners[one].add(two)
        partners[two].add(one)
    left = set(start)
    while left:
        group: set[int] = set()
        new = {left.pop()}
        while new:
            group |= new
            new = set().union(*(partners[server] for server in new)) - group
        left -= group
        yield frozenset(group)
