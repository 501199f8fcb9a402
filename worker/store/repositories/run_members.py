"""Members of runs in progress: which servers a run waits for, and which it has read and judged."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    Subquery,
    and_,
    bindparam,
    delete,
    func,
    or_,
    select,
    union_all,
    update,
)

from worker.model.runs import Lane, Member, MemberStage
from worker.store.connection import Repository, chunks
from worker.store.repositories.member_queries import (
    IN_PROGRESS,
    claimant,
    member_of,
    members_with_claims,
)
from worker.store.tables.failover import run as run_table
from worker.store.tables.runs import run_member, server_poll, worker_process


class RunMemberRepository(Repository):
    """The members of runs in progress. A query about some members costs nothing for others."""

    def of_run(self, run: int, servers: Collection[int] | None = None) -> tuple[Member, ...]:
        """Return every member of a run, or those among these servers, by server."""
        members = members_with_claims(is_sqlite=self._connection.is_sqlite)
        queries = [members.where(run_member.c.run_id == run)]
        if servers is not None:
            queries = [queries[0].where(run_member.c.server_id.in_(c)) for c in chunks(servers)]
        rows = (row for query in queries for row in self._connection.rows(query))
        return tuple(sorted((member_of(row) for row in rows), key=lambda member: member.server))

    def stage_counts(self, run: int) -> Mapping[MemberStage, int]:
        """Return how many members of a run are at each stage."""
        counts = select(run_member.c.state, func.count()).where(run_member.c.run_id == run)
        return {
            MemberStage(row[0]): row[1]
            for row in self._connection.rows(counts.group_by(run_member.c.state))
        }

    def first_at(
        self, run: int, most: Mapping[MemberStage, int]
    ) -> Mapping[MemberStage, tuple[int, ...]]:
        """Return the first members at each stage, by server, at most ``most`` of the stage.

        One query sees all stages at the same time.
        """
        queries = [select(_first_query(run, stage, number)) for stage, number in most.items()]
        rows = self._connection.rows(union_all(*queries))
        return {
            stage: tuple(sorted(row.server_id for row in rows if row.state == stage))
            for stage in most
        }

    def unresolved(self, run: int) -> frozenset[int]:
        """Return the members whose relationships still need the names of other servers."""
        is_unresolved = and_(run_member.c.run_id == run, run_member.c.unresolved)
        return frozenset(
            row[0]
            for row in self._connection.rows(select(run_member.c.server_id).where(is_unresolved))
        )

    def unclaimed(self, run: int, before: datetime) -> frozenset[int]:
        """Return waiting members that no process reads, without a message since ``before``."""
        is_unclaimed = and_(
            run_member.c.run_id == run,
            run_member.c.state == MemberStage.WAITING,
            run_member.c.published_at <= before,
        )
        query = select(run_member.c.server_id).outerjoin(
            worker_process, claimant(is_sqlite=self._connection.is_sqlite)
        )
        rows = self._connection.rows(query.where(is_unclaimed, worker_process.c.id.is_(None)))
        return frozenset(row[0] for row in rows)

    def failing(self, most: int) -> tuple[tuple[int, int], ...]:
        """Return waiting members, as (run, server), of scheduled runs whose last reading failed.

        Members that a process reads now are left out. The result has at most ``most`` members.
        """
        is_waiting = and_(
            IN_PROGRESS, run_table.c.lane == Lane.READ, run_member.c.state == MemberStage.WAITING
        )
        has_failed = and_(
            server_poll.c.server_id == run_member.c.server_id, server_poll.c.failures > 0
        )
        query = (
            select(run_member.c.run_id, run_member.c.server_id)
            .join(run_table, run_table.c.id == run_member.c.run_id)
            .join(server_poll, has_failed)
            .outerjoin(worker_process, claimant(is_sqlite=self._connection.is_sqlite))
            .where(is_waiting, worker_process.c.id.is_(None))
            .order_by(run_member.c.run_id, run_member.c.server_id)
        )
        return tuple((row[0], row[1]) for row in self._connection.rows(query.limit(most)))

    def busy(self, servers: Collection[int]) -> frozenset[int]:
        """Return the servers that a process reads or that a scheduled run waits for."""
        is_busy = and_(
            IN_PROGRESS,
            run_member.c.state == MemberStage.WAITING,
            or_(run_table.c.lane == Lane.READ, worker_process.c.id.is_not(None)),
        )
        query = (
            select(run_member.c.server_id)
            .join(run_table, run_table.c.id == run_member.c.run_id)
            .outerjoin(worker_process, claimant(is_sqlite=self._connection.is_sqlite))
            .where(is_busy)
        )
        return frozenset(
            row[0]
            for chunk in chunks(servers)
            for row in self._connection.rows(query.where(run_member.c.server_id.in_(chunk)))
        )

    def named_by(self, run: int, servers: Collection[int]) -> frozenset[int]:
        """Return the servers that named one of these as a partner, see ``name_partners``."""
        return frozenset(s for names in self._named(run, servers).values() for s in names)

    def _named(self, run: int, servers: Collection[int]) -> Mapping[int, list[int]]:
        query = select(run_member.c.server_id, run_member.c.named_by).where(
            run_member.c.run_id == run, run_member.c.named_by != []
        )
        return {
            row.server_id: row.named_by
            for chunk in chunks(servers)
            for row in self._connection.rows(query.where(run_member.c.server_id.in_(chunk)))
        }

    def add(self, run: int, servers: Collection[int], *, targets: Collection[int]) -> None:
        """Add servers that are not members yet, as waiting members."""
        members = {member.server for member in self.of_run(run, servers)}
        missing = sorted(set(servers) - members)
        if not missing:
            return
        current_time = self._connection.now()
        self._connection.run(
            # another transaction may add the same members
            self._connection.upsert(run_member).on_conflict_do_nothing(),
            [
                {
                    "run_id": run,
                    "server_id": server,
                    "is_target": server in targets,
                    "state": MemberStage.WAITING,
                    "unresolved": False,
                    "published_at": current_time,
                    "claimed_by": None,
                    "claimed_at": None,
                    "readings": 0,
                    "looked": [],
                    "named_by": [],
                }
                for server in missing
            ],
        )

    def read_again(self, run: int, server: int, subjects: Iterable[str]) -> None:
        """Make a member wait for another reading because of disagreements about these subjects."""
        earlier_subjects = self._connection.rows(
            select(run_member.c.looked).where(_is_member(run, server))
        )[0][0]
        columns = {"state": MemberStage.WAITING, "looked": sorted({*earlier_subjects, *subjects})}
        self._connection.run(
            update(run_member)
            .where(_is_member(run, server))
            .values(**columns, published_at=self._connection.now())
        )

    def mark_dispatched(self, run: int, servers: Collection[int]) -> None:
        """Record that messages about members were sent now, and end the claims on them."""
        current_time = self._connection.now()
        for chunk in chunks(servers):
            is_in_chunk = and_(run_member.c.run_id == run, run_member.c.server_id.in_(chunk))
            columns = {"published_at": current_time, "claimed_by": None, "claimed_at": None}
            self._connection.run(update(run_member).where(is_in_chunk).values(columns))

    def mark_judged(self, run: int, servers: Collection[int], unresolved: Collection[int]) -> None:
        """Mark members as judged, and whether something of them is ``unresolved`` yet."""
        is_member = and_(run_member.c.run_id == run, run_member.c.server_id == bindparam("member"))
        statement = update(run_member).where(is_member).values(state=MemberStage.JUDGED)
        if servers:
            self._connection.run(
                statement.values(unresolved=bindparam("waits")),
                [{"member": server, "waits": server in unresolved} for server in servers],
            )

    def name_partners(self, run: int, named: Mapping[int, Collection[int]]) -> None:
        """Record which servers named these members as partners before the members were judged."""
        if not named:
            return
        earlier_names = self._named(run, named)
        is_member = and_(run_member.c.run_id == run, run_member.c.server_id == bindparam("member"))
        self._connection.run(
            update(run_member).where(is_member).values(named_by=bindparam("names")),
            [
                {"member": server, "names": sorted({*earlier_names.get(server, ()), *by})}
                for server, by in named.items()
            ],
        )

    def remove(self, run: int) -> None:
        """Remove the members of a run that is over. Their sightings stay."""
        self._connection.run(delete(run_member).where(run_member.c.run_id == run))


def _first_query(run: int, stage: MemberStage, most: int) -> Subquery:
    is_at_stage = and_(run_member.c.run_id == run, run_member.c.state == stage)
    query = select(run_member.c.server_id, run_member.c.state).where(is_at_stage)
    return query.order_by(run_member.c.server_id).limit(most).subquery()


def _is_member(run: int, server: int) -> ColumnElement[bool]:
    return and_(run_member.c.run_id == run, run_member.c.server_id == server)
