"""The only composition root: settings -> store -> how runs behave.  Used by the doors.

Nothing is opened, read or configured before ``opened`` is called.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from worker.config.run_policy import RunPolicy
from worker.config.settings import Settings, load_settings
from worker.store.schema import open_store
from worker.store.unit_of_work import Store

if TYPE_CHECKING:
    from collectors.exports import ExportCollector
    from worker.alerts.alerting import Alerting
    from worker.alerts.delivery.composer import Words
    from worker.alerts.delivery.deliverer import Deliverer
    from worker.inventory.connections import Connections
    from worker.telemetry.events import EventRecorder


@dataclass(frozen=True, slots=True)
class Ipam:
    """A working ipam-sync: its settings and its store."""

    settings: Settings
    store: Store

    @property
    def run_policy(self) -> RunPolicy:
        """The policy of runs."""
        return self.settings.run_policy

    def exports(self, directory: Path) -> ExportCollector:
        """Return the collector that reads servers from files. Raises ExportsUnusable."""
        from collectors.exports import ExportCollector

        with self.store.read() as reading:
            return ExportCollector(directory, reading.inventory.servers())

    def live(
        self, *, concurrency: int | None = None, insist: bool = False
    ) -> AbstractContextManager[Connections]:
        """Open the connections that read live servers. Raises ReadError."""
        # A WinRM client takes longer to import than most commands take.
        from worker.inventory.connections import live

        return live(self.store, self.settings, concurrency=concurrency, insist=insist)

    def deliverer(self, recorder: EventRecorder) -> Deliverer | None:
        """Return the deliverer of alerts, or None without a file of channels.

        Raises AlertsFileUnusable.
        """
        alerting = alerting_in_force(self.settings)
        if alerting is None:
            return None
        from worker.alerts.delivery.deliverer import Deliverer

        return Deliverer(self.store, alerting, self.words, recorder)

    @property
    def words(self) -> Words:
        """Return the words of alerts. The names of servers are still to be read."""
        from worker.alerts.delivery.composer import Words

        return Words({}, self.settings.severities)


def settings_in_force(environ: Mapping[str, str] | None = None) -> Settings:
    """Return the settings of this process. Raises SettingsError."""
    return load_settings(os.environ if environ is None else environ)


def alerting_in_force(
    settings: Settings, environ: Mapping[str, str] | None = None
) -> Alerting | None:
    """Return channels and routes, or None without a file of them. Raises AlertsFileUnusable."""
    if settings.alerts_file is None:
        return None
    from worker.alerts.config import load_alerting  # costs more than most commands do

    return load_alerting(settings.alerts_file, os.environ if environ is None else environ)


@contextmanager
def opened(settings: Settings | None = None) -> Iterator[Ipam]:
    """Open settings and store for the time of a command.

    Raises SettingsError, and StoreError if the database cannot be used.
    """
    settings = settings_in_force() if settings is None else settings
    store = open_store(settings.database_url)
    try:
        yield Ipam(settings, store)
    finally:
        store.close()
