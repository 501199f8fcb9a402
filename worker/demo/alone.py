"""The stage for where ``ipam-sync up`` cannot run: this process does everything, as a sync does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar

from worker.bootstrap import Ipam, opened
from worker.config.settings import Settings
from worker.demo.scenery import CONCURRENCY, DEADLINE, REQUEST, Scenery
from worker.demo.script import DemoStep
from worker.model.run_report import RunSummary
from worker.processes.inline import over_winrm
from worker.views.progress import RunProgress


@dataclass(frozen=True, slots=True)
class Alone:
    """Keeps the promises of ``worker.demo.stage.DemoStage``."""

    ipam: Ipam
    scenery: Scenery
    command: ClassVar[str] = "ipam-sync sync"

    def perform(self, step: DemoStep) -> RunSummary:
        self.scenery.turn(step)
        with RunProgress() as progress:
            return over_winrm(self.ipam, progress.watch).sync(REQUEST)


@contextmanager
def alone(scenery: Scenery) -> Iterator[Alone]:
    """With a database that knows the fleet."""
    settings = Settings(
        database_url=f"sqlite:///{scenery.directory.path / 'demo.db'}",
        ca_file=scenery.papers.authority,
        poll_deadline=DEADLINE,
        concurrency=CONCURRENCY,
    )
    with opened(settings) as ipam:
        scenery.take_in(ipam.store)
        yield Alone(ipam, scenery)
