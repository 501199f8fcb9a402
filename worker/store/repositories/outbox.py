"""The outbox: events of problems, and the result of each by channel (rule R11)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Select, and_, bindparam, func, or_, select, tuple_, update

from reconcile.model.findings import Event, Severity
from reconcile.model.names import fold_relationship
from reconcile.model.nouns import Evidence
from worker.model.alerts import NOBODY, NewEvent, PastEvent, Snapshot
from worker.store.connection import AnyRow, Repository, chunks
from worker.store.repositories.codecs import Columns, finding_of, said_of
from worker.store.tables.alerts import finding_event
from worker.store.tables.columns import canonical
from worker.store.tables.failover import finding as finding_table
from worker.store.tables.failover import finding_server
from worker.store.tables.failover import run as run_table

_IS_EVENT: Final = and_(
    finding_event.c.finding_id == bindparam("problem"),
    finding_event.c.sequence == bindparam("number"),
)
#: The beginning of the outcome of an event that no channel receives.
_NO_CHANNEL_PREFIX: Final = canonical({NOBODY: ""})[:4]
_SUBJECT: Final = tuple(
    finding_table.c[name].label(name)
    for name in ("kind", "relationship", "servers", "about", "detail", "said", "grade", "patience")
)


class OutboxRepository(Repository):
    """The events of problems, and the reminders that are due."""

    def unrouted(self, most: int) -> tuple[PastEvent, ...]:
        """Return the oldest events that are due for routing, at most ``most``."""
        current_time = self._connection.now()
        run_is_over = run_table.c.ended_at.is_not(None)
        is_due = or_(
            finding_event.c.run_id.is_(None),
            run_is_over,
            finding_event.c.not_before <= current_time,
        )
        query = all_events().outerjoin(run_table, run_table.c.id == finding_event.c.run_id)
        due_query = query.where(finding_event.c.outcome.is_(None), is_due).order_by(
            finding_event.c.id
        )
        return tuple(event_of(row) for row in self._connection.rows(due_query.limit(most)))

    def events(self, findings: Collection[int]) -> tuple[PastEvent, ...]:
        """Return all events of these problems, oldest first."""
        rows = [
            row
            for chunk in chunks(findings)
            for row in self._connection.rows(
                all_events().where(finding_event.c.finding_id.in_(chunk))
            )
        ]
        return tuple(event_of(row) for row in sorted(rows, key=lambda row: row.id))

    def events_at(self, keys: Collection[tuple[int, int]]) -> tuple[PastEvent, ...]:
        """Return events by (problem, sequence). Events that were pruned are left out."""
        key = tuple_(finding_event.c.finding_id, finding_event.c.sequence)
        return tuple(
            event_of(row)
            for chunk in chunks(keys)
            for row in self._connection.rows(all_events().where(key.in_(chunk)))
        )

    def change_counts(
        self, findings: Collection[int], since: datetime
    ) -> Mapping[int, tuple[int, datetime]]:
        """Return how often each problem changed since then, and when last.

        Only changes that were routed to a channel count.
        """
        event = finding_event.c
        is_routed = event.outcome.not_like(
            f"{_NO_CHANNEL_PREFIX}%"
        )  # leaves out unrouted events too, whose outcome is NULL
        query = (
            select(event.finding_id, func.count().label("number"), func.max(event.at).label("last"))
            .where(event.event == Event.CHANGED, event.at >= since, is_routed)
            .group_by(event.finding_id)
        )
        return {
            row.finding_id: (row.number, row.last)
            for chunk in chunks(findings)
            for row in self._connection.rows(query.where(event.finding_id.in_(chunk)))
        }

    def latest(
        self,
        most: int,
        *,
        since: datetime | None = None,
        server: int | None = None,
        relationship: str | None = None,
    ) -> tuple[PastEvent, ...]:
        """Return the latest events of open and resolved problems, newest first.

        ``server`` and ``relationship`` (a folded name) limit the problems, ``since`` the events.
        """
        query = all_events().order_by(finding_event.c.id.desc()).limit(most)
        if since is not None:
            query = query.where(finding_event.c.at >= since)
        if server is not None:
            finding_ids = select(finding_server.c.finding_id).where(
                finding_server.c.server_id == server
            )
            query = query.where(finding_table.c.id.in_(finding_ids))
        if relationship is not None:
            query = query.where(finding_table.c.relationship.in_(self._spellings(relationship)))
        return tuple(event_of(row) for row in self._connection.rows(query))

    def _spellings(self, folded: str) -> list[str]:
        """Return the stored spellings of a folded name. No database folds names as Python does."""
        names = select(finding_table.c.relationship).distinct()
        query = names.where(finding_table.c.relationship.is_not(None))
        spellings = [row.relationship for row in self._connection.rows(query)]
        return [text for text in spellings if fold_relationship(text) == folded]

    def undecided(self) -> int:
        """Return how many events are not routed yet, due or not."""
        is_unrouted = finding_event.c.outcome.is_(None)
        (row,) = self._connection.rows(select(func.count().label("events")).where(is_unrouted))
        count: int = row.events
        return count

    def due_reminders(self, most: int) -> tuple[int, ...]:
        """Return open problems whose reminder is due, the earliest first, at most ``most``."""
        is_due = and_(
            finding_table.c.remind_at <= self._connection.now(),
            finding_table.c.resolved_at.is_(None),
        )
        query = select(finding_table.c.id).where(is_due).order_by(finding_table.c.remind_at)
        return tuple(row.id for row in self._connection.rows(query.limit(most)))

    def add(self, events: Sequence[NewEvent]) -> None:
        """Add events with the current time, numbered for each problem in their order."""
        if not events:
            return
        current_time = self._connection.now()
        numbers = self._reserve_numbers(Counter(new.finding for new in events))
        rows = []
        for new in events:
            numbers[new.finding] += 1
            rows.append(
                {
                    "finding_id": new.finding,
                    "sequence": numbers[new.finding],
                    "event": new.event,
                    "at": current_time,
                    "run_id": new.run,
                    "not_before": new.not_before,
                    "snapshot": _snapshot_columns(new.snapshot),
                    "who": new.who,
                    "note": new.note,
                    "outcome": None,
                }
            )
        self._connection.insert(finding_event, rows)

    def _reserve_numbers(self, counts: Mapping[int, int]) -> dict[int, int]:
        """Reserve numbers for new events, and return the last number of each problem before."""
        query = select(finding_table.c.id, finding_table.c.sequence)
        last_numbers = {
            row.id: row.sequence
            for chunk in chunks(counts)
            for row in self._connection.rows(query.where(finding_table.c.id.in_(chunk)))
        }
        statement = update(finding_table).where(finding_table.c.id == bindparam("problem"))
        rows = [
            {"problem": key, "last": last_numbers[key] + count} for key, count in counts.items()
        ]
        self._connection.run(statement.values(sequence=bindparam("last")), rows)
        return last_numbers

    def set_outcome(self, key: tuple[int, int], outcome: Mapping[str, str]) -> None:
        """Add to the outcome of an event, by channel. The key is (problem, sequence)."""
        parameters = {"problem": key[0], "number": key[1]}
        rows = self._connection.rows(select(finding_event.c.outcome).where(_IS_EVENT), parameters)
        stored = json.loads(rows[0].outcome) if rows and rows[0].outcome else {}
        merged = canonical({**stored, **outcome})
        self._connection.run(
            update(finding_event).where(_IS_EVENT).values(outcome=bindparam("told")),
            [{**parameters, "told": merged}],
        )

    def set_reminder(self, finding: int, at: datetime | None, severity: Severity | None) -> None:
        """Set the next reminder of a problem, and the severity that channels received, if any."""
        statement = update(finding_table).where(finding_table.c.id == finding)
        columns: Columns = {} if severity is None else {"told_severity": severity}
        self._connection.run(statement.values({"remind_at": at, **columns}))

    def remind_all(self) -> None:
        """Make a reminder of every open problem due now."""
        is_open = finding_table.c.resolved_at.is_(None), finding_table.c.confirmed_at.is_not(None)
        self._connection.run(
            update(finding_table).where(*is_open).values(remind_at=self._connection.now())
        )


def all_events() -> Select[*tuple[Any, ...]]:
    """Return the query of events with the columns of their problem that ``event_of`` needs."""
    is_of_problem = finding_table.c.id == finding_event.c.finding_id
    return select(finding_event, *_SUBJECT).join(finding_table, is_of_problem)


def _snapshot_columns(snapshot: Snapshot) -> Columns:
    """Return the parts of a snapshot that may change until delivery.

    The other parts are in the row of the problem.
    """
    finding = snapshot.finding
    return {
        "detail": finding.detail,
        "said": finding.values,
        "grade": finding.grade,
        "patience": finding.patience,
        "evidence": snapshot.evidence,
        "ipam": dict(snapshot.ipam),
    }


def event_of(row: AnyRow) -> PastEvent:
    """Return the event of a row of ``all_events``."""
    snapshot = row.snapshot
    finding = replace(
        finding_of(row),
        detail=snapshot["detail"],
        values=tuple(said_of(subject) for subject in snapshot["said"]),
        grade=snapshot["grade"],
        patience=snapshot["patience"],
    )
    return PastEvent(
        row.finding_id,
        row.sequence,
        Event(row.event),
        row.at,
        Snapshot(finding, Evidence(snapshot["evidence"]), snapshot["ipam"]),
        row.who,
        row.note,
        None if row.outcome is None else json.loads(row.outcome),
    )
