"""Processes: registrations of workers and beats, and the time until which each counts as alive."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

from sqlalchemy import delete, insert, select, update

from worker.model.runs import Process
from worker.store.connection import Repository, chunks
from worker.store.tables.runs import worker_process


class ProcessRepository(Repository):
    """The processes that registered, each alive as long as it renews its registration."""

    def registered(self) -> tuple[Process, ...]:
        """Return all registered processes, alive or not, in the order of registration."""
        current_time = self._connection.now()
        rows = self._connection.rows(select(worker_process).order_by(worker_process.c.id))
        return tuple(
            Process(r.id, r.name, r.role, r.started_at, r.alive_until, r.alive_until > current_time)
            for r in rows
        )

    def register(self, name: str, role: str, length: timedelta) -> int:
        """Register a process that is alive for this long and return its number."""
        current_time = self._connection.now()
        row = {
            "name": name,
            "role": role,
            "started_at": current_time,
            "alive_until": current_time + length,
        }
        registered = self._connection.run(insert(worker_process).values(row))
        return int((registered.inserted_primary_key or (0,))[0])

    def renew(self, process: int, length: timedelta) -> bool:
        """Extend a registration, or return False if it was removed as dead."""
        renewal = update(worker_process).values(alive_until=self._connection.now() + length)
        return self._connection.run(renewal.where(worker_process.c.id == process)).rowcount > 0

    def remove(self, processes: Collection[int]) -> None:
        """Remove the registrations of processes."""
        for chunk in chunks(processes):
            self._connection.run(delete(worker_process).where(worker_process.c.id.in_(chunk)))
