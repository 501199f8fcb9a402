"""The members of runs in progress: who waits, who was read and judged, who reads whom now."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from functools import cache
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Select,
    Subquery,
    and_,
    bindparam,
    case,
    func,
    or_,
    select,
    union_all,
)

from worker.model.runs import Lane, Member, OpenRun, Scope, Stage
from worker.store.connection import AnyRow, Session, chunks, clock
from worker.store.tables.failover import run as run_table
from worker.store.tables.runs import run_member, server_poll, worker_process

#: A run that workers are at.
IN_PROGRESS: Final = and_(run_table.c.ended_at.is_(None), run_table.c.lane.is_not(None))

#: What an OpenRun is made of; the names are not those of other tables' columns.
RUN: Final = tuple(
    run_table.c[name].label(f"of_run_{name}")
    for name in ("id", "started_by", "target", "targets", "only_name", "lane", "started_at")
)
_ASKED_APART: Final = ("claimed_by", "marks", "named_by")


class MemberReading(Session):
    """Looks at them; what is asked about some costs nothing of the others."""

    def members(self, run: int, servers: Collection[int] | None = None) -> tuple[Member, ...]:
        asked = self._with_claims().where(run_member.c.run_id == run)
        one_by_one = (run_member.c.server_id.in_(chunk) for chunk in chunks(servers or ()))
        narrowed = [asked] if servers is None else [asked.where(these) for these in one_by_one]
        rows = (row for statement in narrowed for row in self._rows(statement))
        return tuple(sorted((_member(row) for row in rows), key=lambda member: member.server))

    def stages(self, run: int) -> Mapping[Stage, int]:
        counts = select(run_member.c.state, func.count()).where(run_member.c.run_id == run)
        return {Stage(row[0]): row[1] for row in self._rows(counts.group_by(run_member.c.state))}

    def first_at(self, run: int, most: Mapping[Stage, int]) -> Mapping[Stage, tuple[int, ...]]:
        asked = [select(_first_at(run, stage, number)) for stage, number in most.items()]
        rows = self._rows(union_all(*asked))
        return {
            stage: tuple(sorted(row.server_id for row in rows if row.state == stage))
            for stage in most
        }

    def unresolved(self, run: int) -> frozenset[int]:
        these = and_(run_member.c.run_id == run, run_member.c.unresolved)
        return frozenset(row[0] for row in self._rows(select(run_member.c.server_id).where(these)))

    def unclaimed(self, run: int, before: datetime) -> frozenset[int]:
        old = and_(
            run_member.c.run_id == run,
            run_member.c.state == Stage.WAITING,
            run_member.c.published_at <= before,
        )
        asked = select(run_member.c.server_id).outerjoin(worker_process, self._reads())
        rows = self._rows(asked.where(old, worker_process.c.id.is_(None)))
        return frozenset(row[0] for row in rows)

    def failing_members(self, most: int) -> tuple[tuple[int, int], ...]:
        waits = and_(
            IN_PROGRESS, run_table.c.lane == Lane.READ, run_member.c.state == Stage.WAITING
        )
        failed = and_(server_poll.c.server_id == run_member.c.server_id, server_poll.c.failures > 0)
        asked = (
            select(run_member.c.run_id, run_member.c.server_id)
            .join(run_table, run_table.c.id == run_member.c.run_id)
            .join(server_poll, failed)
            .outerjoin(worker_process, self._reads())
            .where(waits, worker_process.c.id.is_(None))
            .order_by(run_member.c.run_id, run_member.c.server_id)
        )
        return tuple((row[0], row[1]) for row in self._rows(asked.limit(most)))

    def busy(self, servers: Collection[int]) -> frozenset[int]:
        is_busy = and_(
            IN_PROGRESS,
            run_member.c.state == Stage.WAITING,
            or_(run_table.c.lane == Lane.READ, worker_process.c.id.is_not(None)),
        )
        asked = (
            select(run_member.c.server_id)
            .join(run_table, run_table.c.id == run_member.c.run_id)
            .outerjoin(worker_process, self._reads())
            .where(is_busy)
        )
        return frozenset(
            row[0]
            for chunk in chunks(servers)
            for row in self._rows(asked.where(run_member.c.server_id.in_(chunk)))
        )

    def waiting_members(self, server: int) -> tuple[tuple[OpenRun, Member], ...]:
        return self._waiting_for([server])

    def _waiting_for(
        self, servers: Collection[int], *, locked: bool = False
    ) -> tuple[tuple[OpenRun, Member], ...]:
        """Locked by a question of its own: the answer of one that has to wait for a lock is partly
        of before it waited.
        """
        asked = _waiting_for(is_sqlite=self._database.is_sqlite)
        if locked and not self._database.is_sqlite:
            self._rows(_LOCK_WAITING, {"servers": list(servers)})
        rows = self._rows(asked, {"servers": list(servers)})
        return tuple((open_run(row), _member(row)) for row in rows)

    def is_under_way(self, run: int) -> bool:
        claimed = select(run_member.c.server_id).join(worker_process, self._reads())
        return bool(self._rows(claimed.where(run_member.c.run_id == run).limit(1)))

    def claims(self, process: int) -> frozenset[tuple[int, int]]:
        claimed = select(run_member.c.run_id, run_member.c.server_id)
        rows = self._rows(claimed.where(run_member.c.claimed_by == process))
        return frozenset((row.run_id, row.server_id) for row in rows)

    def marks(self, run: int, servers: Collection[int]) -> Mapping[int, tuple[int, ...]]:
        asked = select(run_member.c.server_id, run_member.c.marks)
        of_run = asked.where(run_member.c.run_id == run)
        return {
            row.server_id: tuple(row.marks)
            for chunk in chunks(servers)
            for row in self._rows(of_run.where(run_member.c.server_id.in_(chunk)))
        }

    def named_by(self, run: int, servers: Collection[int]) -> frozenset[int]:
        return frozenset(s for names in self._named(run, servers).values() for s in names)

    def _named(self, run: int, servers: Collection[int]) -> Mapping[int, list[int]]:
        asked = select(run_member.c.server_id, run_member.c.named_by).where(
            run_member.c.run_id == run, run_member.c.named_by != []
        )
        return {
            row.server_id: row.named_by
            for chunk in chunks(servers)
            for row in self._rows(asked.where(run_member.c.server_id.in_(chunk)))
        }

    def _with_claims(self) -> Select[*tuple[Any, ...]]:
        return _with_claims(is_sqlite=self._database.is_sqlite)

    def _reads(self) -> ColumnElement[bool]:
        return _reads(is_sqlite=self._database.is_sqlite)


def _reads(*, is_sqlite: bool) -> ColumnElement[bool]:
    """The process that claimed a member, if it lives."""
    return and_(
        worker_process.c.id == run_member.c.claimed_by,
        worker_process.c.alive_until > clock(is_sqlite=is_sqlite),
    )


def _first_at(run: int, stage: Stage, most: int) -> Subquery:
    these = and_(run_member.c.run_id == run, run_member.c.state == stage)
    first = select(run_member.c.server_id, run_member.c.state).where(these)
    return first.order_by(run_member.c.server_id).limit(most).subquery()


# Made once: they are asked for every server of a run, and to make one takes as long as to ask it.
@cache
def _with_claims(*, is_sqlite: bool) -> Select[*tuple[Any, ...]]:
    """Members, with the claims of the dead left out."""
    claimed_by = case((worker_process.c.id.is_not(None), run_member.c.claimed_by))
    others = [column for column in run_member.c if column.name not in _ASKED_APART]
    asked = select(*others, claimed_by.label("claimed_by"))
    return asked.outerjoin(worker_process, _reads(is_sqlite=is_sqlite))


@cache
def _waiting_for(*, is_sqlite: bool) -> Select[*tuple[Any, ...]]:
    """Members that wait for a reading of the parameter ``servers``, each with its run."""
    of_run = and_(run_table.c.id == run_member.c.run_id, IN_PROGRESS)
    asked = _with_claims(is_sqlite=is_sqlite).join(run_table, of_run).add_columns(*RUN)
    return asked.where(_THESE_WAIT).order_by(run_member.c.run_id)


_THESE_WAIT: Final = and_(
    run_member.c.server_id.in_(bindparam("servers", expanding=True)),
    run_member.c.state == Stage.WAITING,
)
#: In one order by all, so that none waits for another one in a circle.
_LOCK_WAITING: Final = (
    select(run_member.c.run_id)
    .where(_THESE_WAIT)
    .order_by(run_member.c.run_id, run_member.c.server_id)
    .with_for_update()
)


def open_run(row: AnyRow) -> OpenRun:
    """What the columns of ``RUN`` say."""
    targets = None if row.of_run_targets is None else frozenset(row.of_run_targets)
    return OpenRun(
        id=row.of_run_id,
        trigger=row.of_run_started_by,
        target=row.of_run_target,
        scope=Scope(targets, row.of_run_only_name),
        lane=Lane(row.of_run_lane),
        started_at=row.of_run_started_at,
    )


def _member(row: AnyRow) -> Member:
    return Member(
        server=row.server_id,
        is_target=row.is_target,
        stage=Stage(row.state),
        published_at=row.published_at,
        unresolved=row.unresolved,
        claimed_by=row.claimed_by,
        claimed_at=row.claimed_at,
        readings=row.readings,
        looked=tuple(row.looked),
    )
