"""Statements about members of runs, shared by the repositories of runs, members and claims."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, bindparam, case, select

from worker.model.runs import Lane, Member, MemberStage, OpenRun, RunScope
from worker.store.connection import AnyRow, clock
from worker.store.tables.failover import run as run_table
from worker.store.tables.runs import run_member, worker_process

IN_PROGRESS: Final = run_table.c.ended_at.is_(None)

#: The columns of an OpenRun, with labels that differ from the names of other tables' columns.
RUN: Final = tuple(
    run_table.c[name].label(f"of_run_{name}")
    for name in (
        "id",
        "started_by",
        "target",
        "targets",
        "only_name",
        "lane",
        "started_at",
        "process_id",
    )
)
_LOADED_SEPARATELY: Final = ("claimed_by", "named_by")

_IS_WAITING: Final = and_(
    run_member.c.server_id.in_(bindparam("servers", expanding=True)),
    run_member.c.state == MemberStage.WAITING,
)
#: Every transaction locks the rows in the same order, so that none waits in a circle.
LOCK_WAITING: Final = (
    select(run_member.c.run_id)
    .where(_IS_WAITING)
    .order_by(run_member.c.run_id, run_member.c.server_id)
    .with_for_update()
)


def claimant(*, is_sqlite: bool) -> ColumnElement[bool]:
    """Return the condition that a living process claims the member."""
    return and_(
        worker_process.c.id == run_member.c.claimed_by,
        worker_process.c.alive_until > clock(is_sqlite=is_sqlite),
    )


# Built once. They run for every server of a run, and building one takes as long as running it.
@cache
def members_with_claims(*, is_sqlite: bool) -> Select[*tuple[Any, ...]]:
    """Return the query of members without the claims of dead processes."""
    claimed_by = case((worker_process.c.id.is_not(None), run_member.c.claimed_by))
    other_columns = [column for column in run_member.c if column.name not in _LOADED_SEPARATELY]
    query = select(*other_columns, claimed_by.label("claimed_by"))
    return query.outerjoin(worker_process, claimant(is_sqlite=is_sqlite))


@cache
def waiting_members(*, is_sqlite: bool) -> Select[*tuple[Any, ...]]:
    """Return the query of members that wait for a reading of ``servers``, each with its run."""
    of_run = and_(run_table.c.id == run_member.c.run_id, IN_PROGRESS)
    query = members_with_claims(is_sqlite=is_sqlite).join(run_table, of_run).add_columns(*RUN)
    return query.where(_IS_WAITING).order_by(run_member.c.run_id)


def open_run_of(row: AnyRow) -> OpenRun:
    """Return the run of a row with the columns of ``RUN``."""
    targets = None if row.of_run_targets is None else frozenset(row.of_run_targets)
    return OpenRun(
        id=row.of_run_id,
        trigger=row.of_run_started_by,
        target=row.of_run_target,
        scope=RunScope(targets, row.of_run_only_name),
        lane=Lane(row.of_run_lane),
        started_at=row.of_run_started_at,
        process=row.of_run_process_id,
    )


def member_of(row: AnyRow) -> Member:
    """Return the member of a row of ``members_with_claims``."""
    return Member(
        server=row.server_id,
        is_target=row.is_target,
        stage=MemberStage(row.state),
        published_at=row.published_at,
        unresolved=row.unresolved,
        claimed_by=row.claimed_by,
        claimed_at=row.claimed_at,
        readings=row.readings,
        looked=tuple(row.looked),
    )
