"""A fleet that tells what a test says, behind the port of collectors; and an IPAM to sync it into.

``Fleet`` keeps the promises that ``tests/contracts`` holds every collector to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

from collectors.base import Collector
from reconcile.model.nouns import ReadFailure, Seen, Server, Story, Unseen
from tests.reconcile.fleet import told_by
from worker.config.run_policy import RunPolicy
from worker.model.run_report import Preview, RunSummary
from worker.model.runs import Lane, Trigger
from worker.processes.inline import Inline
from worker.runs.concurrency import DatabaseClock
from worker.runs.plan import plan
from worker.runs.reader import FileReader
from worker.runs.targets import RunRequest
from worker.store.unit_of_work import Store

#: The tables that a run writes about itself; what it finds is elsewhere.
RUN_TABLES = frozenset({"run", "run_member", "sighting", "lease", "server_poll", "worker_process"})
FAILURE = ReadFailure("unreachable", "No answer.", "Check the network.", retry=True)


@dataclass
class Fleet:
    """Stories by server name; None is a server that cannot be read, a missing one is not asked.

    ``again`` is what a server tells from its second reading in a run on. ``after_look`` is called
    when everybody was read.
    """

    stories: dict[str, list[Story] | None] = field(default_factory=dict)
    again: dict[str, list[Story]] = field(default_factory=dict)
    rereads: bool = False
    asked: list[str] = field(default_factory=list)
    before_look: Callable[[], None] = lambda: None
    after_look: Callable[[], None] = lambda: None

    def offers(self, servers: Iterable[Server]) -> frozenset[int]:
        """Those that the test mentions."""
        return frozenset(s.id for s in servers if s.name in self.stories)

    def look(
        self, servers: Iterable[Server], clock: Callable[[], datetime]
    ) -> Iterator[Seen | Unseen]:
        """One by one."""
        self.before_look()
        for server in servers:
            if server.name in self.stories:
                yield self._read(server, clock())
            if self.stories.keys() <= set(self.asked):
                self.after_look()

    def _read(self, server: Server, read_at: datetime) -> Seen | Unseen:
        told = self.stories[server.name]
        if server.name in self.asked:
            told = self.again.get(server.name, told)
        self.asked.append(server.name)
        if told is None:
            return Unseen(server.id, read_at, FAILURE)
        return Seen(server.id, read_at, tuple(replace(s, asked=server.id) for s in told))


def inline_worker(
    store: Store, collector: Collector, run_policy: RunPolicy, threads: int = 1
) -> Inline:
    """What works at runs whose servers this collector reads."""
    lane = Lane.ON_DEMAND if collector.rereads else Lane.FILES
    reader = FileReader(collector, DatabaseClock(store))
    return Inline(store, run_policy, reader, lane, threads)


@dataclass
class Site:
    """A store and a fleet, and the way to sync one into the other."""

    store: Store
    fleet: Fleet
    run_policy: RunPolicy = field(default_factory=RunPolicy)

    def servers(self, *servers: Server) -> Site:
        """Put servers into the inventory, in this order."""
        with self.store.write() as uow:
            for server in servers:
                uow.inventory.add(server.name, server.addresses)
            uow.commit()
        return self

    def sync(self, **about: str) -> RunSummary:
        """One run; what was asked before it does not count as a first reading."""
        self.fleet.asked.clear()
        inline = inline_worker(self.store, self.fleet, self.run_policy)
        return inline.sync(RunRequest(Trigger.CLI, "tester", **about))

    def plan(self, **about: str) -> Preview:
        """What a run would do."""
        self.fleet.asked.clear()
        return plan(
            self.store, self.fleet, RunRequest(Trigger.CLI, "tester", **about), self.run_policy
        )

    def tell(self, one: Server, two: Server, name: str = "HQ", **values: object) -> None:
        """Both partners tell a relationship besides what they tell already."""
        self.tells(one, told_by(one, two, name, **values))  # type: ignore[arg-type]  # overrides are per test
        self.tells(two, told_by(two, one, name, primary=False, **values))

    def tells(self, server: Server, *stories: Story) -> None:
        """One server tells these besides what it tells already."""
        self.fleet.stories[server.name] = [*(self.fleet.stories.get(server.name) or ()), *stories]

    def silence(self, *servers: Server) -> None:
        """These cannot be read."""
        for server in servers:
            self.fleet.stories[server.name] = None

    def forget(self) -> None:
        """Nobody tells anything any more; everybody answers."""
        for name in self.fleet.stories:
            self.fleet.stories[name] = []
