"""Problems: one row each for ever, with what is seen of it and where its life stands."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import and_, bindparam, delete, insert, select, update

from reconcile.findings.life import Life, Step
from reconcile.model.findings import Finding, Kind, Severity
from worker.model.alerts import Acknowledgement, OpenFinding
from worker.model.errors import RecordRefused
from worker.store.connection import AnyRow, Session, chunks
from worker.store.repositories.codecs import Columns, digest, finding_columns, finding_of
from worker.store.tables.failover import WHOLE_STORE, finding_server
from worker.store.tables.failover import finding as finding_table

_OPEN: Final = finding_table.c.resolved_at.is_(None)


class FindingReading(Session):
    """Looks at what is open."""

    def open_findings(
        self, servers: Collection[int] | None = None, kinds: Collection[Kind] | None = None
    ) -> tuple[OpenFinding, ...]:
        asked = select(finding_table).where(_OPEN)
        if kinds is not None:
            asked = asked.where(finding_table.c.kind.in_(sorted(kinds)))
        if servers is None:
            return tuple(problem_of(r) for r in self._rows(asked.order_by(finding_table.c.id)))
        rows: dict[int, AnyRow] = {}
        for chunk in chunks([WHOLE_STORE, *servers]):
            about = select(finding_server.c.finding_id).where(finding_server.c.server_id.in_(chunk))
            found = self._rows(asked.where(finding_table.c.id.in_(about)))
            rows.update((row.id, row) for row in found)
        return tuple(problem_of(rows[key]) for key in sorted(rows))

    def problems(self, ids: Collection[int] | None = None) -> Mapping[int, OpenFinding]:
        if ids is None:
            return {p.id: p for p in self.open_findings()}
        return {
            row.id: problem_of(row)
            for chunk in chunks(ids)
            for row in self._rows(select(finding_table).where(finding_table.c.id.in_(chunk)))
        }

    def explained(self) -> tuple[OpenFinding, ...]:
        of_another = select(finding_table).where(_OPEN, finding_table.c.caused_by.is_not(None))
        return tuple(problem_of(row) for row in self._rows(of_another))

    def openings(self, fingerprints: Collection[str]) -> Mapping[str, tuple[datetime, ...]]:
        stored = self._stored(fingerprints)
        return {text: _times(row.openings) for text, row in stored.items() if row.resolved_at}

    def _stored(self, fingerprints: Collection[str]) -> dict[str, AnyRow]:
        texts = {digest(text): text for text in fingerprints}
        columns = (finding_table.c[n] for n in ("id", "fingerprint", "openings", "resolved_at"))
        asked = select(*columns)
        return {
            texts[row.fingerprint]: row
            for chunk in chunks(texts)
            for row in self._rows(asked.where(finding_table.c.fingerprint.in_(chunk)))
        }


class FindingWriting(FindingReading):
    """Begins problems, and writes down what becomes of them."""

    def begin_findings(self, run: int, steps: Sequence[Step]) -> Mapping[str, int]:
        begun = {step.finding.fingerprint: step for step in steps}
        stored = self._stored(begun)
        if any(row.resolved_at is None for row in stored.values()):
            raise RecordRefused("A problem that is open already was to be opened.")
        back = [(row.id, begun[text]) for text, row in stored.items()]
        anew = {"opened_run_id": run, "resolved_at": None}
        self._rewrite([({**anew, **_columns(step)}, key, step.finding) for key, step in back])
        new = [step for text, step in begun.items() if text not in stored]
        keys = self._new_keys(finding_table, len(new))
        opened = list(zip(keys, new, strict=True))
        rows = [{"id": key, "opened_run_id": run, **_columns(step)} for key, step in opened]
        self._insert(finding_table, rows)
        self._name_servers((key, step.finding) for key, step in opened)
        return {step.finding.fingerprint: key for key, step in (*back, *opened)}

    def go_on_findings(self, steps: Iterable[tuple[int, Step]]) -> None:
        every = list(steps)
        on = [(key, step) for key, step in every if step.life is not None]
        self._rewrite([(_columns(step), key, step.finding) for key, step in on])
        over = [key for key, step in every if step.life is None]
        now = self.now()
        for chunk in chunks(over):
            still_open = and_(finding_table.c.id.in_(chunk), _OPEN)
            self._run(update(finding_table).where(still_open).values(resolved_at=now, **_OVER))

    def explain(self, causes: Mapping[int, int | None]) -> None:
        if causes:
            this = finding_table.c.id == bindparam("problem")
            rows = [{"problem": key, "cause": cause} for key, cause in causes.items()]
            explained = update(finding_table).where(this).values(caused_by=bindparam("cause"))
            self._run(explained.values(remind_at=self.now()), rows)

    def acknowledge(self, finding: int, acknowledgement: Acknowledgement | None) -> None:
        given = acknowledgement
        columns = (
            {**_NOT_ACKED, "remind_at": self.now()}
            if given is None
            else {
                "acked_at": given.at,
                "acked_until": given.until,
                "acked_by": given.by,
                "acked_note": given.note,
            }
        )
        self._run(update(finding_table).where(finding_table.c.id == finding).values(columns))

    def _rewrite(self, problems: Sequence[tuple[Columns, int, Finding]]) -> None:
        """In few statements, however many they are."""
        if not problems:
            return
        this = finding_table.c.id == bindparam("problem")
        rows = [{**columns, "problem": key} for columns, key, _ in problems]
        self._run(update(finding_table).where(this), rows)
        self._rename_servers({key: finding for _, key, finding in problems})

    def _rename_servers(self, findings: Mapping[int, Finding]) -> None:
        there: defaultdict[int, set[int]] = defaultdict(set)
        for chunk in chunks(findings):
            mine = finding_server.c.finding_id.in_(chunk)
            for row in self._rows(select(finding_server).where(mine)):
                there[row.finding_id].add(row.server_id)
        moved = {key: f for key, f in findings.items() if there[key] != set(_about(f))}
        for chunk in chunks(moved):
            self._run(delete(finding_server).where(finding_server.c.finding_id.in_(chunk)))
        self._name_servers(moved.items())

    def _name_servers(self, findings: Iterable[tuple[int, Finding]]) -> None:
        rows = [
            {"server_id": server, "finding_id": key}
            for key, finding in findings
            for server in _about(finding)
        ]
        if rows:
            self._run(insert(finding_server), rows)


_NOT_ACKED: Final[Columns] = dict.fromkeys(("acked_at", "acked_until", "acked_by", "acked_note"))
_OVER: Final[Columns] = {**_NOT_ACKED, "absent_since": None, "caused_by": None, "remind_at": None}


def _about(finding: Finding) -> Collection[int]:
    return dict.fromkeys(finding.servers or (WHOLE_STORE,))


def _columns(step: Step) -> Columns:
    life = step.life
    assert life is not None  # noqa: S101 - what is over is not written so
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
    """The problem of a row."""
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
