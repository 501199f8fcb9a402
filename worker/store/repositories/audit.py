"""What people decided: added and looked at, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields
from datetime import datetime

from sqlalchemy import select

from worker.model.audit import Action, Audited, Decision, Person
from worker.store.connection import Session
from worker.store.tables.failover import audit

_TOLD = tuple(f.name for f in fields(Audited))


class AuditReading(Session):
    """Looks at it."""

    def audits(
        self, limit: int, *, action: Action | None = None, since: datetime | None = None
    ) -> tuple[Audited, ...]:
        latest = select(audit).order_by(audit.c.at.desc(), audit.c.id.desc()).limit(limit)
        if action is not None:
            latest = latest.where(audit.c.action == action)
        if since is not None:
            latest = latest.where(audit.c.at >= since)
        return tuple(
            Audited(**{name: getattr(row, name) for name in _TOLD}) for row in self._rows(latest)
        )


class AuditWriting(AuditReading):
    """Adds to it."""

    def add_audits(self, person: Person, decisions: Sequence[Decision]) -> None:
        by = {"at": self.now(), **asdict(person)}
        self._insert(audit, [{**by, **asdict(decision)} for decision in decisions])
