"""Runs that several processes work on: their members, and how far each is."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import (
    ColumnElement,
    and_,
    bindparam,
    delete,
    insert,
    select,
    update,
)

from reconcile.model.nouns import Seen, Sighting
from worker.model.runs import Lane, OpenRun, Scope, Stage, Turn
from worker.store.connection import AnyRow, chunks
from worker.store.repositories.codecs import Columns
from worker.store.repositories.readings import (
    Outcome,
    SightingReading,
    SightingWriting,
    sighting_of,
)
from worker.store.repositories.run_members import IN_PROGRESS, RUN, MemberReading, open_run
from worker.store.tables.failover import reading, sighting
from worker.store.tables.failover import run as run_table
from worker.store.tables.runs import run_member

_THIS: Final = and_(
    run_member.c.run_id == bindparam("of_run"), run_member.c.server_id == bindparam("member")
)
_CLAIM: Final = (
    update(run_member)
    .where(_THIS)
    .values(claimed_by=bindparam("claimed_by"), claimed_at=bindparam("claimed_at"))
)
_CONCLUDE: Final = (
    update(run_member)
    .where(_THIS)
    .values(
        state=Stage.CONCLUDED,
        readings=run_member.c.readings + 1,
        claimed_by=None,
        claimed_at=None,
    )
)


class ProgressReading(SightingReading, MemberReading):
    """Looks at runs in progress."""

    def runs_in_progress(self) -> tuple[OpenRun, ...]:
        asked = select(*RUN).where(IN_PROGRESS).order_by(run_table.c.id)
        return tuple(open_run(row) for row in self._rows(asked))

    def run_in_progress(self, run: int) -> OpenRun | None:
        rows = self._rows(select(*RUN).where(IN_PROGRESS, run_table.c.id == run))
        return open_run(rows[0]) if rows else None

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
        there = {member.server for member in self.members(run, servers)}
        new = sorted(set(servers) - there)
        if not new:
            return
        now = self.now()
        self._run(
            self._upsert(run_member).on_conflict_do_nothing(),  # somebody else may enlist them too
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
                    "marks": [],
                    "named_by": [],
                }
                for server in new
            ],
        )

    def claim(self, run: int, server: int, process: int) -> datetime:
        now = self.now()
        self._claim([{"of_run": run, "member": server, "claimed_by": process, "claimed_at": now}])
        return now

    def _claim(self, rows: Sequence[Columns]) -> None:
        self._run(_CLAIM, rows)

    def conclude(self, run: int, server: int, sighting: Sighting | None) -> None:
        if sighting is not None:
            self.replace_sighting(run, sighting)
        if isinstance(sighting, Seen):  # it is judged next
            self._database.shelf.keep_reading(self._digest(sighting), sighting)
        self._conclude([{"of_run": run, "member": server}])

    def _conclude(self, rows: Sequence[Columns]) -> None:
        self._run(_CONCLUDE, rows)

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

    def judged(self, run: int, turns: Mapping[int, Turn]) -> None:
        if not turns:
            return
        this = and_(run_member.c.run_id == run, run_member.c.server_id == bindparam("member"))
        over = update(run_member).where(this).values(state=Stage.JUDGED)
        self._run(
            over.values(unresolved=bindparam("waits"), marks=bindparam("remembers")),
            [
                {"member": server, "waits": turn.unresolved, "remembers": list(turn.marks)}
                for server, turn in turns.items()
            ],
        )

    def name_partners(self, run: int, named: Mapping[int, Collection[int]]) -> None:
        if not named:
            return
        before = self._named(run, named)
        this = and_(run_member.c.run_id == run, run_member.c.server_id == bindparam("member"))
        self._run(
            update(run_member).where(this).values(named_by=bindparam("names")),
            [
                {"member": server, "names": sorted({*before.get(server, ()), *by})}
                for server, by in named.items()
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
        closing = update(run_table).where(run_table.c.id == run, IN_PROGRESS, ~open_one.exists())
        return self._run(closing.values(ended_at=self.now())).rowcount > 0


def _is(run: int, server: int) -> ColumnElement[bool]:
    return and_(run_member.c.run_id == run, run_member.c.server_id == server)
