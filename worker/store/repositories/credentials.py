"""Credentials and logons: the counts of rule R13, over all processes.

The counts are exact because there is one writer at a time. Times serve people and the pause after a
refusal only.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection
from dataclasses import asdict, fields
from datetime import timedelta
from secrets import token_bytes
from typing import Final

from sqlalchemy import and_, delete, func, insert, select, update

from collectors.powershell.logons import MOST_UNPROVEN, SLOT_SECONDS, Admission
from worker.model.credentials import (
    Credential,
    CredentialProof,
    CredentialView,
    LogonRefusal,
    LogonResult,
    default_credential,
)
from worker.store.connection import AnyRow, Repository, chunks
from worker.store.repositories.logon_statements import NO_REFUSAL, acceptance
from worker.store.tables.inventory import credential as credential_table
from worker.store.tables.inventory import logon, logon_slot, server

#: A credential is suspended after refusals by so many servers without an acceptance since.
SUSPENDED_AFTER: Final = 3
#: The pause after the first refusal of a server, and the longest one. Each refusal doubles it.
FIRST_PAUSE: Final = timedelta(minutes=15)
#: A corrected account is tried again within four hours without a person.
LONGEST_PAUSE: Final = timedelta(hours=4)

#: As long as NIST SP 800-132 asks for.
_SALT_BYTES: Final = 16
_DOUBLINGS: Final = 10  # more would only compute large numbers


class CredentialRepository(Repository):
    """The credentials, their logons at servers, and the slots for unproven ones."""

    def views(self) -> tuple[CredentialView, ...]:
        """Return every credential with its servers and logons, ordered by name."""
        rows = self._connection.rows(select(credential_table))
        if not rows:
            return ()
        query = select(logon.c.credential, func.max(logon.c.accepted_at).label("at"))
        accepted_at = {
            r.credential: r.at for r in self._connection.rows(query.group_by(logon.c.credential))
        }
        refused_by: defaultdict[str, list[int]] = defaultdict(list)
        refusal_query = select(logon.c.credential, logon.c.server_id).where(logon.c.counts)
        for row in self._connection.rows(refusal_query.order_by(logon.c.server_id)):
            refused_by[row.credential].append(row.server_id)
        users = self._users([row.name for row in rows])
        views = (
            CredentialView(
                credential=_credential(row),
                servers=users[row.name],
                refused_by=tuple(refused_by[row.name]),
                accepted_at=accepted_at.get(row.name),
                suspended_at=row.suspended_at,
                salt=row.salt,
                proven=row.proven,
            )
            for row in rows
        )
        return tuple(sorted(views, key=lambda view: view.credential.name))

    def proofs(self) -> tuple[CredentialProof, ...]:
        """Return the state that a logon depends on, of every credential, ordered by name."""
        columns = (credential_table.c[f.name] for f in fields(CredentialProof))
        rows = self._connection.rows(select(*columns).order_by(credential_table.c.name))
        return tuple(CredentialProof(*row) for row in rows)

    def logons(
        self, servers: Collection[int] | None = None, *, refused: bool = False
    ) -> tuple[LogonResult, ...]:
        """Return the logons at these servers, or at all, by credential and server.

        With ``refused`` only logons whose last answer was a refusal, which have a mark.
        """
        query = select(logon)
        if servers is not None:
            query = query.where(logon.c.server_id.in_(servers))
        if refused:
            query = query.where(logon.c.mark.is_not(None))
        logons = (
            LogonResult(
                credential=row.credential,
                server=row.server_id,
                accepted_at=row.accepted_at,
                refused_at=row.refused_at,
                refusals=row.refusals,
                retry_at=row.retry_at,
                mark=row.mark,
            )
            for row in self._connection.rows(query)
        )
        return tuple(sorted(logons, key=lambda logon: (logon.credential, logon.server)))

    def _users(self, names: Collection[str]) -> Counter[str]:
        """Return how many servers use each credential, by name."""
        query = select(server.c.credential, func.count().label("servers"))
        users: Counter[str] = Counter()
        for row in self._connection.rows(query.group_by(server.c.credential)):
            name = row.credential or default_credential(names)
            if name is not None:
                users[name] += row.servers
        return users

    def save(self, credential: Credential) -> None:
        """Add or change a credential. A change ends its suspension and forgets its logons."""
        is_named = credential_table.c.name == credential.name
        stored = self._connection.rows(select(credential_table).where(is_named))
        if stored and _credential(stored[0]) == credential:
            return
        columns = {
            **asdict(credential),
            "salt": token_bytes(_SALT_BYTES),
            "suspended_at": None,
            "changed_at": self._connection.now(),
        }
        if stored:
            self._connection.run(delete(logon).where(logon.c.credential == credential.name))
            self._connection.run(update(credential_table).where(is_named).values(columns))
        else:
            self._connection.run(insert(credential_table).values(columns))

    def mark_unproven(self) -> None:
        """Mark every credential as unproven at the beginning of a run.

        Until a server accepts a credential again, few logons with it may be in progress.
        """
        self._connection.run(
            update(credential_table).where(credential_table.c.proven).values(proven=False)
        )

    def acquire_slot(self, credential: str, server: int) -> Admission:
        """Acquire a slot for a logon with an unproven credential, if one is free.

        Each refusal that counts takes one of the three slots away. So a wrong password never
        causes a fourth bad logon. A proven credential needs no slot.
        """
        query = select(credential_table.c.proven, credential_table.c.suspended_at)
        rows = self._connection.rows(query.where(credential_table.c.name == credential))
        if not rows or rows[0].suspended_at is not None:
            return Admission.SUSPENDED
        if rows[0].proven:
            return Admission.FREE
        current_time = self._connection.now()
        slots = select(func.count()).select_from(logon_slot)
        live_slots = slots.where(
            logon_slot.c.credential == credential, logon_slot.c.lapses_at > current_time
        )
        refusals = select(func.count()).select_from(logon)
        counted_refusals = refusals.where(logon.c.credential == credential, logon.c.counts)
        if (
            self._connection.rows(live_slots)[0][0] + self._connection.rows(counted_refusals)[0][0]
            >= MOST_UNPROVEN
        ):
            return Admission.WAIT
        self.release_slot(credential, server)
        lapses_at = current_time + timedelta(seconds=SLOT_SECONDS)
        row = {"credential": credential, "server_id": server, "lapses_at": lapses_at}
        self._connection.run(insert(logon_slot).values(row))
        return Admission.SLOT

    def release_slot(self, credential: str, server: int) -> None:
        """Release the slot of a logon that the server neither accepted nor refused."""
        is_slot = and_(logon_slot.c.credential == credential, logon_slot.c.server_id == server)
        self._connection.run(delete(logon_slot).where(is_slot))

    def record_refusal(self, refusal: LogonRefusal) -> bool:
        """Count a refusal and pause logons at the server, longer each time.

        Return whether the secret must not be used any more. That is so if three servers refused
        it without an acceptance since, or if the credential has another secret by now.
        """
        self.release_slot(refusal.credential, refusal.server)
        is_named = credential_table.c.name == refusal.credential
        stored = self._connection.rows(
            select(credential_table.c.salt, credential_table.c.suspended_at).where(is_named)
        )
        if not stored or stored[0].salt != refusal.salt:
            return True
        self._count(refusal)
        if stored[0].suspended_at is not None:
            return True
        is_counted = and_(logon.c.credential == refusal.credential, logon.c.counts)
        count = self._connection.rows(select(func.count()).select_from(logon).where(is_counted))[0][
            0
        ]
        if count < SUSPENDED_AFTER:
            return False
        self._connection.run(
            update(credential_table).where(is_named).values(suspended_at=self._connection.now())
        )
        return True

    def record_acceptance(
        self, credential: str, servers: Collection[int], *, fresh: bool = True
    ) -> None:
        """Record that servers accepted a credential.

        With ``fresh`` they accepted it just now, so earlier refusals by any server do not count
        any more. A suspension stays in force.
        """
        if not servers:
            return
        if fresh:
            self._end_refusals(credential)
        current_time = self._connection.now()
        for chunk in chunks(servers):
            insertion = self._connection.upsert(logon)
            self._connection.run(
                acceptance(insertion, credential, chunk, current_time, fresh=fresh)
            )

    def end_refusals(self, credential: str) -> None:
        """End the effect of refusals, because a server was just read with the credential."""
        is_counted = and_(logon.c.credential == credential, logon.c.counts)
        if self._connection.rows(select(logon.c.server_id).where(is_counted).limit(1)):
            self._end_refusals(credential)

    def _end_refusals(self, credential: str) -> None:
        is_unproven = and_(credential_table.c.name == credential, ~credential_table.c.proven)
        self._connection.run(update(credential_table).where(is_unproven).values(proven=True))
        self._connection.run(delete(logon_slot).where(logon_slot.c.credential == credential))
        is_counted = and_(logon.c.credential == credential, logon.c.counts)
        self._connection.run(update(logon).where(is_counted).values(counts=False))

    def resume(self, name: str) -> bool:
        """End the suspension of a credential and forget its refusals, as a person confirmed it.

        Return whether there was a suspension or a refusal.
        """
        is_suspended = and_(
            credential_table.c.name == name, credential_table.c.suspended_at.is_not(None)
        )
        resumed = self._connection.run(
            update(credential_table).where(is_suspended).values(suspended_at=None)
        )
        has_refusals = and_(logon.c.credential == name, logon.c.refusals > 0)
        forgotten = self._connection.run(update(logon).where(has_refusals).values(NO_REFUSAL))
        return resumed.rowcount + forgotten.rowcount > 0

    def forget_refusals(self, name: str, salt: bytes) -> None:
        """Resume a credential whose secret has changed, and give it a new salt.

        Another ``salt`` than the stored one changes nothing, as the change was handled already.
        """
        has_salt = and_(credential_table.c.name == name, credential_table.c.salt == salt)
        statement = update(credential_table).where(has_salt).values(salt=token_bytes(_SALT_BYTES))
        if self._connection.run(statement).rowcount:
            self.resume(name)

    def _count(self, refusal: LogonRefusal) -> None:
        """Count a refusal, unless the server was removed in the meantime."""
        is_logon = and_(logon.c.server_id == server.c.id, logon.c.credential == refusal.credential)
        query = select(logon.c.refusals).select_from(server.outerjoin(logon, is_logon))
        rows = self._connection.rows(query.where(server.c.id == refusal.server))
        if not rows:
            return
        earlier_refusals = rows[0].refusals
        current_time = self._connection.now()
        columns = {
            "refused_at": current_time,
            "refusals": (earlier_refusals or 0) + 1,
            "counts": True,
            "retry_at": current_time + _pause(earlier_refusals or 0),
            "mark": refusal.mark,
        }
        key = {"credential": refusal.credential, "server_id": refusal.server}
        if earlier_refusals is None:
            self._connection.run(insert(logon).values({**key, **columns}))
        else:
            is_key = and_(*(logon.c[name] == value for name, value in key.items()))
            self._connection.run(update(logon).where(is_key).values(columns))


def _pause(refusals: int) -> timedelta:
    """Return the pause after a refusal that follows so many earlier ones."""
    doubled: int = 2 ** min(refusals, _DOUBLINGS)
    return min(FIRST_PAUSE * doubled, LONGEST_PAUSE)


def _credential(row: AnyRow) -> Credential:
    return Credential(**{f.name: getattr(row, f.name) for f in fields(Credential)})
