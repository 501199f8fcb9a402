"""How a worker process reads one server: where it is, as whom, and within what bounds."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from collectors.base import ReadError
from collectors.failover import FailoverCollector, Way
from collectors.powershell.client import PowerShell
from collectors.powershell.host import Login
from collectors.powershell.logons import Logons
from collectors.powershell.tls import trust
from reconcile.impostors import genuine
from reconcile.model import Server, Sighting
from worker.bootstrap import Ipam
from worker.clock import DatabaseClock
from worker.credentials import StoredLogonBook, notice_changes
from worker.live import Directory, logins_of
from worker.looking import name_map
from worker.ports import Reading

#: So long a process believes, within a run, what it knows of secrets.
_FRESH_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class _Secrets:
    """What was read of them, for which run, and when by the clock of this process."""

    logins: Mapping[str, Login]
    failed: Mapping[str, ReadError]
    run: int
    read_at: float


class Eyes:
    """One for a process; thread-safe.  Raises ReadError if the trusted certificates are no use."""

    def __init__(self, ipam: Ipam) -> None:
        self._ipam = ipam
        self._lock = threading.Lock()
        self._clock = DatabaseClock(ipam.store)
        self._secrets = self._load(0)
        self._book = StoredLogonBook(ipam.store, self._secrets.logins)
        context = trust(ipam.settings.ca_file)
        self._logons = Logons(self._book)
        self._powershell = PowerShell(context, ipam.settings.poll_limits, self._logons)

    def way(self, reading: Reading, server: Server, *, insist: bool) -> Way:
        """How it is reached now, or why it is not asked; ``refresh`` was called before."""
        secrets = self._secrets
        credentials = reading.credentials()
        for view in credentials:
            if not view.proven:
                self._book.doubt(view.credential.name)
                self._logons.doubt(view.credential.name)
        directory = Directory(
            credentials,
            reading.logons(server.id),
            secrets.logins,
            secrets.failed,
            insist=insist,
        )
        return directory.way(server, reading.endpoint(server.id), reading.now())

    def look(self, server: Server, way: Way) -> Sighting:
        """Read it; no transaction is open meanwhile."""
        collector = FailoverCollector(self._powershell, {server.id: way}, concurrency=1)
        sighting = collector.read(server, self._clock)
        with self._ipam.store.read() as reading:
            names = name_map(reading.servers())
        return genuine(sighting, names, server.name)

    def close(self) -> None:
        """End every reading now; shells are still deleted."""
        self._powershell.stop()
        self._book.flush()

    def flush(self) -> None:
        """Write what servers accepted, if it is news."""
        self._book.flush()

    def refresh(self, run: int) -> None:
        """Notice changed secrets; not within a transaction, for this has some of its own.

        Who corrects a password and then asks for a run must have it used.
        """
        with self._lock:
            known = self._secrets
            if run > known.run or time.monotonic() - known.read_at > _FRESH_SECONDS:
                self._secrets = self._load(max(run, known.run))
                self._book.renew(self._secrets.logins)

    def _load(self, run: int) -> _Secrets:
        with self._ipam.store.read() as reading:
            logins, failed = logins_of(reading.credentials())
        notice_changes(self._ipam.store, logins)
        return _Secrets(logins, failed, run, time.monotonic())
