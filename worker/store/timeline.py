"""What happened to problems, over all of them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from reconcile.names import fold_relationship
from worker.alert_ports import PastEvent
from worker.store.alert_tables import finding_event
from worker.store.outbox import all_events, event_of
from worker.store.session import Session
from worker.store.tables import finding as finding_table
from worker.store.tables import finding_server


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
