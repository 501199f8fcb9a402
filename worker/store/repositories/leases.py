"""Leases with tokens, the processes that hold them, and when servers are due (rules R8 and R9)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta

from sqlalchemy import and_, delete, insert, or_, select, update

from reconcile.model.nouns import Standing
from worker.model.runs import LeaseLost, Poll, Process
from worker.store.connection import AnyRow, Session, chunks
from worker.store.tables.inventory import server
from worker.store.tables.runs import lease, server_poll, worker_process


class LeaseReading(Session):
    """Looks at leases, processes and due times."""

    def lease_is_live(self, name: str) -> bool:
        live = select(lease.c.name).where(lease.c.name == name, lease.c.expires_at > self.now())
        return bool(self._rows(live))

    def processes(self) -> tuple[Process, ...]:
        now = self.now()
        rows = self._rows(select(worker_process).order_by(worker_process.c.id))
        return tuple(
            Process(r.id, r.name, r.role, r.started_at, r.alive_until, r.alive_until > now)
            for r in rows
        )

    def polls(self, servers: Collection[int]) -> Mapping[int, Poll]:
        return {
            row.server_id: _poll(row)
            for chunk in chunks(servers)
            for row in self._rows(select(server_poll).where(server_poll.c.server_id.in_(chunk)))
        }

    def due(self, by: datetime) -> Mapping[int, datetime | None]:
        at = server_poll.c.due_at
        asked = select(server.c.id, at).outerjoin(
            server_poll, server_poll.c.server_id == server.c.id
        )
        is_due = and_(server.c.standing == Standing.ENABLED, or_(at.is_(None), at <= by))
        return {row.id: row.due_at for row in self._rows(asked.where(is_due))}


class LeaseWriting(LeaseReading):
    """Takes, renews and gives back; there is one writer at a time, so to look first is enough."""

    def take_lease(self, name: str, length: timedelta) -> int | None:
        now = self.now()
        rows = self._rows(select(lease).where(lease.c.name == name))
        if not rows:
            self._run(insert(lease).values(name=name, token=1, expires_at=now + length))
            return 1
        if rows[0].expires_at > now:
            return None
        token = int(rows[0].token) + 1
        taken = update(lease).where(lease.c.name == name)
        self._run(taken.values(token=token, expires_at=now + length))
        return token

    def fence(self, name: str, token: int, length: timedelta) -> None:
        """An update locks the row until the transaction ends; a subquery would not."""
        held = update(lease).where(lease.c.name == name, lease.c.token == token)
        if not self._run(held.values(expires_at=self.now() + length)).rowcount:
            raise LeaseLost(name)

    def give_lease_back(self, name: str, token: int) -> None:
        held = update(lease).where(lease.c.name == name, lease.c.token == token)
        self._run(held.values(expires_at=self.now()))

    def forget_lease(self, name: str) -> None:
        """What it was for is over."""
        self._run(delete(lease).where(lease.c.name == name))

    def register_process(self, name: str, role: str, length: timedelta) -> int:
        now = self.now()
        row = {"name": name, "role": role, "started_at": now, "alive_until": now + length}
        registered = self._run(insert(worker_process).values(row))
        return int((registered.inserted_primary_key or (0,))[0])

    def renew_process(self, process: int, length: timedelta) -> bool:
        this = update(worker_process).where(worker_process.c.id == process)
        return self._run(this.values(alive_until=self.now() + length)).rowcount > 0

    def remove_processes(self, processes: Collection[int]) -> None:
        for chunk in chunks(processes):
            self._run(delete(worker_process).where(worker_process.c.id.in_(chunk)))

    def set_poll(self, poll: Poll) -> None:
        self._set_polls([poll])

    def _set_polls(self, polls: Sequence[Poll]) -> None:
        rows = [
            {("server_id" if k == "server" else k): v for k, v in asdict(poll).items()}
            for poll in polls
        ]
        new = self._upsert(server_poll)
        self._run(
            new.on_conflict_do_update(
                index_elements=[server_poll.c.server_id],
                set_={name: new.excluded[name] for name in rows[0]},
            ),
            rows,
        )


def _poll(row: AnyRow) -> Poll:
    return Poll(row.server_id, row.due_at, row.failures, row.tried_at, row.read_at)
