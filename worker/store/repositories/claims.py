"""Claims: which process reads which member of a run, and how a reading is concluded."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import and_, bindparam, select, update

from reconcile.model.nouns import Sighting
from worker.model.runs import Member, MemberStage, OpenRun
from worker.store.connection import Connection
from worker.store.repositories.member_queries import (
    LOCK_WAITING,
    claimant,
    member_of,
    open_run_of,
    waiting_members,
)
from worker.store.repositories.readings import ReadingRepository
from worker.store.tables.runs import run_member, worker_process

_IS_MEMBER: Final = and_(
    run_member.c.run_id == bindparam("of_run"), run_member.c.server_id == bindparam("member")
)
_CLAIM: Final = (
    update(run_member)
    .where(_IS_MEMBER)
    .values(claimed_by=bindparam("process"), claimed_at=bindparam("at"))
)
_CONCLUDE: Final = (
    update(run_member)
    .where(_IS_MEMBER)
    .values(
        state=MemberStage.CONCLUDED,
        readings=run_member.c.readings + 1,
        claimed_by=None,
        claimed_at=None,
    )
)


@dataclass(frozen=True, slots=True)
class Claim:
    """A process's claim on a member of a run, since ``at``."""

    run: int
    server: int
    process: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Conclusion:
    """The end of a reading of a member.

    A ``sighting`` of None keeps the sighting of an earlier reading in the run.
    """

    run: int
    server: int
    sighting: Sighting | None


class ClaimRepository:
    """The claims on members of runs in progress."""

    def __init__(self, connection: Connection, readings: ReadingRepository) -> None:
        self._connection = connection
        self._readings = readings

    def waiting_for(
        self, servers: Collection[int], *, locked: bool = False
    ) -> tuple[tuple[OpenRun, Member], ...]:
        """Return every (run, member) that waits for a reading of these servers, oldest run first.

        With ``locked`` the members are locked in a separate query. In PostgreSQL a query that
        waited for a lock can return rows as they were before the wait.
        """
        parameters = {"servers": list(servers)}
        if locked and not self._connection.is_sqlite:
            self._connection.rows(LOCK_WAITING, parameters)
        query = waiting_members(is_sqlite=self._connection.is_sqlite)
        rows = self._connection.rows(query, parameters)
        return tuple((open_run_of(row), member_of(row)) for row in rows)

    def is_any_in(self, run: int) -> bool:
        """Return whether a living process reads a member of the run now."""
        is_claimed = claimant(is_sqlite=self._connection.is_sqlite)
        query = select(run_member.c.server_id).join(worker_process, is_claimed)
        return bool(self._connection.rows(query.where(run_member.c.run_id == run).limit(1)))

    def of_process(self, process: int) -> frozenset[tuple[int, int]]:
        """Return the members, as (run, server), that the process reads now."""
        query = select(run_member.c.run_id, run_member.c.server_id)
        rows = self._connection.rows(query.where(run_member.c.claimed_by == process))
        return frozenset((row.run_id, row.server_id) for row in rows)

    def claim(self, claims: Sequence[Claim]) -> None:
        """Record claims, at most one for each member."""
        self._connection.run(
            _CLAIM,
            [
                {"of_run": c.run, "member": c.server, "process": c.process, "at": c.at}
                for c in claims
            ],
        )

    def conclude(self, conclusions: Sequence[Conclusion]) -> None:
        """Record conclusions, at most one for each member, and their sightings."""
        self._readings.replace([(c.run, c.sighting) for c in conclusions if c.sighting is not None])
        members = [{"of_run": c.run, "member": c.server} for c in conclusions]
        self._connection.run(_CONCLUDE, members)
