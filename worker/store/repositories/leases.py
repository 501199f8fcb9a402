"""Leases with fencing tokens (rule R9)."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete, insert, select, update

from worker.model.runs import LeaseLost
from worker.store.connection import Repository
from worker.store.tables.runs import lease


class LeaseRepository(Repository):
    """The leases that processes hold, each with a token that grows with every new holder."""

    def is_held(self, name: str) -> bool:
        """Return whether a process holds the lease."""
        is_live = lease.c.expires_at > self._connection.now()
        return bool(
            self._connection.rows(select(lease.c.name).where(lease.c.name == name, is_live))
        )

    def acquire(self, name: str, length: timedelta) -> int | None:
        """Take the lease and return its new token, or None if a process holds it."""
        current_time = self._connection.now()
        rows = self._connection.rows(select(lease).where(lease.c.name == name))
        if not rows:
            self._connection.run(
                insert(lease).values(name=name, token=1, expires_at=current_time + length)
            )
            return 1
        if rows[0].expires_at > current_time:
            return None
        token = int(rows[0].token) + 1
        statement = update(lease).where(lease.c.name == name)
        self._connection.run(statement.values(token=token, expires_at=current_time + length))
        return token

    def fence(self, name: str, token: int, length: timedelta) -> None:
        """Lock the lease for this transaction and renew it.

        An update locks the row until the transaction ends. A subquery would not.

        Raises:
            LeaseLost: another process holds the lease by now.
        """
        statement = update(lease).where(lease.c.name == name, lease.c.token == token)
        renewal = statement.values(expires_at=self._connection.now() + length)
        if not self._connection.run(renewal).rowcount:
            raise LeaseLost(name)

    def release(self, name: str, token: int) -> None:
        """Let the lease expire now, if it still has this token."""
        statement = update(lease).where(lease.c.name == name, lease.c.token == token)
        self._connection.run(statement.values(expires_at=self._connection.now()))

    def remove(self, name: str) -> None:
        """Remove a lease that is not needed any more."""
        self._connection.run(delete(lease).where(lease.c.name == name))
