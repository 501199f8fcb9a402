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
from worker.ports import Reading
from worker.roster import roster

#: So long a process believes what it knows of secrets and of what servers said to them.
_FRESH_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class _Secrets:
    """What was read of them, and when by the clock of this process."""

    logins: Mapping[str, Login]
    failed: Mapping[str, ReadError]
    read_at: float


class Eyes:
    """One for a process; thread-safe.  Raises ReadError if the trusted certificates are no use."""

    def __init__(self, ipam: Ipam) -> None:
        self._ipam = ipam
        self._lock = threading.Lock()
        self._clock = DatabaseClock(ipam.store)
        self._secrets = self._load()
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
        logons = reading.logons(server.id)
        self._book.know(logons)
        directory = Directory(
            credentials,
            logons,
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
            names = roster(reading.servers()).names
        return genuine(sighting, names, server.name)

    def close(self) -> None:
        """End every reading now; shells are still deleted."""
        self._powershell.stop()
        self._book.flush()

    def flush(self) -> None:
        """Write what servers accepted, if it is news."""
        self._book.flush()

    def refresh(self) -> None:
        """Notice changed secrets; not within a transaction, for this has some of its own."""
        with self._lock:
            if time.monotonic() - self._secrets.read_at > _FRESH_SECONDS:
                self._secrets = self._load()
                self._book.renew(self._secrets.logins)

    def _load(self) -> _Secrets:
        with self._ipam.store.read() as reading:
            logins, failed = logins_of(reading.credentials())
        notice_changes(self._ipam.store, logins)
        return _Secrets(logins, failed, time.monotonic())
