"""Where the demo plays: a temporary database, the simulated fleet, and the real sync between."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from collectors.simulator.running import RunningFleet
from reconcile.record import EntryStatus
from worker.bootstrap import Ipam, opened
from worker.credential_ports import Credential
from worker.demo.script import SECOND, Step
from worker.importing import import_inventory
from worker.inventory import read_inventory
from worker.ports import EntryFilter, Store, Trigger
from worker.request import Request
from worker.settings import Settings
from worker.simulation.fleet_file import read_fleet
from worker.simulation.papers import write_papers
from worker.store_faults import StoreUnavailable
from worker.summary import Summary
from worker.sync import sync

FLEET: Final = Path(__file__).with_name("fleet.yaml")
#: Nobody wants to wait a minute for the one that hangs.
_DEADLINE: Final = timedelta(seconds=2)
#: The server whose password IPAM has wrong at first, and the file that it is in.
_CHANGED: Final = "west.lab.example"
_PASSWORD: Final = "password-of-west"  # noqa: S105  # the name of a file


@dataclass(frozen=True, slots=True)
class Stage:
    """An IPAM that knows the fleet's servers, and the fleet."""

    ipam: Ipam
    running: RunningFleet
    directory: Path

    def perform(self, step: Step) -> Summary:
        """What happened before the step, and its sync as ``ipam-sync sync`` would do it."""
        for change in step.meanwhile:
            for subject, words in change.how.items():
                self.running.change(subject, words)
        if step is SECOND:
            (self.directory / _PASSWORD).write_text(self.running.account.password)
        with self.ipam.live() as live:
            request = Request(Trigger.CLI, "demo")
            return sync(self.ipam.store, live.collector(), request, self.ipam.conduct)


@contextmanager
def staged() -> Iterator[Stage]:
    """The stage for as long as it is used.

    Neither the settings nor the database of the person who runs it are looked at.  Raises
    StoreUnavailable if there is no place for temporary files.
    """
    described = read_fleet(FLEET)
    with _temporary_directory() as name:
        directory = Path(name)
        with RunningFleet(described.fleet, described.listeners) as running:
            papers = write_papers(running, directory)
            settings = Settings(
                database_url=f"sqlite:///{directory / 'demo.db'}",
                ca_file=papers.authority,
                poll_deadline=_DEADLINE,
            )
            with opened(settings) as ipam:
                _take_in(ipam.store, running, papers.inventory)
                yield Stage(ipam, running, directory)


def _take_in(store: Store, running: RunningFleet, inventory: Path) -> None:
    """Import the inventory, with a credential of its own for the server that will refuse it."""
    password = inventory.parent / _PASSWORD
    password.write_text("the one from before")
    own = Credential(
        "west", username=running.account.username, password_file=str(password.absolute())
    )
    with store.write() as uow:
        import_inventory(uow, read_inventory(inventory))
        uow.set_credential(own)
        view = next(v for v in uow.server_views() if v.server.name == _CHANGED)
        uow.set_endpoint(view.server.id, replace(view.endpoint, credential=own.name))
        uow.commit()


def _temporary_directory() -> TemporaryDirectory[str]:
    try:
        return TemporaryDirectory(prefix="ipam-sync-demo-")
    except OSError as error:
        raise StoreUnavailable(
            "The demo needs a temporary directory for its database, and none can be written: "
            f"{error.strerror}. Make room, or name another directory in TMPDIR."
        ) from error


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
