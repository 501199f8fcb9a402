"""Maintenance windows."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, fields
from datetime import datetime

from sqlalchemy import func, insert, select, update

from worker.model.maintenance import Window
from worker.store.connection import AnyRow, Repository, chunks
from worker.store.tables.inventory import maintenance


class MaintenanceRepository(Repository):
    """The maintenance windows, past, open and future."""

    def open_windows(self) -> tuple[Window, ...]:
        """Return the windows that are open now by the database's clock, by id."""
        current_time = self._connection.now()
        is_open = (maintenance.c.starts_at <= current_time, maintenance.c.ends_at > current_time)
        query = select(maintenance).where(*is_open).order_by(maintenance.c.id)
        return tuple(map(_window, self._connection.rows(query)))

    def windows(self, *, over: bool = False) -> tuple[Window, ...]:
        """Return the open and the future windows, by id. With ``over`` return the past ones too."""
        query = select(maintenance).order_by(maintenance.c.id)
        if not over:
            query = query.where(maintenance.c.ends_at > self._connection.now())
        return tuple(map(_window, self._connection.rows(query)))

    def last_ends(self, servers: Collection[int]) -> Mapping[int, datetime]:
        """Return the end of each server's last or open window. Servers without one are left out."""
        if not servers:
            return {}
        query = select(maintenance.c.server_id, func.max(maintenance.c.ends_at).label("until"))
        of_servers = query.where(
            maintenance.c.relationship.is_(None),
            maintenance.c.starts_at <= self._connection.now(),
            maintenance.c.starts_at
            < maintenance.c.ends_at,  # leaves out windows that were cancelled before they began
        ).group_by(maintenance.c.server_id)
        return {
            row.server_id: row.until
            for chunk in chunks(servers)
            for row in self._connection.rows(of_servers.where(maintenance.c.server_id.in_(chunk)))
        }

    def add(self, window: Window) -> int:
        """Add a window and return its id. The id in ``window`` is ignored."""
        row = {name: value for name, value in asdict(window).items() if name != "id"}
        row["server_id"] = row.pop("server")
        result = self._connection.run(insert(maintenance).values(row))
        return int((result.inserted_primary_key or (0,))[0])

    def end(self, window: int, who: str) -> bool:
        """End a window now, or return False if it was over."""
        current_time = self._connection.now()
        conditions = (maintenance.c.id == window, maintenance.c.ends_at > current_time)
        statement = (
            update(maintenance).where(*conditions).values(ends_at=current_time, ended_by=who)
        )
        return self._connection.run(statement).rowcount > 0


def _window(row: AnyRow) -> Window:
    values = {f.name: getattr(row, f.name) for f in fields(Window) if f.name != "server"}
    return Window(server=row.server_id, **values)
