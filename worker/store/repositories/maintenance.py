"""Maintenance windows."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, fields
from datetime import datetime

from sqlalchemy import func, insert, select, update

from worker.model.maintenance import Window
from worker.store.connection import AnyRow, Session, chunks
from worker.store.tables.inventory import maintenance


class WindowReading(Session):
    """Looks at them."""

    def open_windows(self) -> tuple[Window, ...]:
        now = self.now()
        is_open = (maintenance.c.starts_at <= now, maintenance.c.ends_at > now)
        asked = select(maintenance).where(*is_open).order_by(maintenance.c.id)
        return tuple(map(_window, self._rows(asked)))

    def windows(self, *, over: bool = False) -> tuple[Window, ...]:
        asked = select(maintenance).order_by(maintenance.c.id)
        if not over:
            asked = asked.where(maintenance.c.ends_at > self.now())
        return tuple(map(_window, self._rows(asked)))

    def rested(self, servers: Collection[int]) -> Mapping[int, datetime]:
        if not servers:
            return {}
        last = select(maintenance.c.server_id, func.max(maintenance.c.ends_at).label("until"))
        of_servers = last.where(
            maintenance.c.relationship.is_(None),
            maintenance.c.starts_at <= self.now(),
            maintenance.c.starts_at < maintenance.c.ends_at,  # else taken back before it began
        ).group_by(maintenance.c.server_id)
        return {
            row.server_id: row.until
            for chunk in chunks(servers)
            for row in self._rows(of_servers.where(maintenance.c.server_id.in_(chunk)))
        }


class WindowWriting(WindowReading):
    """Opens and ends them."""

    def add_window(self, window: Window) -> int:
        row = {name: value for name, value in asdict(window).items() if name != "id"}
        row["server_id"] = row.pop("server")
        added = self._run(insert(maintenance).values(row))
        return int((added.inserted_primary_key or (0,))[0])

    def end_window(self, window: int, who: str) -> bool:
        now = self.now()
        lasting = (maintenance.c.id == window, maintenance.c.ends_at > now)
        ended = update(maintenance).where(*lasting).values(ends_at=now, ended_by=who)
        return self._run(ended).rowcount > 0


def _window(row: AnyRow) -> Window:
    told = {f.name: getattr(row, f.name) for f in fields(Window) if f.name != "server"}
    return Window(server=row.server_id, **told)
