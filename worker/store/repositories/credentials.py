"""Credentials, and what servers said to them: the counts of rule R13, over all processes.

Counting is exact because there is one writer at a time; times are only for people and for how
long a server is left alone.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection
from dataclasses import asdict, fields
from datetime import datetime, timedelta
from secrets import token_bytes
from typing import Any, Final

from sqlalchemy import Executable, and_, delete, func, insert, literal, or_, select, update

from collectors.powershell.logons import MOST_UNPROVEN, SLOT_SECONDS, Admission
from worker.model.credentials import (
    Credential,
    CredentialView,
    Logon,
    Proof,
    Refusal,
    default_credential,
)
from worker.store.connection import AnyRow, Session, chunks
from worker.store.tables.inventory import credential as credential_table
from worker.store.tables.inventory import logon, logon_slot, server

#: Refused by so many different servers with none accepting it since: not used any more.
SUSPENDED_AFTER: Final = 3
#: How long a server that refuses is left alone, and how long at most: it doubles.
FIRST_PAUSE: Final = timedelta(minutes=15)
LONGEST_PAUSE: Final = timedelta(hours=4)

_SALT_BYTES: Final = 16
_DOUBLINGS: Final = 10  # more would only make large numbers
#: A logon that was never refused, or not since a person or a server made it good.
_NO_REFUSAL: Final[dict[str, Any]] = {
    "refused_at": None,
    "refusals": 0,
    "counts": False,
    "retry_at": None,
    "mark": None,
}


class CredentialReading(Session):
    """Looks at credentials."""

    def credentials(self) -> tuple[CredentialView, ...]:
        rows = self._rows(select(credential_table))
        if not rows:
            return ()
        accepted = select(logon.c.credential, func.max(logon.c.accepted_at).label("at"))
        accepted_at = {
            r.credential: r.at for r in self._rows(accepted.group_by(logon.c.credential))
        }
        refused_by: defaultdict[str, list[int]] = defaultdict(list)
        refused = select(logon.c.credential, logon.c.server_id).where(logon.c.counts)
        for row in self._rows(refused.order_by(logon.c.server_id)):
            refused_by[row.credential].append(row.server_id)
        used = self._users([row.name for row in rows])
        views = (
            CredentialView(
                credential=_credential(row),
                servers=used[row.name],
                refused_by=tuple(refused_by[row.name]),
                accepted_at=accepted_at.get(row.name),
                suspended_at=row.suspended_at,
                salt=row.salt,
                proven=row.proven,
            )
            for row in rows
        )
        return tuple(sorted(views, key=lambda view: view.credential.name))

    def proofs(self) -> tuple[Proof, ...]:
        columns = (credential_table.c[f.name] for f in fields(Proof))
        rows = self._rows(select(*columns).order_by(credential_table.c.name))
        return tuple(Proof(*row) for row in rows)

    def logons(self, server: int | None = None, *, refused: bool = False) -> tuple[Logon, ...]:
        asked = select(logon)
        if server is not None:
            asked = asked.where(logon.c.server_id == server)
        if refused:
            asked = asked.where(logon.c.mark.is_not(None))
        return self._logons(asked)

    def _logons_of(self, servers: Collection[int]) -> tuple[Logon, ...]:
        return self._logons(select(logon).where(logon.c.server_id.in_(servers)))

    def _logons(self, asked: Executable) -> tuple[Logon, ...]:
        rows = self._rows(asked)
        told = (
            Logon(
                credential=row.credential,
                server=row.server_id,
                accepted_at=row.accepted_at,
                refused_at=row.refused_at,
                refusals=row.refusals,
                retry_at=row.retry_at,
                mark=row.mark,
            )
            for row in rows
        )
        return tuple(sorted(told, key=lambda one: (one.credential, one.server)))

    def _users(self, names: Collection[str]) -> Counter[str]:
        """How many servers use each."""
        asked = select(server.c.credential, func.count().label("servers"))
        users: Counter[str] = Counter()
        for row in self._rows(asked.group_by(server.c.credential)):
            name = row.credential or default_credential(names)
            if name is not None:
                users[name] += row.servers
        return users


class CredentialWriting(CredentialReading):
    """Changes them, and counts what servers say; what is so already is not written."""

    def set_credential(self, wanted: Credential) -> None:
        named = credential_table.c.name == wanted.name
        stored = self._rows(select(credential_table).where(named))
        if stored and _credential(stored[0]) == wanted:
            return
        columns = {
            **asdict(wanted),
            "salt": token_bytes(_SALT_BYTES),
            "suspended_at": None,
            "changed_at": self.now(),
        }
        if stored:
            self._run(delete(logon).where(logon.c.credential == wanted.name))
            self._run(update(credential_table).where(named).values(columns))
        else:
            self._run(insert(credential_table).values(columns))

    def doubt_credentials(self) -> None:
        self._run(update(credential_table).where(credential_table.c.proven).values(proven=False))

    def enter_logon(self, credential: str, server: int) -> Admission:
        """Refusals that count take slots away: three in all, and never a fourth bad logon."""
        asked = select(credential_table.c.proven, credential_table.c.suspended_at)
        rows = self._rows(asked.where(credential_table.c.name == credential))
        if not rows or rows[0].suspended_at is not None:
            return Admission.SUSPENDED
        if rows[0].proven:
            return Admission.FREE
        now = self.now()
        slots = select(func.count()).select_from(logon_slot)
        live = slots.where(logon_slot.c.credential == credential, logon_slot.c.lapses_at > now)
        refusals = select(func.count()).select_from(logon)
        counting = refusals.where(logon.c.credential == credential, logon.c.counts)
        if self._rows(live)[0][0] + self._rows(counting)[0][0] >= MOST_UNPROVEN:
            return Admission.WAIT
        self.leave_logon(credential, server)
        lapses_at = now + timedelta(seconds=SLOT_SECONDS)
        row = {"credential": credential, "server_id": server, "lapses_at": lapses_at}
        self._run(insert(logon_slot).values(row))
        return Admission.SLOT

    def leave_logon(self, credential: str, server: int) -> None:
        mine = and_(logon_slot.c.credential == credential, logon_slot.c.server_id == server)
        self._run(delete(logon_slot).where(mine))

    def logon_refused(self, refusal: Refusal) -> bool:
        self.leave_logon(refusal.credential, refusal.server)
        named = credential_table.c.name == refusal.credential
        stored = self._rows(
            select(credential_table.c.salt, credential_table.c.suspended_at).where(named)
        )
        if not stored or stored[0].salt != refusal.salt:
            return True
        self._count(refusal)
        if stored[0].suspended_at is not None:
            return True
        counting = and_(logon.c.credential == refusal.credential, logon.c.counts)
        count = self._rows(select(func.count()).select_from(logon).where(counting))[0][0]
        if count < SUSPENDED_AFTER:
            return False
        self._run(update(credential_table).where(named).values(suspended_at=self.now()))
        return True

    def logon_accepted(
        self, credential: str, servers: Collection[int], *, fresh: bool = True
    ) -> None:
        if not servers:
            return
        if fresh:
            self._end_refusals(credential)
        now = self.now()
        for chunk in chunks(servers):
            self._run(self._accept(credential, chunk, now, fresh=fresh))

    def logon_worked(self, credential: str) -> None:
        counting = and_(logon.c.credential == credential, logon.c.counts)
        if self._rows(select(logon.c.server_id).where(counting).limit(1)):
            self._end_refusals(credential)

    def _end_refusals(self, credential: str) -> None:
        unproven = and_(credential_table.c.name == credential, ~credential_table.c.proven)
        self._run(update(credential_table).where(unproven).values(proven=True))
        self._run(delete(logon_slot).where(logon_slot.c.credential == credential))
        counting = and_(logon.c.credential == credential, logon.c.counts)
        self._run(update(logon).where(counting).values(counts=False))

    def resume_credential(self, name: str) -> bool:
        suspended = and_(
            credential_table.c.name == name, credential_table.c.suspended_at.is_not(None)
        )
        resumed = self._run(update(credential_table).where(suspended).values(suspended_at=None))
        refused = and_(logon.c.credential == name, logon.c.refusals > 0)
        forgotten = self._run(update(logon).where(refused).values(_NO_REFUSAL))
        return resumed.rowcount + forgotten.rowcount > 0

    def forget_refusals(self, name: str, salt: bytes) -> None:
        same = and_(credential_table.c.name == name, credential_table.c.salt == salt)
        salted = update(credential_table).where(same).values(salt=token_bytes(_SALT_BYTES))
        if self._run(salted).rowcount:
            self.resume_credential(name)

    def _count(self, refusal: Refusal) -> None:
        """Nothing if the server was removed in the meantime."""
        its_own = and_(logon.c.server_id == server.c.id, logon.c.credential == refusal.credential)
        asked = select(logon.c.refusals).select_from(server.outerjoin(logon, its_own))
        rows = self._rows(asked.where(server.c.id == refusal.server))
        if not rows:
            return
        before = rows[0].refusals
        now = self.now()
        counted = {
            "refused_at": now,
            "refusals": (before or 0) + 1,
            "counts": True,
            "retry_at": now + _pause(before or 0),
            "mark": refusal.mark,
        }
        key = {"credential": refusal.credential, "server_id": refusal.server}
        if before is None:
            self._run(insert(logon).values({**key, **counted}))
        else:
            same = and_(*(logon.c[name] == value for name, value in key.items()))
            self._run(update(logon).where(same).values(counted))

    def _accept(
        self, credential: str, servers: Collection[int], now: datetime, *, fresh: bool
    ) -> Executable:
        """One statement that touches only rows for which it is news; no removed server."""
        row = {
            "credential": literal(credential),
            "server_id": server.c.id,
            "accepted_at": literal(now, logon.c.accepted_at.type),
            "refusals": literal(0),
            "counts": literal(False),
        }
        accepting = select(*row.values()).where(server.c.id.in_(servers))
        news = logon.c.accepted_at.is_(None)
        accepted = self._upsert(logon).from_select(list(row), accepting)
        return accepted.on_conflict_do_update(
            index_elements=[logon.c.credential, logon.c.server_id],
            set_={
                **(_NO_REFUSAL if fresh else {}),
                "accepted_at": accepted.excluded.accepted_at,
            },
            where=or_(logon.c.refusals > 0, news) if fresh else news,
        )


def _pause(refusals: int) -> timedelta:
    """How long a server is left alone that had refused so many times before it did now."""
    doubled: int = 2 ** min(refusals, _DOUBLINGS)
    return min(FIRST_PAUSE * doubled, LONGEST_PAUSE)


def _credential(row: AnyRow) -> Credential:
    return Credential(**{f.name: getattr(row, f.name) for f in fields(Credential)})
