"""Secrets where people keep them, and the book of what servers said to them (rules R12 and R13)."""

from __future__ import annotations

import hashlib
import os
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from collectors.powershell.errors import LocalConfig
from collectors.powershell.host import Login
from collectors.powershell.logons import Admission, BookUnavailable
from collectors.quote import escaped
from worker.config.secret_file import SecretUnusable, secret_in
from worker.model.credentials import Credential, LogonRefusal, LogonResult
from worker.model.errors import StoreUnavailable
from worker.store.unit_of_work import Store, UnitOfWork

#: Enough to see that a secret is another one, useless to guess it from: 65,536 secrets in each
#: of 65,536 have the same mark.
_MARK_BYTES: Final = 2


def login_of(credential: Credential, environ: Mapping[str, str] = os.environ) -> Login:
    """The credential with its secret. Raises LocalConfig."""
    password = None
    if credential.password_env is not None:
        password = environ.get(credential.password_env)
        if not password:
            raise LocalConfig(
                f"credential {escaped(credential.name)}: the variable {credential.password_env} "
                "that should hold its password is not set.",
                f"Set {credential.password_env} where ipam-sync runs.",
            )
    elif credential.password_file is not None:
        password = _password_in(Path(credential.password_file), credential.name)
    return Login(
        credential.name,
        credential.username or "",
        password,
        None if credential.certificate_file is None else Path(credential.certificate_file),
        None if credential.key_file is None else Path(credential.key_file),
    )


def _password_in(path: Path, credential: str) -> str:
    try:
        return secret_in(path)
    except SecretUnusable as error:
        source_words = (
            f"credential {escaped(credential)}: the password file {escaped(str(path), 300)}"
        )
        raise LocalConfig(f"{source_words} {error.problem}.", error.remedy) from error


def mark_of(login: Login, salt: bytes) -> int:
    """Return a mark by which a refused secret is recognised. The secret itself is never stored."""
    secret = f"{login.username}\0{login.password or ''}".encode("utf-8", "surrogatepass")
    if login.certificate is not None:
        secret += _content(login.certificate)
    mark = hashlib.scrypt(secret, salt=salt, n=2**14, r=8, p=1, dklen=_MARK_BYTES)
    return int.from_bytes(mark, "big")


def _content(certificate: Path) -> bytes:
    """Nothing of one that cannot be read: whoever needs it says so."""
    try:
        return certificate.read_bytes()
    except OSError:
        return b""


class StoredLogonBook:
    """Counts logons in the store, for all threads, runs and processes, in short transactions.

    It implements ``collectors.powershell.logons.LogonBook``. An acceptance that ends refusals is
    written at once, the others before the next refusal or by ``flush``. A refusal that cannot be
    written is kept, and is written before the next proof.

    A secret that was refused until its credential was suspended is not used again by this process
    unless a person resumes it. Another secret of another process does not make this one better.
    """

    def __init__(self, store: Store, logins: Mapping[str, Login]) -> None:
        self._store = store
        # Guards the sets below, which threads of all readings share. It is never held during a
        # transaction, because a writer may wait for seconds.
        self._lock = threading.Lock()
        self._accepted: defaultdict[str, set[int]] = defaultdict(set)
        self._proven: set[str] = set()
        self._unwritten: list[LogonRefusal] = []
        self._suspended: set[str] = set()
        self._refused: dict[str, LogonRefusal] = {}
        self._known: set[tuple[str, int]] = set()
        self.renew(logins)
        with self._store.read() as reading:
            self.know(reading.credentials.logons())

    def renew(self, logins: Mapping[str, Login]) -> None:
        """Look again what others have counted, and at secrets that may have changed."""
        self._logins = logins
        with self._lock:
            self._suspended.clear()
            refused = dict(self._refused)
        with self._store.read() as reading:
            self._views = {v.credential.name: v for v in reading.credentials.views()}
        with self._lock:
            for name, refusal in refused.items():
                if self._may_be_used_again(name, refusal):
                    self._refused.pop(name, None)

    def _may_be_used_again(self, name: str, refusal: LogonRefusal) -> bool:
        """A person resumed it, which leaves its salt as it was, or its secret is another one here."""
        view, login = self._views.get(name), self._logins.get(name)
        if view is not None and view.salt == refusal.salt:
            return view.suspended_at is None
        return login is None or mark_of(login, refusal.salt) != refusal.mark

    def know(self, logons: Iterable[LogonResult]) -> None:
        """Note the stored logons. An accepted logon that is known already is not written again."""
        with self._lock:
            for logon in logons:
                if logon.accepted_at is not None and not logon.refusals:
                    self._known.add((logon.credential, logon.server))
                else:
                    self._known.discard((logon.credential, logon.server))

    def enter(self, credential: str, server: int) -> Admission:
        """A slot of those that all processes share."""
        self._write_refusals({})
        with self._writing() as uow:
            admission = uow.credentials.acquire_slot(credential, server)
            # Only a slot changes the store. The other answers need no commit.
            if admission is Admission.SLOT:
                uow.commit()
        if admission is Admission.FREE:
            with self._lock:
                self._proven.add(credential)
        if admission is Admission.SUSPENDED:
            with self._lock:
                self._suspended.add(credential)
        return admission

    def leave(self, credential: str, server: int) -> None:
        """The server said nothing."""
        with self._writing() as uow:
            uow.credentials.release_slot(credential, server)
            uow.commit()

    def doubt(self, credential: str) -> None:
        """The next acceptance is news to other processes."""
        with self._lock:
            self._proven.discard(credential)

    def suspended(self, credential: str) -> bool:
        """Return whether a credential is suspended, as far as this process knows."""
        view = self._views.get(credential)
        is_suspended = credential in self._suspended or credential in self._refused
        return is_suspended or view is None or view.suspended_at is not None

    def refused(self, credential: str, server: int) -> bool:
        """Count it. True if the credential is suspended now."""
        salt = self._views[credential].salt
        refusal = LogonRefusal(credential, server, salt, mark_of(self._logins[credential], salt))
        with self._lock:
            self._known.discard((credential, server))
            accepted_before = self._accepted.pop(credential, set())
            # Kept until it is written, because a lost refusal would allow one bad logon more.
            self._unwritten.append(refusal)
        suspended = self._write_refusals({credential: accepted_before})
        with self._lock:
            view = self._views[credential]
            self._views[credential] = replace(view, refused_by=(*view.refused_by, server))
        return credential in suspended

    def accepted(self, credential: str, server: int) -> None:
        """Remember an accepted logon. If it ends refusals, other processes must know it at once."""
        with self._lock:
            if (credential, server) not in self._known:
                self._known.add((credential, server))
                self._accepted[credential].add(server)
            view = self._views[credential]
            if not view.refused_by and credential in self._proven:
                return
            self._proven.add(credential)
            self._views[credential] = replace(view, refused_by=())
            accepted = self._accepted.pop(credential, set()) | {server}
        try:
            self._write(credential, accepted, fresh=True)
        except BookUnavailable:
            self.doubt(credential)  # the next one is news again
            with self._lock:
                self._accepted[credential] |= accepted

    def flush(self) -> None:
        """Write the results that are not written yet, if there are any."""
        self._write_refusals({})
        with self._lock:
            accepted, self._accepted = dict(self._accepted), defaultdict(set)
        for credential, servers in accepted.items():
            self._write(credential, servers)

    def _write(self, credential: str, servers: set[int], *, fresh: bool = False) -> None:
        """Write accepted logons. Old ones (not ``fresh``) do not end later refusals."""
        with self._writing() as uow:
            uow.credentials.record_acceptance(credential, servers, fresh=fresh)
            uow.commit()

    def _write_refusals(self, before: Mapping[str, set[int]]) -> frozenset[str]:
        """Write refusals after the acceptances ``before`` them. Return suspended credentials.

        Refusals from the time when the database was away are among them.
        """
        with self._lock:
            refusals, self._unwritten = self._unwritten, []
        if not refusals:
            return frozenset()
        try:
            with self._writing() as uow:
                # Acceptances come first in the same transaction, because they end the count of
                # refusals before them.
                for name, servers in before.items():
                    uow.credentials.record_acceptance(name, servers, fresh=False)
                suspended = {r.credential: r for r in refusals if uow.credentials.record_refusal(r)}
                uow.commit()
        except BookUnavailable:
            with self._lock:
                self._unwritten += refusals
            raise
        with self._lock:
            self._refused |= suspended
        return frozenset(suspended)

    @contextmanager
    def _writing(self) -> Iterator[UnitOfWork]:
        try:
            with self._store.write() as uow:
                yield uow
        except StoreUnavailable as error:
            raise BookUnavailable(str(error)) from error


def notice_changes(store: Store, logins: Mapping[str, Login]) -> None:
    """A credential whose secret is another than the refused one begins anew."""
    with store.read() as reading:
        views = {v.credential.name: v for v in reading.credentials.views()}
        marks = {n.credential: n.mark for n in reading.credentials.logons(refused=True)}
    changed = [
        (name, views[name].salt)
        for name, mark in marks.items()
        if name in logins and name in views and mark_of(logins[name], views[name].salt) != mark
    ]
    if changed:
        with store.write() as uow:
            for name, salt in changed:
                uow.credentials.forget_refusals(name, salt)
            uow.commit()
