"""Where the demo plays: a working ipam-sync that knows a simulated fleet, and is gone afterwards."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from reconcile.model.record import EntryStatus
from worker.bootstrap import Ipam
from worker.demo.alone import alone
from worker.demo.directory import temporary_directory
from worker.demo.scenery import Scenery, scenery
from worker.demo.script import INSTALLATION, NO_INSTALLATION, DemoStep
from worker.model.operations import EntryFilter
from worker.model.run_report import RunSummary
from worker.store.unit_of_work import Store
from worker.up.child import CannotRun


class DemoStage(Protocol):
    """Two keep its promises: ``installed`` with real workers, and ``alone`` in this process."""

    @property
    def ipam(self) -> Ipam:
        """Return the installation of the stage."""

    @property
    def command(self) -> str:
        """Return the command that does a step."""

    def perform(self, step: DemoStep) -> RunSummary:
        """Change the fleet and run the step. Raises CannotRun if no worker does it."""


@contextmanager
def staged(tell: Callable[[str], None]) -> Iterator[DemoStage]:
    """Yield a stage with real workers where they can run, else one without, and say which.

    Neither the settings nor the database of the person who runs it are used. Raises
    StoreUnavailable if there is no place for temporary files.
    """
    with ExitStack() as stack:
        directory = stack.enter_context(temporary_directory(_has_room))
        behind = stack.enter_context(scenery(directory))
        try:
            stage = _installed(stack, behind, tell)
        except CannotRun as error:
            for line in f"{NO_INSTALLATION} {error}".split("\n"):
                tell(line)
            stage = stack.enter_context(alone(behind))
        yield stage


def _has_room(directory: Path) -> bool:
    """True if an installation can have its sockets there, or cannot be anyway."""
    if sys.platform != "linux":
        return True
    from worker.demo.installed import has_room

    return has_room(directory)


def _installed(stack: ExitStack, behind: Scenery, tell: Callable[[str], None]) -> DemoStage:
    if sys.platform != "linux":
        raise CannotRun("It needs Linux.")
    from worker.demo.installed import installed
    from worker.up import valkey

    valkey.binary()
    path = behind.directory.path
    if not _has_room(path):
        raise CannotRun(f"The name of {path} is too long for sockets in it.")
    tell(INSTALLATION)
    return stack.enter_context(installed(behind))


@dataclass(frozen=True, slots=True)
class Contents:
    """The content of the database besides runs and sightings, equal if nothing was written."""

    servers: tuple[object, ...]
    relationships: tuple[object, ...]
    operations: tuple[object, ...]
    findings: tuple[object, ...]
    watches: tuple[object, ...]


def contents(store: Store) -> Contents:
    """Return the content of the database now, times of change included."""
    all_entries = EntryFilter(statuses=tuple(EntryStatus))
    with store.read() as reading:
        servers = reading.inventory.servers()
        return Contents(
            servers,
            reading.records.load(),
            # How old the readings are that an operation rests on is no column: it is derived.
            tuple(
                replace(view, evidence_at=None) for view in reading.views.operations(all_entries)
            ),
            reading.findings.unresolved(),
            tuple(sorted(reading.watches.since({s.id for s in servers}).items())),
        )
