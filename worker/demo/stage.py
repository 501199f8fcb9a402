"""Where the demo plays: a temporary database, the packaged exports, and the real sync between."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from reconcile.record import EntryStatus
from worker.bootstrap import Ipam, opened
from worker.demo.script import Step
from worker.importing import import_servers
from worker.inventory import read_inventory
from worker.ports import EntryFilter, Store, Trigger
from worker.request import Request
from worker.settings import Settings
from worker.store_faults import StoreUnavailable
from worker.summary import Summary
from worker.sync import sync

FILES: Final = Path(__file__).parent


@contextmanager
def staged() -> Iterator[Ipam]:
    """An IPAM with defaults that knows the demo's servers, for as long as it is used.

    Neither the settings nor the database of the person who runs it are looked at.  Raises
    StoreUnavailable if there is no place for temporary files.
    """
    with _temporary_directory() as directory:
        settings = Settings(database_url=f"sqlite:///{Path(directory, 'demo.db')}")
        with opened(settings) as ipam:
            with ipam.store.write() as uow:
                import_servers(uow, read_inventory(FILES / "inventory.yaml").servers)
                uow.commit()
            yield ipam


def _temporary_directory() -> TemporaryDirectory[str]:
    try:
        return TemporaryDirectory(prefix="ipam-sync-demo-")
    except OSError as error:
        raise StoreUnavailable(
            "The demo needs a temporary directory for its database, and none can be written: "
            f"{error.strerror}. Make room, or name another directory in TMPDIR."
        ) from error


def perform(ipam: Ipam, step: Step) -> Summary:
    """The sync of one step, as ``ipam-sync sync --exports`` would do it."""
    request = Request(Trigger.CLI, "demo")
    return sync(ipam.store, ipam.exports(FILES / step.exports), request, ipam.conduct)


@dataclass(frozen=True, slots=True)
class Contents:
    """Everything the database holds besides runs and sightings; equal if nothing was written."""

    servers: tuple[object, ...]
    relationships: tuple[object, ...]
    operations: tuple[object, ...]
    findings: tuple[object, ...]
    watches: tuple[object, ...]


def contents(store: Store) -> Contents:
    """What the database holds now, times of change included."""
    every = EntryFilter(statuses=tuple(EntryStatus))
    with store.read() as reading:
        servers = reading.servers()
        return Contents(
            servers,
            reading.records(),
            # How old the readings are that an operation rests on is no column: it is derived.
            tuple(replace(view, evidence_at=None) for view in reading.entry_views(every)),
            reading.open_findings(),
            tuple(sorted(reading.watches({s.id for s in servers}).items())),
        )
