"""What a unit of work about several servers is going to ask of each, asked of all at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from typing_extensions import override

from worker.credential_ports import Logon, Proof
from worker.ports import Endpoint
from worker.run_ports import Member, OpenRun, Poll
from worker.store.parts import SqlWriting
from worker.window_ports import Window


@dataclass(slots=True)
class _Known:
    """An answer that is about one server is given once: it may be changed afterwards."""

    waiting: dict[int, tuple[tuple[OpenRun, Member], ...]]
    polls: dict[int, Mapping[int, Poll]]
    logons: dict[int, tuple[Logon, ...]]
    endpoints: dict[int, Endpoint]
    windows: tuple[Window, ...]
    proofs: tuple[Proof, ...]


class LookAhead(SqlWriting):
    """For ``worker.pipeline.clerk``: what is at hand is not asked for again."""

    _known: _Known | None = None

    def look_ahead(self, servers: Collection[int]) -> None:
        """Claims and conclusions of these servers follow, and nothing else."""
        waiting: defaultdict[int, list[tuple[OpenRun, Member]]] = defaultdict(list)
        for run, member in self._waiting_for(servers):
            waiting[member.server].append((run, member))
        logons: defaultdict[int, list[Logon]] = defaultdict(list)
        for logon in self._logons_of(servers):
            logons[logon.server].append(logon)
        polls = super().polls(servers)
        self._known = _Known(
            waiting={s: tuple(waiting[s]) for s in servers},
            polls={s: {s: polls[s]} if s in polls else {} for s in servers},
            logons={s: tuple(logons[s]) for s in servers},
            endpoints=self._endpoints(servers),
            windows=super().open_windows(),
            proofs=super().proofs(),
        )

    @override
    def waiting_members(self, server: int) -> tuple[tuple[OpenRun, Member], ...]:
        known = None if self._known is None else self._known.waiting.pop(server, None)
        return super().waiting_members(server) if known is None else known

    @override
    def polls(self, servers: Collection[int]) -> Mapping[int, Poll]:
        if self._known is None or len(servers) != 1:
            return super().polls(servers)
        known = self._known.polls.pop(next(iter(servers)), None)
        return super().polls(servers) if known is None else known

    @override
    def logons(self, server: int | None = None, *, refused: bool = False) -> tuple[Logon, ...]:
        if self._known is None or server is None or refused:
            return super().logons(server, refused=refused)
        known = self._known.logons.pop(server, None)
        return super().logons(server) if known is None else known

    @override
    def endpoint(self, server: int) -> Endpoint:
        known = None if self._known is None else self._known.endpoints.get(server)
        return super().endpoint(server) if known is None else known

    @override
    def open_windows(self) -> tuple[Window, ...]:
        return super().open_windows() if self._known is None else self._known.windows

    @override
    def proofs(self) -> tuple[Proof, ...]:
        return super().proofs() if self._known is None else self._known.proofs
