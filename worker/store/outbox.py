"""The outbox: events of problems, who is to be told, and what each channel knows (rule R11)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Select,
    Update,
    and_,
    bindparam,
    case,
    insert,
    or_,
    select,
    update,
)

from reconcile.findings import Severity
from reconcile.life import Event
from reconcile.model import Evidence
from worker.alert_ports import Delivery, NewEvent, PastEvent, Snapshot
from worker.store.alert_tables import delivery, finding_event
from worker.store.codecs import Columns, finding_of, said_of
from worker.store.columns import canonical
from worker.store.session import AnyRow, Session, chunks
from worker.store.tables import finding as finding_table
from worker.store.tables import run as run_table

_WANTED: Final = delivery.c.wanted_sequence.is_not(None)
_THIS_EVENT: Final = and_(
    finding_event.c.finding_id == bindparam("problem"),
    finding_event.c.sequence == bindparam("number"),
)
_SUBJECT: Final = tuple(
    finding_table.c[name].label(name)
    for name in ("kind", "relationship", "servers", "about", "detail", "said", "grade", "patience")
)


class OutboxReading(Session):
    """Looks at what is to be told, and what was."""

    def unrouted(self, most: int) -> tuple[PastEvent, ...]:
        now = self.now()
        run_is_over = run_table.c.ended_at.is_not(None)
        due = or_(finding_event.c.run_id.is_(None), run_is_over, finding_event.c.not_before <= now)
        asked = _events().outerjoin(run_table, run_table.c.id == finding_event.c.run_id)
        waiting = asked.where(finding_event.c.outcome.is_(None), due).order_by(finding_event.c.id)
        return tuple(_event(row) for row in self._rows(waiting.limit(most)))

    def events(self, findings: Collection[int]) -> tuple[PastEvent, ...]:
        rows = [
            row
            for chunk in chunks(findings)
            for row in self._rows(_events().where(finding_event.c.finding_id.in_(chunk)))
        ]
        return tuple(_event(row) for row in sorted(rows, key=lambda row: row.id))

    def deliveries(
        self, findings: Collection[int] | None = None, *, undone: bool = False
    ) -> tuple[Delivery, ...]:
        asked = select(delivery).order_by(delivery.c.channel, delivery.c.finding_id)
        if undone:
            asked = asked.where(or_(_WANTED, delivery.c.is_dead))
        if findings is None:
            return tuple(_delivery(row) for row in self._rows(asked))
        return tuple(
            _delivery(row)
            for chunk in chunks(findings)
            for row in self._rows(asked.where(delivery.c.finding_id.in_(chunk)))
        )

    def to_remind(self, most: int) -> tuple[int, ...]:
        due = and_(finding_table.c.remind_at <= self.now(), finding_table.c.resolved_at.is_(None))
        asked = select(finding_table.c.id).where(due).order_by(finding_table.c.remind_at)
        return tuple(row.id for row in self._rows(asked.limit(most)))

    def is_due(self, channel: str) -> bool:
        due = and_(_WANTED, delivery.c.channel == channel, delivery.c.due_at <= self.now())
        return bool(self._rows(select(delivery.c.finding_id).where(due).limit(1)))


class OutboxWriting(OutboxReading):
    """Fills it, and writes down what was told."""

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

    def want(self, finding: int, channel: str, sequence: int, due_at: datetime) -> int | None:
        known = {d.channel: d for d in self.deliveries([finding])}.get(channel)
        if known is None:
            row: Columns = {**_NEVER_TOLD, "finding_id": finding, "channel": channel}
            self._run(insert(delivery).values({**row, **_wanted(sequence, due_at)}))
            return None
        this = _this(finding, channel)
        self._run(update(delivery).where(this).values(_wanted(sequence, due_at)))
        return known.wanted

    def let_go(self, claim: str, findings: Collection[int]) -> None:
        for chunk in chunks(findings):
            mine = and_(delivery.c.claim == claim, delivery.c.finding_id.in_(chunk))
            self._run(update(delivery).where(mine).values(_FREE))

    def want_again(self, channel: str, told_before: datetime) -> None:
        known = and_(delivery.c.told_sequence > 0, delivery.c.told_event != Event.RESOLVED)
        idle = and_(delivery.c.channel == channel, delivery.c.wanted_sequence.is_(None), known)
        old = update(delivery).where(idle, delivery.c.told_at <= told_before, ~delivery.c.is_dead)
        self._run(
            old.values(_wanted(0, self.now()) | {"wanted_sequence": delivery.c.told_sequence})
        )

    def look_again(self) -> None:
        is_open = finding_table.c.resolved_at.is_(None), finding_table.c.confirmed_at.is_not(None)
        self._run(update(finding_table).where(*is_open).values(remind_at=self.now()))

    def drop(self, finding: int, channel: str) -> None:
        self._run(update(delivery).where(_this(finding, channel)).values(_NOT_WANTED))

    def claim_deliveries(
        self, channel: str, claim: str, until: datetime, most: int
    ) -> tuple[Delivery, ...]:
        now = self.now()
        free = or_(delivery.c.claimed_until.is_(None), delivery.c.claimed_until <= now)
        due = and_(_WANTED, delivery.c.channel == channel, delivery.c.due_at <= now, free)
        asked = select(delivery).where(due).order_by(delivery.c.due_at, delivery.c.finding_id)
        rows = list(self._rows(asked.limit(most)))
        died = next((row.batch for row in rows if row.batch is not None), None)
        if died is not None:
            rows = list(self._rows(asked.where(delivery.c.batch == died)))
        for chunk in chunks([row.finding_id for row in rows]):
            mine = and_(delivery.c.channel == channel, delivery.c.finding_id.in_(chunk))
            claimed = {"claim": claim, "claimed_until": until, "batch": died or claim}
            self._run(update(delivery).where(mine).values(claimed))
        return tuple(replace(_delivery(row), batch=died or claim) for row in rows)

    def delivered(self, claim: str, told: Mapping[int, tuple[int, Event]]) -> None:
        known = {
            "told_sequence": bindparam("number"),
            "told_event": bindparam("happened"),
            "told_at": self.now(),
            "attempts": 0,
            "error": None,
            "is_dead": False,
        }
        rows = [{"problem": k, "number": n, "happened": e} for k, (n, e) in told.items()]
        self._run(_of_claim(claim).values({**known, **_DONE, **_FREE}), rows)

    def undelivered(
        self, claim: str, tried: Mapping[int, int], error: str, due_at: datetime, *, is_dead: bool
    ) -> None:
        values: Columns = {
            "attempts": delivery.c.attempts + 1,
            "error": error,
            "due_at": due_at,
            "claim": None,
            "claimed_until": None,
        }
        if is_dead:
            values |= {**_DONE, "is_dead": _IS_THIS, "batch": None}
        rows = [{"problem": k, "number": n} for k, n in tried.items()]
        self._run(_of_claim(claim).values(values), rows)


#: What was tried is still what is wanted: nothing new happened meanwhile.
_IS_THIS: Final = delivery.c.wanted_sequence == bindparam("number")
_DONE: Final[Columns] = {
    "wanted_sequence": case((_IS_THIS, None), else_=delivery.c.wanted_sequence)
}
_FREE: Final[Columns] = {"claim": None, "claimed_until": None, "batch": None}
_NOT_WANTED: Final[Columns] = {"wanted_sequence": None, "is_dead": False, **_FREE}
_NEVER_TOLD: Final[Columns] = {"told_sequence": 0, "told_event": None, "told_at": None}


def _wanted(sequence: int, due_at: datetime) -> Columns:
    """What waited before is not wanted any more; the new one has every attempt."""
    return {
        "wanted_sequence": sequence,
        "due_at": due_at,
        "attempts": 0,
        "error": None,
        "is_dead": False,
    }


def _this(finding: int, channel: str) -> ColumnElement[bool]:
    return and_(delivery.c.finding_id == finding, delivery.c.channel == channel)


def _of_claim(claim: str) -> Update:
    mine = and_(delivery.c.claim == claim, delivery.c.finding_id == bindparam("problem"))
    return update(delivery).where(mine)


def _events() -> Select[*tuple[Any, ...]]:
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


def _event(row: AnyRow) -> PastEvent:
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


def _delivery(row: AnyRow) -> Delivery:
    return Delivery(
        row.finding_id,
        row.channel,
        row.told_sequence,
        None if row.told_event is None else Event(row.told_event),
        row.told_at,
        row.wanted_sequence,
        row.due_at,
        row.attempts,
        row.error,
        row.is_dead,
        row.batch,
    )
