"""What a run is asked to do, and for whom; the same for timer, CLI and HTTP."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from reconcile.model.names import fold_relationship
from reconcile.model.nouns import Standing
from reconcile.remedies.own import ipam_sync
from worker.inventory.lookup import UnknownTarget, at_server, find_records, find_server
from worker.model.runs import EVERYTHING, Trigger
from worker.store.repositories.records import RecordRepository
from worker.store.unit_of_work import Transaction


@dataclass(frozen=True, slots=True)
class RunRequest:
    """A request for a run: its subject, its reason and its author.

    ``server`` is a name a person typed. ``relationship`` is ``ID``, ``NAME`` or ``NAME@SERVER``.
    """

    trigger: Trigger
    who: str
    server: str | None = None
    relationship: str | None = None

    @property
    def is_about_everything(self) -> bool:
        """Return whether the run is about all servers."""
        return self.server is self.relationship is None

    @property
    def target(self) -> str:
        """For people: what the run is about."""
        if self.relationship is not None:
            return f"relationship {self.relationship}"
        return EVERYTHING if self.server is None else f"server {self.server}"


@dataclass(frozen=True, slots=True)
class Target:
    """The servers that a run is about: None means all. ``only`` is a folded name.

    ``members`` are the servers to read first: the targets and the partners stored with them.
    """

    servers: frozenset[int] | None
    members: frozenset[int]
    only: str | None = None


def find_target(reading: Transaction, request: RunRequest) -> Target:
    """Resolve what a request is about. Raises UnknownTarget."""
    servers = reading.inventory.servers()
    enabled = frozenset(s.id for s in servers if s.standing is Standing.ENABLED)
    if request.relationship is not None:
        return _relationship_target(reading, request.relationship, enabled)
    if request.server is None:
        return Target(None, enabled)
    server = find_server(servers, request.server)
    if server.standing is not Standing.ENABLED:
        raise UnknownTarget(
            f"{server.name} is {server.standing}, so it is not asked. "
            f"To ask it again: {ipam_sync('servers enable', server.name).text}"
        )
    return Target(frozenset({server.id}), _with_partners(reading.records, {server.id}) & enabled)


def _relationship_target(reading: Transaction, text: str, asked: frozenset[int]) -> Target:
    records = find_records(reading, text)
    if records:
        name = fold_relationship(records[0].relationship_name)
        servers = frozenset(p for r in records for p in r.partners)
        return Target(servers, servers & asked, only=name)
    if "@" not in text:
        raise UnknownTarget(
            f"IPAM has no relationship {text!r}. See: ipam-sync relationships list; "
            "one that is new on a server is named NAME@SERVER."
        )
    relationship, server = at_server(reading.inventory, text)
    server_set = frozenset({server.id})
    return Target(server_set, server_set & asked, only=fold_relationship(relationship))


def _with_partners(records: RecordRepository, servers: Collection[int]) -> frozenset[int]:
    return frozenset(servers).union(*(r.partners for r in records.load(servers)))
