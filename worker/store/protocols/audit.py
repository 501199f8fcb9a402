"""Reads and keeps what people decided."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from worker.model.audit import Action, Audited, Decision, Person


class AuditReading(Protocol):
    """Looks at what was decided."""

    def audits(
        self, limit: int, *, action: Action | None = None, since: datetime | None = None
    ) -> tuple[Audited, ...]:
        """The latest decisions, newest first; ``since``: none from before that time."""


class AuditKeeping(Protocol):
    """Adds to it; there is no way to change or to remove what is there."""

    def add_audits(self, person: Person, decisions: Sequence[Decision]) -> None:
        """These were decided by that person, now."""
