"""From the inventory to a collector that reads live servers: where each is, as whom, how much at once.

Used by the doors that contact servers: ``plan``, ``sync``, ``collect`` and ``servers check``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from collectors.failover import FailoverCollector, PollTarget, ReadObserver
from collectors.powershell.client import PowerShell
from collectors.powershell.logons import Logons
from collectors.powershell.tls import trust
from worker.config.settings import Settings
from worker.inventory.endpoints import EndpointResolver, logins_of
from worker.inventory.logon_ledger import StoredLogonBook, notice_changes
from worker.store.unit_of_work import Store


@dataclass(frozen=True, slots=True)
class Connections:
    """The means to contact servers, for as long as a command takes."""

    powershell: PowerShell
    ways: Mapping[int, PollTarget]
    first: frozenset[int]
    concurrency: int

    def collector(self, progress: ReadObserver | None = None) -> FailoverCollector:
        """Reads every server of the inventory."""
        return FailoverCollector(
            self.powershell,
            self.ways,
            concurrency=self.concurrency,
            first=self.first,
            progress=progress,
        )


@contextmanager
def live(
    store: Store, settings: Settings, *, concurrency: int | None = None, insist: bool = False
) -> Iterator[Connections]:
    """Everything to read live servers with.

    With ``insist`` a person asks: a server that backs off is asked all the same (a suspended
    credential is not used).  What servers said to the credentials is in the store afterwards.
    Raises ReadError if the certificates to trust cannot be read.
    """
    context = trust(settings.ca_file)
    with store.read() as reading:
        logins, failed = logins_of(reading.credentials.views())
    notice_changes(store, logins)
    if logins:  # what a server accepted yesterday may be wrong today
        with store.write() as uow:
            uow.credentials.mark_unproven()
            uow.commit()
    with store.read() as reading:
        current_time = reading.now()
        views = reading.views.servers()
        directory = EndpointResolver(
            reading.credentials.views(), reading.credentials.logons(), logins, failed, insist=insist
        )
    book = StoredLogonBook(store, logins)
    ways = {
        view.server.id: directory.way(view.server, view.endpoint, current_time) for view in views
    }
    accepted = frozenset(logon.server for logon in directory.logons.values() if logon.accepted_at)
    powershell = PowerShell(context, settings.poll_limits, Logons(book))
    try:
        yield Connections(powershell, ways, accepted, concurrency or settings.concurrency)
    finally:
        powershell.stop()
        book.flush()
