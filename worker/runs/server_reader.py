"""How a process reads one server over WinRM: where it is, as whom, and within what bounds."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Final

from collectors.base import ReadError
from collectors.failover import FailoverCollector, PollTarget
from collectors.powershell.client import PowerShell
from collectors.powershell.host import Login
from collectors.powershell.logons import BookUnavailable, Logons
from collectors.powershell.tls import trust
from reconcile.evidence.impostors import genuine
from reconcile.model.names import NameMap
from reconcile.model.nouns import Server, Sighting
from worker.config.settings import Settings
from worker.inventory.endpoints import EndpointResolver, logins_of
from worker.inventory.logon_ledger import StoredLogonBook, notice_changes
from worker.model.credentials import CredentialProof, CredentialView
from worker.model.errors import StoreError, StoreUnavailable
from worker.runs.concurrency import DatabaseClock
from worker.runs.reader import ExportFile, SecretsOutdated, Source
from worker.store.claim_batch import ClaimBatch
from worker.store.unit_of_work import Store

#: So long a process believes, within a run, what it knows of secrets.
_FRESH_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class _Secrets:
    """The secrets as they were read for a run, and the time of that by this process's clock."""

    views: Mapping[str, CredentialView]
    logins: Mapping[str, Login]
    failed: Mapping[str, ReadError]
    run: int
    read_at: float

    def as_of(self, proofs: Collection[CredentialProof]) -> list[CredentialView]:
        """The credentials as these proofs have them. Raises SecretsOutdated."""
        salts = {name: view.salt for name, view in self.views.items()}
        if {proof.name: proof.salt for proof in proofs} != salts:
            raise SecretsOutdated
        return [
            replace(self.views[p.name], proven=p.proven, suspended_at=p.suspended_at)
            for p in proofs
        ]


class ServerReader:
    """A process's reader of servers over WinRM. Thread-safe.

    Raises ReadError if the trusted certificates cannot be used.
    """

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        # Many threads notice old secrets together, and one of them loads new ones.
        self._lock = threading.Lock()
        self._clock = DatabaseClock(store)
        self._secrets = self._load(0)
        self._book = StoredLogonBook(store, self._secrets.logins)
        context = trust(settings.ca_file)
        self._logons = Logons(self._book)
        self._powershell = PowerShell(context, settings.poll_limits, self._logons)

    def source(self, batch: ClaimBatch, server: Server, *, insist: bool) -> PollTarget:
        secrets = self._secrets
        credentials = secrets.as_of(batch.proofs)
        for view in credentials:
            if not view.proven:
                self._book.doubt(view.credential.name)
                self._logons.doubt(view.credential.name)
        logons = batch.logons(server.id)
        self._book.know(logons)
        directory = EndpointResolver(
            credentials,
            logons,
            secrets.logins,
            secrets.failed,
            insist=insist,
        )
        return directory.way(server, batch.endpoint(server.id), batch.now())

    def read(self, server: Server, source: Source, names: NameMap) -> Sighting:
        assert not isinstance(source, ExportFile)  # noqa: S101  # this reader never names one
        collector = FailoverCollector(self._powershell, {server.id: source}, concurrency=1)
        with _book_in_store():
            sighting = collector.read(server, self._clock)
        return genuine(sighting, names, server.name)

    def close(self) -> None:
        """End every reading now. Shells are still deleted."""
        self._powershell.stop()
        with suppress(StoreError):  # what was accepted is only remembered less long
            self.flush()

    def flush(self) -> None:
        """Write what servers accepted, if it is news."""
        with _book_in_store():
            self._book.flush()

    def refresh(self, run: int, *, at_once: bool = False) -> None:
        """Load changed secrets, outside of a transaction, because this opens some of its own.

        A password that was corrected before a run was requested must be used in it.
        """
        with self._lock:
            secrets = self._secrets
            old = run > secrets.run or time.monotonic() - secrets.read_at > _FRESH_SECONDS
            if at_once or old:
                self._secrets = self._load(max(run, secrets.run))
                self._book.renew(self._secrets.logins)

    def _load(self, run: int) -> _Secrets:
        with self._store.read() as reading:
            views = reading.credentials.views()
        logins, failed = logins_of(views)
        notice_changes(self._store, logins)
        by_name = {view.credential.name: view for view in views}
        return _Secrets(by_name, logins, failed, run, time.monotonic())


@contextmanager
def _book_in_store() -> Iterator[None]:
    """Turn a book that cannot be reached into a store that cannot be reached."""
    try:
        yield
    except BookUnavailable as error:
        raise StoreUnavailable(str(error)) from error
