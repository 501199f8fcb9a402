"""Counting over the whole store, in a fixed number of statements."""

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
    or_,
    select,
    union_all,
)

from reconcile.findings.life import Event
from reconcile.model.nouns import Standing, State
from reconcile.model.record import EntryStatus
from worker.model.statistics import (
    Figures,
    FindingFigure,
    Opening,
    Pulse,
    RunFigure,
    ServerFigure,
    Side,
)
from worker.store.connection import Session
from worker.store.repositories.readings import Outcome
from worker.store.tables.alerts import finding_event
from worker.store.tables.columns import AwareUtc
from worker.store.tables.failover import failover, finding, run, sighting, tracker
from worker.store.tables.inventory import credential, maintenance, server
from worker.store.tables.runs import lease, worker_process

_OVER: Final = run.c.ended_at.is_not(None)
_BY_WORKERS: Final = run.c.lane.is_not(None)
#: The row of a sync that was killed stays open.
_LONGEST_SYNC: Final = timedelta(days=1)


class FigureReading(Session):
    """Counts."""

    def figures(self, odd_sides: int) -> Figures:
        sides = _sides()
        in_state = select(sides.c.server, sides.c.state, func.count())
        open_run = select(func.count(), func.min(run.c.started_at)).where(~_OVER, _BY_WORKERS)
        ((open_runs, oldest_run_at),) = self._rows(open_run)
        now = self.now()
        return Figures(
            now=now,
            servers=self._server_figures(now),
            sides={
                (row[0], State(row[1])): row[2]
                for row in self._rows(in_state.group_by(sides.c.server, sides.c.state))
            },
            odd_sides=self._odd_sides(sides, odd_sides),
            findings=self._open_findings(now),
            operations=self._counts(
                select(tracker.c.operation, tracker.c.hold, func.count())
                .where(tracker.c.status == EntryStatus.PENDING)
                .group_by(tracker.c.operation, tracker.c.hold)
            ),
            suspended_credentials=self._suspended(),
            open_runs=open_runs,
            oldest_run_at=oldest_run_at,
            ended_well_at=self._ended_well_at(),
            processes=self._processes_alive(now),
            ticked_by=self._ticked_by(),
        )

    def pulse(self) -> Pulse:
        read_at = self._rows(select(func.max(_read_at())).select_from(server))[0][0]
        return Pulse(self.now(), self._ended_well_at(), read_at)

    def first_open_run(self) -> int:
        alive = or_(_BY_WORKERS, run.c.started_at > self.now() - _LONGEST_SYNC)
        first = select(func.min(run.c.id)).where(~_OVER, alive)
        ((opened, latest),) = self._rows(
            select(first.scalar_subquery(), select(func.max(run.c.id)).scalar_subquery())
        )
        return int(opened or (latest or 0) + 1)

    def runs_over_since(self, first: int, known: Collection[int]) -> tuple[RunFigure, ...]:
        told = (run.c.id, run.c.started_by, run.c.outcome, run.c.started_at, run.c.ended_at)
        asked = select(*told).where(run.c.id >= first, _OVER).order_by(run.c.id)
        return tuple(
            RunFigure(row.id, row.started_by, row.outcome or "", row.ended_at - row.started_at)
            for row in self._rows(asked)
            if row.id not in known
        )

    def last_finding_event(self, before: datetime | None = None) -> int:
        latest = select(func.max(finding_event.c.id))
        if before is not None:
            latest = latest.where(finding_event.c.at < before)
        return int(self._rows(latest)[0][0] or 0)

    def findings_opened_since(self, event: int) -> tuple[Opening, ...]:
        asked = (
            select(finding_event.c.id, finding.c.kind)
            .join(finding, finding.c.id == finding_event.c.finding_id)
            .where(finding_event.c.id > event, finding_event.c.event == Event.OPENED)
        )
        return tuple(Opening(row.id, row.kind) for row in self._rows(asked))

    def _server_figures(self, now: datetime) -> tuple[ServerFigure, ...]:
        rests = exists().where(
            maintenance.c.server_id == server.c.id,
            maintenance.c.relationship.is_(None),
            maintenance.c.starts_at <= now,
            maintenance.c.ends_at > now,
        )
        told = (server.c.id, server.c.name, server.c.standing)
        asked = select(*told, _read_at().label("read_at"), rests.label("rests"))
        return tuple(
            ServerFigure(row.id, row.name, Standing(row.standing), row.read_at, bool(row.rests))
            for row in self._rows(asked.order_by(server.c.name_key))
        )

    def _odd_sides(self, sides: Subquery, most: int) -> tuple[Side, ...]:
        odd = and_(sides.c.state != State.NORMAL, sides.c.server.is_not(None))
        asked = select(sides).where(odd).order_by(sides.c.relationship, sides.c.server)
        return tuple(
            Side(row.name, row.server, State(row.state)) for row in self._rows(asked.limit(most))
        )

    def _counts(self, asked: Select[*tuple[Any, ...]]) -> Counter[tuple[str, str]]:
        return Counter({(row[0], row[1]): row[2] for row in self._rows(asked)})

    def _open_findings(self, now: datetime) -> dict[tuple[str, str, bool], FindingFigure]:
        """There are few patiences, so the databases need not know how to add seconds to a time."""
        is_open = and_(finding.c.resolved_at.is_(None), finding.c.confirmed_at.is_not(None))
        patient = select(finding.c.patience).where(is_open, finding.c.patience.is_not(None))
        latest = {row[0]: now - timedelta(seconds=row[0]) for row in self._rows(patient.distinct())}
        outlasted: ColumnElement[bool] = false()
        if latest:
            times = {p: literal(time, AwareUtc) for p, time in latest.items()}
            in_time = finding.c.first_seen > case(times, value=finding.c.patience)
            outlasted = and_(finding.c.patience.is_not(None), ~in_time)
        columns = (finding.c.kind, finding.c.grade, finding.c.first_seen)
        each = select(*columns, outlasted.label("outlasted")).where(is_open).subquery()
        by = (each.c.kind, each.c.grade, each.c.outlasted)
        counted = select(*by, func.count(), func.min(each.c.first_seen)).group_by(*by)
        return {
            (row[0], row[1], bool(row[2])): FindingFigure(row[3], row[4])
            for row in self._rows(counted)
        }

    def _suspended(self) -> int:
        asked = select(func.count()).where(credential.c.suspended_at.is_not(None))
        return int(self._rows(asked)[0][0])

    def _ended_well_at(self) -> datetime | None:
        """Of the latest run that did; one begun before it may have ended a little later."""
        asked = select(run.c.ended_at).where(run.c.outcome == "done").order_by(run.c.id.desc())
        rows = self._rows(asked.limit(1))
        return rows[0][0] if rows else None

    def _processes_alive(self, now: datetime) -> Counter[str]:
        alive = select(worker_process.c.role, func.count()).where(
            worker_process.c.alive_until > now
        )
        return Counter(
            {row[0]: row[1] for row in self._rows(alive.group_by(worker_process.c.role))}
        )

    def _ticked_by(self) -> datetime | None:
        rows = self._rows(select(lease.c.expires_at).where(lease.c.name == "tick"))
        return rows[0][0] if rows else None


def _read_at() -> Any:  # noqa: ANN401 - a scalar subquery, of which mypy forgets the type
    """When a server was last read; found by index alone."""
    return (
        select(func.max(sighting.c.read_at))
        .where(sighting.c.server_id == server.c.id, sighting.c.outcome == Outcome.SEEN)
        .correlate(server)
        .scalar_subquery()
    )


def _sides() -> Subquery:
    """Both partners of every relationship that is stored and not only wanted."""
    one, two = (
        select(
            failover.c.id.label("relationship"),
            failover.c.relationship_name.label("name"),
            failover.c[f"server{n}_record_id"].label("server"),
            failover.c[f"server{n}_state"].label("state"),
        ).where(failover.c.pending.is_(False))
        for n in (1, 2)
    )
    return union_all(one, two).subquery()
