"""Everything that one judgement rests on, as one value; made by ``worker.runs.engine``."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from reconcile.model.findings import Finding
from reconcile.model.names import NameMap
from reconcile.model.nouns import Seen, Server, Sighting, Skipped, SkipReason, Standing
from reconcile.model.record import Entry, Record

#: A relationship always has two partners. Fewer means that a name is not mapped.
_BOTH_PARTNERS = 2


class PercentReading(StrEnum):
    """Meanings of a secondary's LoadBalancePercent.

    Sources disagree about the meaning. So a person may set it.
    """

    UNSET = "unset"
    OWN_SHARE = "own_share"
    PRIMARY_SHARE = "primary_share"


@dataclass(frozen=True, slots=True)
class Rules:
    """The settings that a judgement depends on.

    ``interrupted_critical_after`` None: it depends on the relationship, see ``reconcile.judging.health``.
    """

    confirm_after: timedelta = timedelta(seconds=600)
    evidence_age: timedelta = timedelta(hours=1)
    overdue_after: timedelta = timedelta(hours=1)
    percent_reading: PercentReading = PercentReading.UNSET
    relationship_limit_near: int = 29
    clock_skew_seconds: int = 60
    interrupted_critical_after: timedelta | None = None
    transition_warning_after: timedelta = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class JudgementInput:
    """Everything that a judgement rests on: sightings, stored values and names.

    ``previous`` holds each server's latest recorded reading before this run. ``names`` includes the
    names that servers report of themselves now. ``names_before`` does not, because a reading must
    not vouch for its own spelling. ``machines`` are those of
    ``reconcile.evidence.machines.by_machine``. ``targets`` are the servers that the run is about
    (None: all), and ``only`` is a folded relationship name. ``watches`` holds since when a server
    has reported nothing at all (name "") or a relationship without scopes, in recorded readings.
    ``overtaken`` are records that were changed after this reading began. They are not judged.
    ``suspended`` are the names of credentials that are not used any more (R13). ``paused`` are
    pairs (folded relationship, server) that a person put into maintenance. ``rested`` holds when
    the maintenance of an unread server ended or will end.

    A run may be judged piece by piece (R8). ``focus`` are the servers whose pairs are judged now
    (None: all servers). ``awaited`` are the servers of later pieces, so that their pairs wait. The
    other sightings are there as witnesses.
    """

    servers: Mapping[int, Server]
    names: NameMap
    names_before: NameMap
    machines: Mapping[str, frozenset[int]]
    sightings: Mapping[int, Sighting]
    previous: Mapping[int, Seen]
    records: tuple[Record, ...]
    now: datetime
    entries: tuple[Entry, ...] = ()
    open_findings: tuple[Finding, ...] = ()
    watches: Mapping[tuple[int, str], datetime] = field(default_factory=dict)
    rules: Rules = Rules()
    targets: frozenset[int] | None = None
    only: str | None = None
    overtaken: frozenset[int] = frozenset()
    suspended: tuple[str, ...] = ()
    focus: frozenset[int] | None = None
    awaited: frozenset[int] = frozenset()
    paused: frozenset[tuple[str, int]] = frozenset()
    rested: Mapping[int, datetime] = field(default_factory=dict)

    def turn_of(self, servers: Collection[int]) -> bool:
        """True if what these servers have to do with each other is judged now.

        A pair whose other side nobody can name yet waits for all: any of them may turn out to
        be meant.
        """
        if self.focus is not None and self.focus.isdisjoint(servers):
            return False
        if len(servers) < _BOTH_PARTNERS and self.awaited:
            return False
        return self.awaited.isdisjoint(servers)

    def left_alone(self, name: str, servers: Collection[int]) -> bool:
        """True if nothing is concluded about relationship ``name`` (folded), for maintenance.

        A window of its own is open; or one of a partner, and nobody of the pair was read.
        """
        if any((name, server) in self.paused for server in servers):
            return True
        if any(isinstance(self.sightings.get(server), Seen) for server in servers):
            return False
        return any(
            self.sightings.get(server) == Skipped(server, SkipReason.MAINTENANCE)
            for server in servers
        )

    def retired(self, server: int) -> bool:
        """True if a person said that the server is gone: it counts as telling nothing."""
        server_entry = self.servers.get(server)
        return server_entry is not None and server_entry.standing is Standing.RETIRED

    def replaced(self, server: int) -> bool:
        """True if another machine answered than the one remembered: what it lacks proves nothing."""
        server_entry, sighting = self.servers.get(server), self.sightings.get(server)
        if (
            server_entry is None
            or server_entry.machine_id is None
            or not isinstance(sighting, Seen)
        ):
            return False
        machine_id = None if sighting.identity is None else sighting.identity.machine_id
        return machine_id is not None and machine_id != server_entry.machine_id

    def name(self, server: int | None) -> str:
        """The server's name for a sentence."""
        server_entry = None if server is None else self.servers.get(server)
        return server_entry.name if server_entry is not None else "a server that IPAM does not know"
