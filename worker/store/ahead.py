"""What a unit of work about several servers is going to ask of each, asked of all at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from typing_extensions import override

from worker.model.credentials import Logon, Proof
from worker.model.maintenance import Window
from worker.model.runs import Member, OpenRun, Poll
from worker.model.servers import Endpoint
from worker.store.parts import SqlWriting


@dataclass(slots=True)
class _Ahead:
    """Whom it is about, and what was asked about all of them so far.

    An answer about one server is given once: it may be changed afterwards.
    """

    servers: frozenset[int]
    waiting: dict[int, list[tuple[OpenRun, Member]]] | None = None
    polls: dict[int, Mapping[int, Poll]] | None = None
    logons: dict[int, list[Logon]] | None = None
    endpoints: dict[int, Endpoint] | None = None
    windows: tuple[Window, ...] | None = None
    proofs: tuple[Proof, ...] | None = None


class LookAhead(SqlWriting):
    """For ``worker.runs.write_batcher``: what is asked about one server is asked about all of them.

    Their members are locked: another clerk may write about other servers at the same time.
    """

    _ahead: _Ahead | None = None

    def look_ahead(self, servers: Collection[int]) -> None:
        """Claims and conclusions of these servers follow, and nothing else."""
        self._ahead = _Ahead(frozenset(servers))

    @override
    def waiting_members(self, server: int) -> tuple[tuple[OpenRun, Member], ...]:
        if (ahead := self._ahead) is None:
            return super().waiting_members(server)
        if ahead.waiting is None:
            ahead.waiting = {s: [] for s in ahead.servers}
            for run, member in self._waiting_for(ahead.servers, locked=True):
                ahead.waiting[member.server].append((run, member))
        known = ahead.waiting.pop(server, None)
        return super().waiting_members(server) if known is None else tuple(known)

    @override
    def polls(self, servers: Collection[int]) -> Mapping[int, Poll]:
        if (ahead := self._ahead) is None or len(servers) != 1:
            return super().polls(servers)
        if ahead.polls is None:
            every = super().polls(ahead.servers)
            ahead.polls = {s: {s: every[s]} if s in every else {} for s in ahead.servers}
        known = ahead.polls.pop(next(iter(servers)), None)
        return super().polls(servers) if known is None else known

    @override
    def logons(self, server: int | None = None, *, refused: bool = False) -> tuple[Logon, ...]:
        if (ahead := self._ahead) is None or server is None or refused:
            return super().logons(server, refused=refused)
        if ahead.logons is None:
            ahead.logons = {s: [] for s in ahead.servers}
            for logon in self._logons_of(ahead.servers):
                ahead.logons[logon.server].append(logon)
        known = ahead.logons.pop(server, None)
        return super().logons(server) if known is None else tuple(known)

    @override
    def endpoint(self, server: int) -> Endpoint:
        if (ahead := self._ahead) is None:
            return super().endpoint(server)
        if ahead.endpoints is None:
            ahead.endpoints = self._endpoints(ahead.servers)
        known = ahead.endpoints.get(server)
        return super().endpoint(server) if known is None else known

    @override
    def open_windows(self) -> tuple[Window, ...]:
        if (ahead := self._ahead) is None:
            return super().open_windows()
        if ahead.windows is None:
            ahead.windows = super().open_windows()
        return ahead.windows

    @override
    def proofs(self) -> tuple[Proof, ...]:
        if (ahead := self._ahead) is None:
            return super().proofs()
        if ahead.proofs is None:
            ahead.proofs = super().proofs()
        return ahead.proofs
