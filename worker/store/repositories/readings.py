"""What the servers told: documents kept once, sightings that point to them, the latest of each."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import assert_never

from sqlalchemy import Connection, and_, func, select

from reconcile.model.nouns import ReadFailure, Seen, Sighting, Skipped, SkipReason, Unseen
from worker.model.runs import EVERYTHING
from worker.store.connection import AnyRow, Session, chunks
from worker.store.engine import Database
from worker.store.repositories.codecs import Columns
from worker.store.repositories.reading_document import Document, document_of, seen_of
from worker.store.tables.failover import reading, run, sighting
from worker.store.tables.inventory import server


class Outcome(StrEnum):
    """How a sighting is told apart in its table."""

    SEEN = "seen"
    UNSEEN = "unseen"
    SKIPPED = "skipped"


class SightingReading(Session):
    """Looks at sightings and readings."""

    def __init__(self, database: Database, connection: Connection) -> None:
        super().__init__(database, connection)
        self._documents: dict[int, tuple[Seen, Document]] = {}
        self._digests: dict[int, tuple[Seen, str]] = {}

    def latest_readings(
        self,
        servers: Collection[int],
        current: Mapping[int, Sighting],
        *,
        besides: int | None = None,
    ) -> Mapping[int, Seen]:
        latest = self._latest_rows(servers, besides)
        told = {s: now for s, now in current.items() if isinstance(now, Seen) and s in latest}
        same = {s for s, now in told.items() if self._digest(now) == latest[s].digest}
        texts = self._texts({row.digest for s, row in latest.items() if s not in same})
        return {
            s: replace(told[s], read_at=row.read_at, clock_offset_seconds=None)
            if s in same
            else self._reading_of(row.digest, texts[row.digest], s, row.read_at)
            for s, row in latest.items()
        }

    def sightings(self, run: int) -> tuple[Seen | Unseen | Skipped, ...]:
        of_run = select(sighting).where(sighting.c.run_id == run)
        return tuple(sighting_of(r) for r in self._rows(of_run.order_by(sighting.c.server_id)))

    def _latest_rows(self, servers: Collection[int], besides: int | None) -> dict[int, AnyRow]:
        """Server, time and digest of each server's latest reading, found by index alone.

        Readings of the run ``besides`` do not count.
        """
        other = sighting.alias()
        latest_run = (
            select(other.c.run_id)
            .where(
                other.c.server_id == server.c.id,
                other.c.outcome == Outcome.SEEN,
                other.c.run_id != (besides or _NO_RUN),
            )
            .order_by(other.c.read_at.desc(), other.c.run_id.desc())
            .limit(1)
            .correlate(server)
            .scalar_subquery()
        )
        is_latest = and_(sighting.c.server_id == server.c.id, sighting.c.run_id == latest_run)
        asked = select(sighting.c.server_id, sighting.c.read_at, reading.c.digest)
        rows: dict[int, AnyRow] = {}
        for chunk in chunks(servers):
            found = asked.select_from(server.join(sighting, is_latest).join(reading))
            rows.update((r.server_id, r) for r in self._rows(found.where(server.c.id.in_(chunk))))
        return rows

    def _seen_at(
        self, servers: Collection[int], *, by_run_of_everything: bool = False
    ) -> dict[int, datetime | None]:
        """When each server was last read, None if never; or read by a run that judged all of it."""
        read = [sighting.c.server_id == server.c.id, sighting.c.outcome == Outcome.SEEN]
        if by_run_of_everything:
            whole = select(run.c.id).where(
                run.c.id == sighting.c.run_id, run.c.target == EVERYTHING
            )
            read.append(whole.correlate(sighting).exists())
        last = select(func.max(sighting.c.read_at)).where(*read).correlate(server).scalar_subquery()
        times: dict[int, datetime | None] = {}
        for chunk in chunks(servers):
            asked = select(server.c.id, last.label("read_at")).where(server.c.id.in_(chunk))
            times.update((row.id, row.read_at) for row in self._rows(asked))
        return times

    def _read_in(
        self, runs: Collection[int], servers: Collection[int]
    ) -> dict[tuple[int, int], datetime]:
        """When these runs read these servers, by (run, server)."""
        asked = select(sighting.c.run_id, sighting.c.server_id, sighting.c.read_at).where(
            sighting.c.outcome == Outcome.SEEN
        )
        return {
            (row.run_id, row.server_id): row.read_at
            for some_runs in chunks(runs)
            for some in chunks(servers)
            for row in self._rows(
                asked.where(sighting.c.run_id.in_(some_runs), sighting.c.server_id.in_(some))
            )
        }

    def _texts(self, digests: Collection[str]) -> dict[str, str]:
        texts: dict[str, str] = {}
        for chunk in chunks(digests):
            found = self._rows(select(reading).where(reading.c.digest.in_(chunk)))
            texts.update((row.digest, row.document) for row in found)
        return texts

    def _reading_of(
        self,
        digest: str,
        text: str | None,
        server: int,
        read_at: datetime,
        clock_offset_seconds: float | None = None,
    ) -> Seen:
        """Decoded once, however often it is needed; without its text it is hoped to be at hand."""
        kept = self._database.shelf.reading(digest)
        if kept is None or kept.server != server:
            kept = seen_of(text or self._texts([digest])[digest], server, read_at)
            self._database.shelf.keep_reading(digest, kept)
        seen = replace(kept, read_at=read_at, clock_offset_seconds=clock_offset_seconds)
        self._digests[id(seen)] = (seen, digest)
        return seen

    def _digest(self, seen: Seen) -> str:
        """Of one that was loaded it is known."""
        known = self._digests.get(id(seen))
        return self._document(seen).digest if known is None else known[1]

    def _document(self, seen: Seen) -> Document:
        """Made once per reading, however often a unit of work asks; holding it keeps its id."""
        if id(seen) not in self._documents:
            self._documents[id(seen)] = (seen, document_of(seen))
        return self._documents[id(seen)][1]


class SightingWriting(SightingReading):
    """Records what was seen."""

    def add_sightings(self, run: int, sightings: Iterable[Sighting]) -> None:
        told = list(sightings)
        kept = self._keep([self._document(s) for s in told if isinstance(s, Seen)])
        rows = [{"run_id": run, **_NOTHING, **self._columns(s, kept)} for s in told]
        self._insert(sighting, rows)

    def replace_sighting(self, run: int, seen: Sighting) -> None:
        """Record it, instead of what the run saw of this server before."""
        self._replace_sightings([(run, seen)])

    def _replace_sightings(self, told: Sequence[tuple[int, Sighting]]) -> None:
        kept = self._keep([self._document(s) for _, s in told if isinstance(s, Seen)])
        rows = [{"run_id": run, **_NOTHING, **self._columns(s, kept)} for run, s in told]
        new = self._upsert(sighting)
        self._run(
            new.on_conflict_do_update(
                index_elements=[sighting.c.server_id, sighting.c.run_id],
                set_={name: new.excluded[name] for name in rows[0]},
            ),
            rows,
        )

    def _keep(self, documents: Iterable[Document]) -> Mapping[str, int]:
        """The readings' numbers by digest; what is new is kept under a new one, or under that of
        somebody else who keeps the same just now.
        """
        told = {document.digest: document.text for document in documents}
        numbers = self._numbers(told)
        if new := sorted(told.keys() - numbers.keys()):
            keys = self._new_keys(reading, len(new))
            rows = [
                {"id": key, "digest": digest, "document": told[digest]}
                for key, digest in zip(keys, new, strict=True)
            ]
            self._run(self._upsert(reading).on_conflict_do_nothing(), rows)
            numbers |= self._numbers(new)
        return numbers

    def _numbers(self, digests: Collection[str]) -> dict[str, int]:
        asked = select(reading.c.digest, reading.c.id)
        return {
            row.digest: row.id
            for chunk in chunks(digests)
            for row in self._rows(asked.where(reading.c.digest.in_(chunk)))
        }

    def _columns(self, seen: Sighting, kept: Mapping[str, int]) -> Columns:
        match seen:
            case Seen(server=server, read_at=read_at):
                return {
                    "server_id": server,
                    "outcome": Outcome.SEEN,
                    "read_at": read_at,
                    "reading_id": kept[self._document(seen).digest],
                    "clock_offset_seconds": seen.clock_offset_seconds,
                }
            case Unseen(server, read_at, failure):
                return {
                    "server_id": server,
                    "outcome": Outcome.UNSEEN,
                    "read_at": read_at,
                    "error_code": failure.code,
                    "error_message": failure.message,
                    "error_remedy": failure.remedy,
                    "error_retry": failure.retry,
                }
            case Skipped(server, reason):
                return {
                    "server_id": server,
                    "outcome": Outcome.SKIPPED,
                    "skip_reason": reason,
                }
            case _:
                assert_never(seen)


_NO_RUN = 0

#: All that a sighting may lack, so that sightings of every kind are sent in one statement.
_NOTHING = dict.fromkeys(c.name for c in sighting.c if c.nullable)


def sighting_of(row: AnyRow) -> Seen | Unseen | Skipped:
    """The sighting of a row; of a Seen without its words."""
    match Outcome(row.outcome):
        case Outcome.SEEN:
            return Seen(row.server_id, row.read_at, ())
        case Outcome.UNSEEN:
            failure = ReadFailure(
                row.error_code, row.error_message, row.error_remedy, row.error_retry
            )
            return Unseen(row.server_id, row.read_at, failure)
        case Outcome.SKIPPED:
            return Skipped(row.server_id, SkipReason(row.skip_reason))
