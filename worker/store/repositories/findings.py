"""Problems: one row for each, with its finding, its life cycle and its acknowledgement.

A row stays until retention removes it. A problem that returns reuses its row.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import and_, bindparam, delete, insert, select, update

from reconcile.findings.life import Life, LifeStep
from reconcile.model.findings import Finding, Kind, Severity
from worker.model.alerts import Acknowledgement, OpenFinding
from worker.model.errors import RecordRefused
from worker.store.connection import AnyRow, Repository, chunks
from worker.store.repositories.codecs import Columns, digest, finding_columns, finding_of
from worker.store.tables.failover import WHOLE_STORE, finding_server
from worker.store.tables.failover import finding as finding_table

_OPEN: Final = finding_table.c.resolved_at.is_(None)


class FindingRepository(Repository):
    """The problems, open and resolved."""

    def unresolved(
        self, servers: Collection[int] | None = None, kinds: Collection[Kind] | None = None
    ) -> tuple[OpenFinding, ...]:
        """Return the open problems about one of the servers or the whole store, by id.

        Without ``servers`` those of all servers, without ``kinds`` those of all kinds.
        """
        query = select(finding_table).where(_OPEN)
        if kinds is not None:
            query = query.where(finding_table.c.kind.in_(sorted(kinds)))
        if servers is None:
            return tuple(
                problem_of(r) for r in self._connection.rows(query.order_by(finding_table.c.id))
            )
        rows: dict[int, AnyRow] = {}
        for chunk in chunks([WHOLE_STORE, *servers]):
            finding_ids = select(finding_server.c.finding_id).where(
                finding_server.c.server_id.in_(chunk)
            )
            rows_of_chunk = self._connection.rows(query.where(finding_table.c.id.in_(finding_ids)))
            rows.update((row.id, row) for row in rows_of_chunk)
        return tuple(problem_of(rows[key]) for key in sorted(rows))

    def by_id(self, ids: Collection[int] | None = None) -> Mapping[int, OpenFinding]:
        """Return problems by id, open or resolved. Without ``ids`` return all open ones."""
        if ids is None:
            return {p.id: p for p in self.unresolved()}
        return {
            row.id: problem_of(row)
            for chunk in chunks(ids)
            for row in self._connection.rows(
                select(finding_table).where(finding_table.c.id.in_(chunk))
            )
        }

    def explained(self) -> tuple[OpenFinding, ...]:
        """Return the open problems that another problem explains."""
        query = select(finding_table).where(_OPEN, finding_table.c.caused_by.is_not(None))
        return tuple(problem_of(row) for row in self._connection.rows(query))

    def openings(self, fingerprints: Collection[str]) -> Mapping[str, tuple[datetime, ...]]:
        """Return the times at which resolved problems opened, by fingerprint.

        Problems that are open or unknown are left out.
        """
        stored = self._stored(fingerprints)
        return {text: _times(row.openings) for text, row in stored.items() if row.resolved_at}

    def _stored(self, fingerprints: Collection[str]) -> dict[str, AnyRow]:
        texts = {digest(text): text for text in fingerprints}
        columns = (finding_table.c[n] for n in ("id", "fingerprint", "openings", "resolved_at"))
        query = select(*columns)
        return {
            texts[row.fingerprint]: row
            for chunk in chunks(texts)
            for row in self._connection.rows(query.where(finding_table.c.fingerprint.in_(chunk)))
        }

    def begin(self, run: int, steps: Sequence[LifeStep]) -> Mapping[str, int]:
        """Store problems that open or reopen, and return their ids by fingerprint.

        Raises:
            RecordRefused: one of the problems is open already.
        """
        steps_by_text = {step.finding.fingerprint: step for step in steps}
        stored = self._stored(steps_by_text)
        if any(row.resolved_at is None for row in stored.values()):
            raise RecordRefused("A problem cannot be opened: it is open already.")
        reopened = [(row.id, steps_by_text[text]) for text, row in stored.items()]
        reset = {"opened_run_id": run, "resolved_at": None}
        self._rewrite([({**reset, **_columns(step)}, key, step.finding) for key, step in reopened])
        unknown = [step for text, step in steps_by_text.items() if text not in stored]
        keys = self._connection.new_keys(finding_table, len(unknown))
        inserted = list(zip(keys, unknown, strict=True))
        rows = [{"id": key, "opened_run_id": run, **_columns(step)} for key, step in inserted]
        self._connection.insert(finding_table, rows)
        self._name_servers((key, step.finding) for key, step in inserted)
        return {step.finding.fingerprint: key for key, step in (*reopened, *inserted)}

    def save(self, steps: Iterable[tuple[int, LifeStep]]) -> None:
        """Store the next step of problems, by id. A resolved problem loses its acknowledgement."""
        all_steps = list(steps)
        continuing = [(key, step) for key, step in all_steps if step.life is not None]
        self._rewrite([(_columns(step), key, step.finding) for key, step in continuing])
        resolved = [key for key, step in all_steps if step.life is None]
        current_time = self._connection.now()
        for chunk in chunks(resolved):
            still_open = and_(finding_table.c.id.in_(chunk), _OPEN)
            self._connection.run(
                update(finding_table)
                .where(still_open)
                .values(resolved_at=current_time, **_RESOLVED)
            )

    def set_causes(self, causes: Mapping[int, int | None]) -> None:
        """Set the problem that explains each problem.

        With None the problem stands by itself. A reminder is due at once, because channels may
        have to be informed.
        """
        if causes:
            is_problem = finding_table.c.id == bindparam("problem")
            rows = [{"problem": key, "cause": cause} for key, cause in causes.items()]
            statement = update(finding_table).where(is_problem).values(caused_by=bindparam("cause"))
            self._connection.run(statement.values(remind_at=self._connection.now()), rows)

    def acknowledge(self, finding: int, acknowledgement: Acknowledgement | None) -> None:
        """Set or, with None, remove the acknowledgement of a problem.

        A removal makes a reminder due at once.
        """
        acknowledged = acknowledgement
        columns = (
            {**_UNACKNOWLEDGED, "remind_at": self._connection.now()}
            if acknowledged is None
            else {
                "acked_at": acknowledged.at,
                "acked_until": acknowledged.until,
                "acked_by": acknowledged.by,
                "acked_note": acknowledged.note,
            }
        )
        self._connection.run(
            update(finding_table).where(finding_table.c.id == finding).values(columns)
        )

    def _rewrite(self, problems: Sequence[tuple[Columns, int, Finding]]) -> None:
        """Rewrite rows in a number of statements that does not grow with the problems."""
        if not problems:
            return
        is_problem = finding_table.c.id == bindparam("problem")
        rows = [{**columns, "problem": key} for columns, key, _ in problems]
        self._connection.run(update(finding_table).where(is_problem), rows)
        self._rename_servers({key: finding for _, key, finding in problems})

    def _rename_servers(self, findings: Mapping[int, Finding]) -> None:
        stored: defaultdict[int, set[int]] = defaultdict(set)
        for chunk in chunks(findings):
            is_in_chunk = finding_server.c.finding_id.in_(chunk)
            for row in self._connection.rows(select(finding_server).where(is_in_chunk)):
                stored[row.finding_id].add(row.server_id)
        moved = {key: f for key, f in findings.items() if stored[key] != set(_about(f))}
        for chunk in chunks(moved):
            self._connection.run(
                delete(finding_server).where(finding_server.c.finding_id.in_(chunk))
            )
        self._name_servers(moved.items())

    def _name_servers(self, findings: Iterable[tuple[int, Finding]]) -> None:
        rows = [
            {"server_id": server, "finding_id": key}
            for key, finding in findings
            for server in _about(finding)
        ]
        if rows:
            self._connection.run(insert(finding_server), rows)


_UNACKNOWLEDGED: Final[Columns] = dict.fromkeys(
    ("acked_at", "acked_until", "acked_by", "acked_note")
)
_RESOLVED: Final[Columns] = {
    **_UNACKNOWLEDGED,
    "absent_since": None,
    "caused_by": None,
    "remind_at": None,
}


def _about(finding: Finding) -> Collection[int]:
    return dict.fromkeys(finding.servers or (WHOLE_STORE,))


def _columns(step: LifeStep) -> Columns:
    life = step.life
    assert life is not None  # noqa: S101 - a resolved problem is written in another way
    return {
        **finding_columns(step.finding),
        "first_seen": life.first_seen,
        "changed_at": life.changed_at,
        "seen": life.seen,
        "counted_at": life.counted_at,
        "confirmed_at": life.confirmed_at,
        "absent_since": life.absent_since,
        "openings": [time.isoformat() for time in life.openings],
    }


def problem_of(row: AnyRow) -> OpenFinding:
    """Return the problem of a row."""
    acked = row.acked_at is not None
    return OpenFinding(
        row.id,
        finding_of(row),
        Life(
            row.first_seen,
            row.changed_at,
            row.seen,
            row.counted_at or row.first_seen,
            row.confirmed_at,
            row.absent_since,
            _times(row.openings),
        ),
        row.opened_run_id,
        row.resolved_at,
        row.caused_by,
        Acknowledgement(row.acked_by, row.acked_note, row.acked_at, row.acked_until)
        if acked
        else None,
        row.sequence,
        None if row.told_severity is None else Severity(row.told_severity),
    )


def _times(texts: Sequence[Any]) -> tuple[datetime, ...]:
    return tuple(datetime.fromisoformat(text) for text in texts)
