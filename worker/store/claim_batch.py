"""A batch of claims and conclusions: loads and saves the rows of several servers together.

Used by the write batcher. An instance lives within one unit of work that writes about members.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime
from functools import cached_property

from reconcile.model.nouns import Sighting
from worker.model.credentials import CredentialProof, LogonResult
from worker.model.maintenance import Window
from worker.model.roster import Roster
from worker.model.runs import Member, OpenRun, Poll
from worker.model.servers import Endpoint
from worker.store.repositories.claims import Claim, Conclusion
from worker.store.unit_of_work import UnitOfWork


class NotExclusive(Exception):
    """A write concerns servers outside its batch and needs an exclusive batch."""


class ClaimBatch:
    """The claims and conclusions of some servers within a unit of work.

    Each server is claimed or concluded once in a batch. The first query for its members locks
    them, because another batch may write about other servers at the same time.
    """

    def __init__(
        self, uow: UnitOfWork, servers: Collection[int], *, is_exclusive: bool = False
    ) -> None:
        self._uow = uow
        self._servers = frozenset(servers)
        self._is_exclusive = is_exclusive
        self._claims: list[Claim] = []
        self._conclusions: list[Conclusion] = []
        self._polls: list[Poll] = []
        self._accepted: set[str] = set()

    def now(self) -> datetime:
        """Return the time of the database's clock."""
        return self._uow.now()

    def exclusive(self) -> UnitOfWork:
        """Return the unit of work for a write about other servers.

        Raises:
            NotExclusive: other batches may write at the same time.
        """
        if not self._is_exclusive:
            raise NotExclusive
        return self._uow

    def inventory(self) -> Roster:
        """Return the servers of the inventory and their names."""
        return self._uow.inventory.roster()

    def members(self, run: int, servers: Collection[int]) -> tuple[Member, ...]:
        """Return the members of a run among these servers."""
        return self._uow.members.of_run(run, servers)

    def waiting(self, server: int) -> tuple[tuple[OpenRun, Member], ...]:
        """Return (run, member) of every run that waits for a reading of this server."""
        return tuple(self._waiting[server])

    def poll(self, server: int) -> Poll | None:
        """Return how the last readings of a server went, or None before the first one."""
        return self._polls_by_server.get(server)

    def logons(self, server: int) -> tuple[LogonResult, ...]:
        """Return the logons at a server, accepted and refused."""
        return tuple(self._logons[server])

    def endpoint(self, server: int) -> Endpoint:
        """Return the endpoint through which a server is contacted."""
        return self._endpoints[server]

    @cached_property
    def windows(self) -> tuple[Window, ...]:
        """Return the maintenance windows that are open now."""
        return self._uow.maintenance.open_windows()

    @cached_property
    def proofs(self) -> tuple[CredentialProof, ...]:
        """Return the state of every credential."""
        return self._uow.credentials.proofs()

    def claim(self, run: int, server: int, process: int) -> datetime:
        """Claim a member of a run for a process, and return when the reading began."""
        at = self.now()
        self._claims.append(Claim(run, server, process, at))
        return at

    def conclude(self, run: int, server: int, sighting: Sighting | None) -> None:
        """End the reading of a member. None keeps the sighting of an earlier reading in the run."""
        self._conclusions.append(Conclusion(run, server, sighting))

    def mark_dispatched(self, run: int, servers: Collection[int]) -> None:
        """Record that the messages about members were sent now."""
        self._uow.members.mark_dispatched(run, servers)

    def end_refusals(self, credential: str) -> None:
        """Record that a server was read with a credential, so earlier refusals do not count."""
        self._accepted.add(credential)

    def save_poll(self, poll: Poll) -> None:
        """Set when a server is due, and how its last readings went."""
        self._polls.append(poll)

    def save(self) -> None:
        """Write all that the batch collected, without a commit of the unit of work."""
        if self._claims:
            self._uow.claims.claim(self._claims)
        if self._conclusions:
            self._uow.claims.conclude(self._conclusions)
        if self._polls:
            self._uow.schedule.save(self._polls)
        for credential in sorted(self._accepted):
            self._uow.credentials.end_refusals(credential)

    @cached_property
    def _waiting(self) -> Mapping[int, list[tuple[OpenRun, Member]]]:
        members: defaultdict[int, list[tuple[OpenRun, Member]]] = defaultdict(list)
        for run, member in self._uow.claims.waiting_for(self._servers, locked=True):
            members[member.server].append((run, member))
        return members

    @cached_property
    def _polls_by_server(self) -> Mapping[int, Poll]:
        return self._uow.schedule.polls(self._servers)

    @cached_property
    def _logons(self) -> Mapping[int, list[LogonResult]]:
        logons: defaultdict[int, list[LogonResult]] = defaultdict(list)
        for logon in self._uow.credentials.logons(self._servers):
            logons[logon.server].append(logon)
        return logons

    @cached_property
    def _endpoints(self) -> Mapping[int, Endpoint]:
        return self._uow.inventory.endpoints(self._servers)
