"""Statistics over the whole store, in a fixed number of statements."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Select,
    Subquery,
    and_,
    case,
    exists,
    false,
    func,
    literal,
    select,
    union_all,
)

from reconcile.model.findings import Event
from reconcile.model.nouns import Standing, State
from reconcile.model.record import EntryStatus
from worker.model.statistics import (
    Figures,
    FindingFigure,
    Opening,
    Pulse,
    RunFigure,
    ServerFigure,
    StoredPartner,
)
from worker.store.connection import Repository
from worker.store.repositories.sighting_rows import SightingKind
from worker.store.tables.alerts import finding_event
from worker.store.tables.columns import AwareUtc
from worker.store.tables.failover import failover, finding, run, sighting, tracker
from worker.store.tables.inventory import credential, maintenance, server
from worker.store.tables.runs import lease, worker_process

_OVER: Final = run.c.ended_at.is_not(None)


class StatisticsRepository(Repository):
    """The counts and times that are exported as metrics."""

    def figures(self, odd_sides: int) -> Figures:
        """Return all figures, with at most ``odd_sides`` sides that are not in state Normal."""
        sides = _sides()
        in_state = select(sides.c.server, sides.c.state, func.count())
        open_run = select(func.count(), func.min(run.c.started_at)).where(~_OVER)
        ((open_runs, oldest_run_at),) = self._connection.rows(open_run)
        current_time = self._connection.now()
        return Figures(
            now=current_time,
            servers=self._server_figures(current_time),
            sides={
                (row[0], State(row[1])): row[2]
                for row in self._connection.rows(in_state.group_by(sides.c.server, sides.c.state))
            },
            odd_sides=self._odd_sides(sides, odd_sides),
            findings=self._open_findings(current_time),
            operations=self._counts(
                select(tracker.c.operation, tracker.c.hold, func.count())
                .where(tracker.c.status == EntryStatus.PENDING)
                .group_by(tracker.c.operation, tracker.c.hold)
            ),
            suspended_credentials=self._suspended(),
            open_runs=open_runs,
            oldest_run_at=oldest_run_at,
            ended_well_at=self._ended_well_at(),
            processes=self._processes_alive(current_time),
            ticked_by=self._ticked_by(),
        )

    def pulse(self) -> Pulse:
        """Return the times at which a run last ended well and a server was last read."""
        read_at = self._connection.rows(select(func.max(_read_at())).select_from(server))[0][0]
        return Pulse(self._connection.now(), self._ended_well_at(), read_at)

    def first_open_run(self) -> int:
        """Return the number of the oldest open run, or the number after the latest run."""
        query = select(func.min(run.c.id)).where(~_OVER)
        ((oldest, latest),) = self._connection.rows(
            select(query.scalar_subquery(), select(func.max(run.c.id)).scalar_subquery())
        )
        return int(oldest or (latest or 0) + 1)

    def runs_over_since(self, first: int, known: Collection[int]) -> tuple[RunFigure, ...]:
        """Return closed runs with this number or a higher one, without those in ``known``."""
        columns = (run.c.id, run.c.started_by, run.c.outcome, run.c.started_at, run.c.ended_at)
        query = select(*columns).where(run.c.id >= first, _OVER).order_by(run.c.id)
        return tuple(
            RunFigure(row.id, row.started_by, row.outcome or "", row.ended_at - row.started_at)
            for row in self._connection.rows(query)
            if row.id not in known
        )

    def last_finding_event(self, before: datetime | None = None) -> int:
        """Return the number of the latest event of all problems before a time, or 0."""
        query = select(func.max(finding_event.c.id))
        if before is not None:
            query = query.where(finding_event.c.at < before)
        return int(self._connection.rows(query)[0][0] or 0)

    def findings_opened_since(self, event: int) -> tuple[Opening, ...]:
        """Return the openings of findings whose events have higher numbers than ``event``."""
        query = (
            select(finding_event.c.id, finding.c.kind)
            .join(finding, finding.c.id == finding_event.c.finding_id)
            .where(finding_event.c.id > event, finding_event.c.event == Event.OPENED)
        )
        return tuple(Opening(row.id, row.kind) for row in self._connection.rows(query))

    def _server_figures(self, now: datetime) -> tuple[ServerFigure, ...]:
        is_in_maintenance = exists().where(
            maintenance.c.server_id == server.c.id,
            maintenance.c.relationship.is_(None),
            maintenance.c.starts_at <= now,
            maintenance.c.ends_at > now,
        )
        columns = (server.c.id, server.c.name, server.c.standing)
        query = select(*columns, _read_at().label("read_at"), is_in_maintenance.label("rests"))
        return tuple(
            ServerFigure(row.id, row.name, Standing(row.standing), row.read_at, bool(row.rests))
            for row in self._connection.rows(query.order_by(server.c.name_key))
        )

    def _odd_sides(self, sides: Subquery, most: int) -> tuple[StoredPartner, ...]:
        is_odd = and_(sides.c.state != State.NORMAL, sides.c.server.is_not(None))
        query = select(sides).where(is_odd).order_by(sides.c.relationship, sides.c.server)
        return tuple(
            StoredPartner(row.name, row.server, State(row.state))
            for row in self._connection.rows(query.limit(most))
        )

    def _counts(self, query: Select[*tuple[Any, ...]]) -> Counter[tuple[str, str]]:
        return Counter({(row[0], row[1]): row[2] for row in self._connection.rows(query)})

    def _open_findings(self, now: datetime) -> dict[tuple[str, str, bool], FindingFigure]:
        """Return the figures of open findings by (kind, grade, whether patience ran out).

        The databases add seconds to times in different ways. There are few values of patience, so
        the latest start for each is computed here.
        """
        is_open = and_(finding.c.resolved_at.is_(None), finding.c.confirmed_at.is_not(None))
        patience_query = select(finding.c.patience).where(is_open, finding.c.patience.is_not(None))
        latest_starts = {
            row[0]: now - timedelta(seconds=row[0])
            for row in self._connection.rows(patience_query.distinct())
        }
        has_outlasted: ColumnElement[bool] = false()
        if latest_starts:
            times = {p: literal(time, AwareUtc) for p, time in latest_starts.items()}
            is_in_time = finding.c.first_seen > case(times, value=finding.c.patience)
            has_outlasted = and_(finding.c.patience.is_not(None), ~is_in_time)
        columns = (finding.c.kind, finding.c.grade, finding.c.first_seen)
        open_findings = select(*columns, has_outlasted.label("outlasted")).where(is_open).subquery()
        groups = (open_findings.c.kind, open_findings.c.grade, open_findings.c.outlasted)
        query = select(*groups, func.count(), func.min(open_findings.c.first_seen)).group_by(
            *groups
        )
        return {
            (row[0], row[1], bool(row[2])): FindingFigure(row[3], row[4])
            for row in self._connection.rows(query)
        }

    def _suspended(self) -> int:
        query = select(func.count()).where(credential.c.suspended_at.is_not(None))
        return int(self._connection.rows(query)[0][0])

    def _ended_well_at(self) -> datetime | None:
        """Return when the latest run that succeeded ended.

        The latest run is the one that began last. An earlier one may have ended a little later.
        """
        query = select(run.c.ended_at).where(run.c.outcome == "done").order_by(run.c.id.desc())
        rows = self._connection.rows(query.limit(1))
        return rows[0][0] if rows else None

    def _processes_alive(self, now: datetime) -> Counter[str]:
        query = select(worker_process.c.role, func.count()).where(
            worker_process.c.alive_until > now
        )
        return Counter(
            {row[0]: row[1] for row in self._connection.rows(query.group_by(worker_process.c.role))}
        )

    def _ticked_by(self) -> datetime | None:
        rows = self._connection.rows(select(lease.c.expires_at).where(lease.c.name == "tick"))
        return rows[0][0] if rows else None


def _read_at() -> Any:  # noqa: ANN401 - a scalar subquery, of which mypy forgets the type
    """Return the time at which a server was last read, as a subquery that uses an index alone."""
    return (
        select(func.max(sighting.c.read_at))
        .where(sighting.c.server_id == server.c.id, sighting.c.outcome == SightingKind.SEEN)
        .correlate(server)
        .scalar_subquery()
    )


def _sides() -> Subquery:
    """Return both sides of every stored relationship, without pending Creates."""
    first_side, second = (
        select(
            failover.c.id.label("relationship"),
            failover.c.relationship_name.label("name"),
            failover.c[f"server{n}_record_id"].label("server"),
            failover.c[f"server{n}_state"].label("state"),
        ).where(failover.c.pending.is_(False))
        for n in (1, 2)
    )
    return union_all(first_side, second).subquery()
