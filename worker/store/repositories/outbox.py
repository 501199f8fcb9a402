"""The outbox: what happened to problems, and what became of it (rule R11)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Select, and_, bindparam, func, or_, select, tuple_, update

from reconcile.findings.life import Event
from reconcile.model.findings import Severity
from reconcile.model.names import fold_relationship
from reconcile.model.nouns import Evidence
from worker.model.alerts import NOBODY, NewEvent, PastEvent, Snapshot
from worker.store.connection import AnyRow, Session, chunks
from worker.store.repositories.codecs import Columns, finding_of, said_of
from worker.store.tables.alerts import finding_event
from worker.store.tables.columns import canonical
from worker.store.tables.failover import finding as finding_table
from worker.store.tables.failover import finding_server
from worker.store.tables.failover import run as run_table

_THIS_EVENT: Final = and_(
    finding_event.c.finding_id == bindparam("problem"),
    finding_event.c.sequence == bindparam("number"),
)
#: How outcomes begin of what nobody is told.
_TO_NOBODY: Final = canonical({NOBODY: ""})[:4]
_SUBJECT: Final = tuple(
    finding_table.c[name].label(name)
    for name in ("kind", "relationship", "servers", "about", "detail", "said", "grade", "patience")
)


class OutboxReading(Session):
    """Looks at it."""

    def unrouted(self, most: int) -> tuple[PastEvent, ...]:
        now = self.now()
        run_is_over = run_table.c.ended_at.is_not(None)
        due = or_(finding_event.c.run_id.is_(None), run_is_over, finding_event.c.not_before <= now)
        asked = all_events().outerjoin(run_table, run_table.c.id == finding_event.c.run_id)
        waiting = asked.where(finding_event.c.outcome.is_(None), due).order_by(finding_event.c.id)
        return tuple(event_of(row) for row in self._rows(waiting.limit(most)))

    def events(self, findings: Collection[int]) -> tuple[PastEvent, ...]:
        rows = [
            row
            for chunk in chunks(findings)
            for row in self._rows(all_events().where(finding_event.c.finding_id.in_(chunk)))
        ]
        return tuple(event_of(row) for row in sorted(rows, key=lambda row: row.id))

    def events_at(self, keys: Collection[tuple[int, int]]) -> tuple[PastEvent, ...]:
        key = tuple_(finding_event.c.finding_id, finding_event.c.sequence)
        return tuple(
            event_of(row)
            for chunk in chunks(keys)
            for row in self._rows(all_events().where(key.in_(chunk)))
        )

    def changes_told(
        self, findings: Collection[int], since: datetime
    ) -> Mapping[int, tuple[int, datetime]]:
        event = finding_event.c
        somebody = event.outcome.not_like(f"{_TO_NOBODY}%")  # nor what is undecided: NULL
        asked = (
            select(event.finding_id, func.count().label("number"), func.max(event.at).label("last"))
            .where(event.event == Event.CHANGED, event.at >= since, somebody)
            .group_by(event.finding_id)
        )
        return {
            row.finding_id: (row.number, row.last)
            for chunk in chunks(findings)
            for row in self._rows(asked.where(event.finding_id.in_(chunk)))
        }

    def to_remind(self, most: int) -> tuple[int, ...]:
        due = and_(finding_table.c.remind_at <= self.now(), finding_table.c.resolved_at.is_(None))
        asked = select(finding_table.c.id).where(due).order_by(finding_table.c.remind_at)
        return tuple(row.id for row in self._rows(asked.limit(most)))


class OutboxWriting(OutboxReading):
    """Fills it."""

    def add_events(self, events: Sequence[NewEvent]) -> None:
        if not events:
            return
        now = self.now()
        numbers = self._numbered(Counter(new.finding for new in events))
        rows = []
        for new in events:
            numbers[new.finding] += 1
            rows.append(
                {
                    "finding_id": new.finding,
                    "sequence": numbers[new.finding],
                    "event": new.event,
                    "at": now,
                    "run_id": new.run,
                    "not_before": new.not_before,
                    "snapshot": _told(new.snapshot),
                    "who": new.who,
                    "note": new.note,
                    "outcome": None,
                }
            )
        self._insert(finding_event, rows)

    def _numbered(self, more: Mapping[int, int]) -> dict[int, int]:
        """The number of each problem's last event, of which there are so many more from now on."""
        asked = select(finding_table.c.id, finding_table.c.sequence)
        last = {
            row.id: row.sequence
            for chunk in chunks(more)
            for row in self._rows(asked.where(finding_table.c.id.in_(chunk)))
        }
        this = update(finding_table).where(finding_table.c.id == bindparam("problem"))
        rows = [{"problem": key, "last": last[key] + count} for key, count in more.items()]
        self._run(this.values(sequence=bindparam("last")), rows)
        return last

    def decide_event(self, key: tuple[int, int], outcome: Mapping[str, str]) -> None:
        this = {"problem": key[0], "number": key[1]}
        rows = self._rows(select(finding_event.c.outcome).where(_THIS_EVENT), this)
        known = json.loads(rows[0].outcome) if rows and rows[0].outcome else {}
        told = canonical({**known, **outcome})
        self._run(
            update(finding_event).where(_THIS_EVENT).values(outcome=bindparam("told")),
            [{**this, "told": told}],
        )

    def remind(self, finding: int, at: datetime | None, severity: Severity | None) -> None:
        this = update(finding_table).where(finding_table.c.id == finding)
        told: Columns = {} if severity is None else {"told_severity": severity}
        self._run(this.values({"remind_at": at, **told}))

    def look_again(self) -> None:
        is_open = finding_table.c.resolved_at.is_(None), finding_table.c.confirmed_at.is_not(None)
        self._run(update(finding_table).where(*is_open).values(remind_at=self.now()))


def all_events() -> Select[*tuple[Any, ...]]:
    """Events with what of their problem is needed to make them."""
    of_problem = finding_table.c.id == finding_event.c.finding_id
    return select(finding_event, *_SUBJECT).join(finding_table, of_problem)


def _told(snapshot: Snapshot) -> Columns:
    """What may be another when it is told; the rest is of the problem."""
    found = snapshot.finding
    return {
        "detail": found.detail,
        "said": found.values,
        "grade": found.grade,
        "patience": found.patience,
        "evidence": snapshot.evidence,
        "ipam": dict(snapshot.ipam),
    }


def event_of(row: AnyRow) -> PastEvent:
    """The event of such a row."""
    told = row.snapshot
    finding = replace(
        finding_of(row),
        detail=told["detail"],
        values=tuple(said_of(said) for said in told["said"]),
        grade=told["grade"],
        patience=told["patience"],
    )
    return PastEvent(
        row.finding_id,
        row.sequence,
        Event(row.event),
        row.at,
        Snapshot(finding, Evidence(told["evidence"]), told["ipam"]),
        row.who,
        row.note,
        None if row.outcome is None else json.loads(row.outcome),
    )


class TimelineReading(Session):
    """Looks at it."""

    def latest_events(
        self,
        most: int,
        *,
        since: datetime | None = None,
        server: int | None = None,
        relationship: str | None = None,
    ) -> tuple[PastEvent, ...]:
        asked = all_events().order_by(finding_event.c.id.desc()).limit(most)
        if since is not None:
            asked = asked.where(finding_event.c.at >= since)
        if server is not None:
            about = select(finding_server.c.finding_id).where(finding_server.c.server_id == server)
            asked = asked.where(finding_table.c.id.in_(about))
        if relationship is not None:
            asked = asked.where(finding_table.c.relationship.in_(self._spellings(relationship)))
        return tuple(event_of(row) for row in self._rows(asked))

    def _spellings(self, folded: str) -> list[str]:
        """No database folds names as we do."""
        names = select(finding_table.c.relationship).distinct()
        named = names.where(finding_table.c.relationship.is_not(None))
        spelt = [row.relationship for row in self._rows(named)]
        return [text for text in spelt if fold_relationship(text) == folded]
