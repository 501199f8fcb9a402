"""The audit log: decisions of people, which are only ever added."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields
from datetime import datetime

from sqlalchemy import select

from worker.model.audit import Action, Audited, AuditedDecision, Person
from worker.store.connection import Repository
from worker.store.tables.failover import audit

_COLUMNS = tuple(f.name for f in fields(Audited))


class AuditRepository(Repository):
    """The decisions of people, in the order of their times."""

    def latest(
        self, limit: int, *, action: Action | None = None, since: datetime | None = None
    ) -> tuple[Audited, ...]:
        """Return the latest decisions, newest first, none from before ``since``."""
        query = select(audit).order_by(audit.c.at.desc(), audit.c.id.desc()).limit(limit)
        if action is not None:
            query = query.where(audit.c.action == action)
        if since is not None:
            query = query.where(audit.c.at >= since)
        return tuple(
            Audited(**{name: getattr(row, name) for name in _COLUMNS})
            for row in self._connection.rows(query)
        )

    def add(self, person: Person, decisions: Sequence[AuditedDecision]) -> None:
        """Record decisions of a person, with the current time."""
        common = {"at": self._connection.now(), **asdict(person)}
        self._connection.insert(audit, [{**common, **asdict(decision)} for decision in decisions])
