"""Readings: documents that are stored once, and the sightings of runs that refer to them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import assert_never

from sqlalchemy import and_, func, select

from reconcile.model.nouns import Seen, Sighting, Skipped, Unseen
from worker.model.runs import EVERYTHING
from worker.store.connection import AnyRow, Connection, chunks
from worker.store.repositories.codecs import Columns
from worker.store.repositories.reading_document import ReadingDocument, document_of, seen_of
from worker.store.repositories.sighting_rows import NULL_COLUMNS, SightingKind, sighting_of
from worker.store.tables.failover import reading, run, sighting
from worker.store.tables.inventory import server


class ReadingRepository:
    """The sightings of runs, with readings stored once for equal content."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._documents: dict[int, tuple[Seen, ReadingDocument]] = {}
        self._digests: dict[int, tuple[Seen, str]] = {}

    def latest(
        self,
        servers: Collection[int],
        current: Mapping[int, Sighting],
        *,
        besides: int | None = None,
    ) -> Mapping[int, Seen]:
        """Return each server's latest recorded reading, without those of the run ``besides``.

        ``current`` are readings of a run that has recorded nothing yet. If the recorded reading has
        the same content, its stories are the same objects, and nothing is fetched or decoded.
        """
        latest = self._latest_rows(servers, besides)
        repeated = {
            s: sighting
            for s, sighting in current.items()
            if isinstance(sighting, Seen) and s in latest
        }
        unchanged = {
            s for s, sighting in repeated.items() if self._digest(sighting) == latest[s].digest
        }
        texts = self._texts({row.digest for s, row in latest.items() if s not in unchanged})
        return {
            s: replace(repeated[s], read_at=row.read_at, clock_offset_seconds=None)
            if s in unchanged
            else self._reading_of(row.digest, texts[row.digest], s, row.read_at)
            for s, row in latest.items()
        }

    def sightings(self, run: int) -> tuple[Seen | Unseen | Skipped, ...]:
        """Return the sightings of a run, by server, each Seen without its stories."""
        query = select(sighting).where(sighting.c.run_id == run)
        return tuple(
            sighting_of(r) for r in self._connection.rows(query.order_by(sighting.c.server_id))
        )

    def _latest_rows(self, servers: Collection[int], besides: int | None) -> dict[int, AnyRow]:
        """Return server, time and digest of each server's latest reading, by server.

        The query uses an index alone. Readings of the run ``besides`` do not count.
        """
        other_sighting = sighting.alias()
        latest_run = (
            select(other_sighting.c.run_id)
            .where(
                other_sighting.c.server_id == server.c.id,
                other_sighting.c.outcome == SightingKind.SEEN,
                other_sighting.c.run_id != (besides or _NO_RUN),
            )
            .order_by(other_sighting.c.read_at.desc(), other_sighting.c.run_id.desc())
            .limit(1)
            .correlate(server)
            .scalar_subquery()
        )
        is_latest = and_(sighting.c.server_id == server.c.id, sighting.c.run_id == latest_run)
        query = select(sighting.c.server_id, sighting.c.read_at, reading.c.digest)
        rows: dict[int, AnyRow] = {}
        for chunk in chunks(servers):
            latest_query = query.select_from(server.join(sighting, is_latest).join(reading))
            rows.update(
                (r.server_id, r)
                for r in self._connection.rows(latest_query.where(server.c.id.in_(chunk)))
            )
        return rows

    def read_at(
        self, servers: Collection[int], *, by_run_of_everything: bool = False
    ) -> dict[int, datetime | None]:
        """Return when each server was last read, or None, by server.

        With ``by_run_of_everything`` only runs that judged every relationship count.
        """
        conditions = [sighting.c.server_id == server.c.id, sighting.c.outcome == SightingKind.SEEN]
        if by_run_of_everything:
            runs_of_everything = select(run.c.id).where(
                run.c.id == sighting.c.run_id, run.c.target == EVERYTHING
            )
            conditions.append(runs_of_everything.correlate(sighting).exists())
        last_read_at = (
            select(func.max(sighting.c.read_at))
            .where(*conditions)
            .correlate(server)
            .scalar_subquery()
        )
        times: dict[int, datetime | None] = {}
        for chunk in chunks(servers):
            query = select(server.c.id, last_read_at.label("read_at")).where(server.c.id.in_(chunk))
            times.update((row.id, row.read_at) for row in self._connection.rows(query))
        return times

    def read_in(
        self, runs: Collection[int], servers: Collection[int]
    ) -> dict[tuple[int, int], datetime]:
        """Return when these runs read these servers, by (run, server)."""
        query = select(sighting.c.run_id, sighting.c.server_id, sighting.c.read_at).where(
            sighting.c.outcome == SightingKind.SEEN
        )
        return {
            (row.run_id, row.server_id): row.read_at
            for some_runs in chunks(runs)
            for some_servers in chunks(servers)
            for row in self._connection.rows(
                query.where(
                    sighting.c.run_id.in_(some_runs), sighting.c.server_id.in_(some_servers)
                )
            )
        }

    def _texts(self, digests: Collection[str]) -> dict[str, str]:
        texts: dict[str, str] = {}
        for chunk in chunks(digests):
            rows = self._connection.rows(select(reading).where(reading.c.digest.in_(chunk)))
            texts.update((row.digest, row.document) for row in rows)
        return texts

    def _reading_of(
        self,
        digest: str,
        text: str | None,
        server: int,
        read_at: datetime,
        clock_offset_seconds: float | None = None,
    ) -> Seen:
        """Return a reading from the cache or, once, from its text.

        Without a text the reading was in the cache a moment ago. If it is gone, it is loaded.
        """
        cached = self._connection.cache.reading(digest)
        if cached is None or cached.server != server:
            cached = seen_of(text or self._texts([digest])[digest], server, read_at)
            self._connection.cache.keep_reading(digest, cached)
        reading = replace(cached, read_at=read_at, clock_offset_seconds=clock_offset_seconds)
        self._digests[id(reading)] = (reading, digest)
        return reading

    def _digest(self, seen: Seen) -> str:
        """Return the digest of a reading, which is known already for a loaded one."""
        loaded = self._digests.get(id(seen))
        return self._document(seen).digest if loaded is None else loaded[1]

    def _document(self, seen: Seen) -> ReadingDocument:
        """Return the document of a reading, built once in a unit of work.

        The reference to the reading keeps its ``id`` from being reused.
        """
        if id(seen) not in self._documents:
            self._documents[id(seen)] = (seen, document_of(seen))
        return self._documents[id(seen)][1]

    def of_run(self, run: int, servers: Collection[int]) -> Mapping[int, Sighting]:
        """Return the sightings of a run for these servers, by server, with their stories."""
        query = select(sighting, reading.c.digest).outerjoin(reading)
        of_run = query.where(sighting.c.run_id == run)
        rows = [
            row
            for chunk in chunks(servers)
            for row in self._connection.rows(of_run.where(sighting.c.server_id.in_(chunk)))
        ]
        cache = self._connection.cache
        texts = self._texts({r.digest for r in rows if r.digest and not cache.reading(r.digest)})
        return {row.server_id: self._sighting(row, texts) for row in rows}

    def _sighting(self, row: AnyRow, texts: Mapping[str, str]) -> Sighting:
        if SightingKind(row.outcome) is not SightingKind.SEEN:
            return sighting_of(row)
        return self._reading_of(
            row.digest,
            texts.get(row.digest),
            row.server_id,
            row.read_at,
            row.clock_offset_seconds,
        )

    def replace(self, seen: Sequence[tuple[int, Sighting]]) -> None:
        """Record (run, sighting) pairs, in place of the run's sightings of the same servers.

        Readings with equal content are stored once.
        """
        if not seen:
            return
        numbers = self._keep([self._document(s) for _, s in seen if isinstance(s, Seen)])
        rows = [{"run_id": run, **NULL_COLUMNS, **self._columns(s, numbers)} for run, s in seen]
        self._connection.replace(sighting, rows)
        for _, new_sighting in seen:
            if isinstance(new_sighting, Seen):  # its server is judged next
                self._connection.cache.keep_reading(self._digest(new_sighting), new_sighting)

    def _keep(self, documents: Iterable[ReadingDocument]) -> Mapping[str, int]:
        """Store documents, and return the numbers of all of them by digest.

        Another transaction may store the same document at the same time. Then its number counts.
        """
        texts = {document.digest: document.text for document in documents}
        numbers = self._numbers(texts)
        if missing := sorted(texts.keys() - numbers.keys()):
            keys = self._connection.new_keys(reading, len(missing))
            rows = [
                {"id": key, "digest": digest, "document": texts[digest]}
                for key, digest in zip(keys, missing, strict=True)
            ]
            self._connection.run(self._connection.upsert(reading).on_conflict_do_nothing(), rows)
            numbers |= self._numbers(missing)
        return numbers

    def _numbers(self, digests: Collection[str]) -> dict[str, int]:
        query = select(reading.c.digest, reading.c.id)
        return {
            row.digest: row.id
            for chunk in chunks(digests)
            for row in self._connection.rows(query.where(reading.c.digest.in_(chunk)))
        }

    def _columns(self, seen: Sighting, numbers: Mapping[str, int]) -> Columns:
        match seen:
            case Seen(server=server, read_at=read_at):
                return {
                    "server_id": server,
                    "outcome": SightingKind.SEEN,
                    "read_at": read_at,
                    "reading_id": numbers[self._document(seen).digest],
                    "clock_offset_seconds": seen.clock_offset_seconds,
                }
            case Unseen(server, read_at, failure):
                return {
                    "server_id": server,
                    "outcome": SightingKind.UNSEEN,
                    "read_at": read_at,
                    "error_code": failure.code,
                    "error_message": failure.message,
                    "error_remedy": failure.remedy,
                    "error_retry": failure.retry,
                }
            case Skipped(server, reason):
                return {
                    "server_id": server,
                    "outcome": SightingKind.SKIPPED,
                    "skip_reason": reason,
                }
            case _:
                assert_never(seen)


#: Ids begin at 1, so this one excludes nothing.
_NO_RUN = 0
