"""What both stages have: a directory, the simulated fleet that listens, and IPAM's inventory of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Final

from collectors.simulator.running import RunningFleet
from worker.config.run_policy import Timing
from worker.demo.directory import DemoDirectory
from worker.demo.script import SECOND, DemoStep
from worker.demo.simulation.fleet_file import read_fleet
from worker.demo.simulation.papers import Papers, write_papers
from worker.inventory.file import read_inventory
from worker.inventory.importer import import_inventory
from worker.model.credentials import Credential
from worker.model.runs import Poll, Trigger
from worker.runs.targets import RunRequest
from worker.store.unit_of_work import Store

FLEET: Final = Path(__file__).with_name("fleet.yaml")
#: Nobody wants to wait a minute for the one that hangs. But on a busy machine all others must
#: answer in time. So few are read at once, each with more of the processors.
DEADLINE: Final = timedelta(seconds=5)
#: More readings at once would make slow machines miss the deadline.
CONCURRENCY: Final = 4
REQUEST: Final = RunRequest(Trigger.CLI, "demo")
#: The server whose password IPAM has wrong at first, and the file that it is in.
_CHANGED: Final = "west.lab.example"
_PASSWORD: Final = "password-of-west"  # noqa: S105  # the name of a file


@dataclass(frozen=True, slots=True)
class Scenery:
    """The fleet, and where its papers are."""

    running: RunningFleet
    directory: DemoDirectory
    papers: Papers

    def take_in(self, store: Store) -> None:
        """Import the inventory, with a credential of its own for the server that will refuse it.

        Nobody is due before the demo is over: the schedule must not come in between.
        """
        self._password.write_text("the one from before")
        user, file = self.running.account.username, str(self._password)
        credential = Credential("west", username=user, password_file=file)
        with store.write() as uow:
            import_inventory(uow, read_inventory(self.papers.inventory))
            uow.credentials.save(credential)
            for view in uow.views.servers():
                uow.schedule.save([Poll(view.server.id, uow.now() + Timing().interval)])
                if view.server.name == _CHANGED:
                    endpoint = replace(view.endpoint, credential=credential.name)
                    uow.inventory.set_endpoint(view.server.id, endpoint)
            uow.commit()

    def turn(self, step: DemoStep) -> None:
        """Change the fleet as the step says."""
        for change in step.meanwhile:
            for subject, words in change.how.items():
                self.running.change(subject, words)
        if step is SECOND:
            self._password.write_text(self.running.account.password)

    @property
    def _password(self) -> Path:
        return self.directory.path.absolute() / _PASSWORD


@contextmanager
def scenery(directory: DemoDirectory) -> Iterator[Scenery]:
    """The fleet listens for as long as this is used."""
    described = read_fleet(FLEET)
    path = directory.path
    with RunningFleet(described.fleet, described.listeners, directory=path) as running:
        yield Scenery(running, directory, write_papers(running, path))
