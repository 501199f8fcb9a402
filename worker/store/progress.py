"""Runs that several processes work on: their members, and how far each is."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, case, delete, insert, select, update

from reconcile.model import Seen, Sighting
from worker.run_ports import Lane, Member, OpenRun, RunLine, Scope, Stage
from worker.store.readings import Outcome, SightingReading, SightingWriting, sighting_of
from worker.store.run_tables import run_line, run_member, server_poll, worker_process
from worker.store.session import AnyRow, chunks
from worker.store.tables import reading, sighting
from worker.store.tables import run as run_table

_IN_PROGRESS: Final = and_(run_table.c.ended_at.is_(None), run_table.c.lane.is_not(None))


class ProgressReading(SightingReading):
    """Looks at runs in progress."""

    def runs_in_progress(self) -> tuple[OpenRun, ...]:
        asked = select(run_table).where(_IN_PROGRESS).order_by(run_table.c.id)
        return tuple(_open_run(row) for row in self._rows(asked))

    def run_in_progress(self, run: int) -> OpenRun | None:
        rows = self._rows(select(run_table).where(_IN_PROGRESS, run_table.c.id == run))
        return _open_run(rows[0]) if rows else None

    def members(self, run: int) -> tuple[Member, ...]:
        rows = self._rows(self._with_claims().where(run_member.c.run_id == run))
        return tuple(sorted((_member(row) for row in rows), key=lambda member: member.server))

    def waiting_members(self, server: int) -> tuple[tuple[int, Member], ...]:
        """(run, member) of every run that waits for a reading of this server."""
        waiting = and_(run_member.c.server_id == server, run_member.c.state == Stage.WAITING)
        rows = self._rows(self._with_claims().where(waiting).order_by(run_member.c.run_id))
        return tuple((row.run_id, _member(row)) for row in rows)

    def failing_members(self, lane: Lane, limit: int) -> tuple[tuple[int, int], ...]:
        alive = and_(
            worker_process.c.id == run_member.c.claimed_by,
            worker_process.c.alive_until > self.now(),
        )
        waiting = (
            select(run_member.c.run_id, run_member.c.server_id)
            .join(run_table, run_table.c.id == run_member.c.run_id)
            .join(server_poll, server_poll.c.server_id == run_member.c.server_id)
            .outerjoin(worker_process, alive)
            .where(_IN_PROGRESS, run_table.c.lane == lane, run_member.c.state == Stage.WAITING)
            .where(worker_process.c.id.is_(None), server_poll.c.failures > 0)
            .order_by(run_member.c.run_id, run_member.c.server_id)
            .limit(limit)
        )
        return tuple((row.run_id, row.server_id) for row in self._rows(waiting))

    def claims(self, process: int) -> frozenset[tuple[int, int]]:
        claimed = select(run_member.c.run_id, run_member.c.server_id)
        rows = self._rows(claimed.where(run_member.c.claimed_by == process))
        return frozenset((row.run_id, row.server_id) for row in rows)

    def seen_in(self, run: int, servers: Collection[int]) -> Mapping[int, Sighting]:
        with_digest = select(sighting, reading.c.digest).outerjoin(reading)
        of_run = with_digest.where(sighting.c.run_id == run)
        rows = [
            row
            for chunk in chunks(servers)
            for row in self._rows(of_run.where(sighting.c.server_id.in_(chunk)))
        ]
        shelf = self._database.shelf
        texts = self._texts({r.digest for r in rows if r.digest and not shelf.reading(r.digest)})
        return {row.server_id: self._told(row, texts) for row in rows}

    def _told(self, row: AnyRow, texts: Mapping[str, str]) -> Sighting:
        if Outcome(row.outcome) is not Outcome.SEEN:
            return sighting_of(row)
        return self._reading_of(
            row.digest,
            texts.get(row.digest),
            row.server_id,
            row.read_at,
            row.clock_offset_seconds,
        )

    def lines_of(self, run: int) -> Mapping[int, RunLine]:
        rows = self._rows(select(run_line).where(run_line.c.run_id == run))
        return {row.number: RunLine(row.number, row.is_new, row.confirmed) for row in rows}

    def _with_claims(self) -> Select[*tuple[Any, ...]]:
        """Members, with the claims of the dead left out."""
        now = self.now()
        alive = and_(
            worker_process.c.id == run_member.c.claimed_by, worker_process.c.alive_until > now
        )
        claimed_by = case((worker_process.c.id.is_not(None), run_member.c.claimed_by))
        others = [column for column in run_member.c if column.name != "claimed_by"]
        return select(*others, claimed_by.label("claimed_by")).outerjoin(worker_process, alive)


class ProgressWriting(SightingWriting, ProgressReading):
    """Moves runs forward."""

    def start_run(self, trigger: str, who: str, target: str, scope: Scope, lane: Lane) -> int:
        opened = self._run(
            insert(run_table).values(
                started_by=trigger,
                who=who,
                target=target,
                started_at=self.now(),
                summary={},
                targets=None if scope.targets is None else sorted(scope.targets),
                only_name=scope.only,
                lane=lane,
            )
        )
        return int((opened.inserted_primary_key or (0,))[0])

    def add_members(self, run: int, servers: Collection[int], *, targets: Collection[int]) -> None:
        there = {row[0] for row in self._rows(_servers_of(run))}
        new = sorted(set(servers) - there)
        if not new:
            return
        now = self.now()
        self._insert(
            run_member,
            [
                {
                    "run_id": run,
                    "server_id": server,
                    "is_target": server in targets,
                    "state": Stage.WAITING,
                    "unresolved": False,
                    "published_at": now,
                    "claimed_by": None,
                    "claimed_at": None,
                    "readings": 0,
                    "looked": [],
                }
                for server in new
            ],
        )

    def claim(self, run: int, server: int, process: int) -> datetime:
        now = self.now()
        claimed = {"claimed_by": process, "claimed_at": now}
        self._run(update(run_member).where(_is(run, server)).values(claimed))
        return now

    def conclude(self, run: int, server: int, sighting: Sighting | None) -> None:
        if sighting is not None:
            self.replace_sighting(run, sighting)
        if isinstance(sighting, Seen):  # it is judged next
            self._database.shelf.keep_reading(self._digest(sighting), sighting)
        self._run(
            update(run_member)
            .where(_is(run, server))
            .values(
                state=Stage.CONCLUDED,
                readings=run_member.c.readings + 1,
                claimed_by=None,
                claimed_at=None,
            )
        )

    def read_again(self, run: int, server: int, subjects: Iterable[str]) -> None:
        looked = self._rows(select(run_member.c.looked).where(_is(run, server)))[0][0]
        again = {"state": Stage.WAITING, "looked": sorted({*looked, *subjects})}
        self._run(
            update(run_member).where(_is(run, server)).values(**again, published_at=self.now())
        )

    def published(self, run: int, servers: Collection[int]) -> None:
        now = self.now()
        for chunk in chunks(servers):
            these = and_(run_member.c.run_id == run, run_member.c.server_id.in_(chunk))
            sent = {"published_at": now, "claimed_by": None, "claimed_at": None}
            self._run(update(run_member).where(these).values(sent))

    def judged(self, run: int, servers: Mapping[int, bool]) -> None:
        for unresolved in (True, False):
            for chunk in chunks([s for s, waits in servers.items() if waits is unresolved]):
                these = and_(run_member.c.run_id == run, run_member.c.server_id.in_(chunk))
                over = {"state": Stage.JUDGED, "unresolved": unresolved}
                self._run(update(run_member).where(these).values(over))

    def add_lines(self, run: int, lines: Collection[RunLine]) -> None:
        there = self.lines_of(run)
        known = [
            line
            for line in lines
            if (old := there.get(line.number)) and line.confirmed > old.confirmed
        ]
        for chunk in chunks([line.number for line in known]):
            these = and_(run_line.c.run_id == run, run_line.c.number.in_(chunk))
            self._run(update(run_line).where(these).values(confirmed=True))
        new = [line for line in lines if line.number not in there]
        self._insert(
            run_line,
            [
                {"run_id": run, "number": n.number, "is_new": n.is_new, "confirmed": n.confirmed}
                for n in new
            ],
        )

    def tell_progress(self, run: int, counts: Mapping[str, int]) -> None:
        this = run_table.c.id == run
        told = dict(self._rows(select(run_table.c.summary).where(this))[0][0])
        for name, count in counts.items():
            told[name] = told.get(name, 0) + count
        self._run(update(run_table).where(this).values(summary=told))

    def drop_members(self, run: int) -> None:
        self._run(delete(run_member).where(run_member.c.run_id == run))

    def end_run_if_done(self, run: int) -> bool:
        """Close it by one conditional update; False if a member is open or it is over (R8)."""
        of_run = run_member.c.run_id == run
        open_one = select(run_member.c.server_id).where(
            of_run, (run_member.c.state != Stage.JUDGED) | run_member.c.unresolved
        )
        closing = update(run_table).where(run_table.c.id == run, _IN_PROGRESS, ~open_one.exists())
        return self._run(closing.values(ended_at=self.now())).rowcount > 0


def _is(run: int, server: int) -> ColumnElement[bool]:
    return and_(run_member.c.run_id == run, run_member.c.server_id == server)


def _servers_of(run: int) -> Select[int]:
    return select(run_member.c.server_id).where(run_member.c.run_id == run)


def _open_run(row: AnyRow) -> OpenRun:
    targets = None if row.targets is None else frozenset(row.targets)
    return OpenRun(
        id=row.id,
        trigger=row.started_by,
        target=row.target,
        scope=Scope(targets, row.only_name),
        lane=Lane(row.lane),
        started_at=row.started_at,
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
