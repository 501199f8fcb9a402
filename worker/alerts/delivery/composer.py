"""An alert from what is stored: the event as it was, the problem as it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType

from reconcile.kinds.severity import severity_at
from reconcile.kinds.table import KINDS
from reconcile.model.findings import Event, Finding, Severity
from worker.alerts.message import Alert, Note
from worker.model.alerts import Delivery, OpenFinding, PastEvent
from worker.store.repositories.inventory import InventoryRepository


@dataclass(frozen=True, slots=True)
class Words:
    """Names and tags of servers, and severities that people gave."""

    names: Mapping[int, str]
    severities: Mapping[str, Severity] = field(default_factory=lambda: MappingProxyType({}))
    tags: Mapping[int, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))

    def name(self, server: int) -> str:
        """Return the name of a server. A removed server is named by its number."""
        return self.names.get(server, f"server {server}")

    def tags_of(self, servers: Iterable[int]) -> tuple[str, ...]:
        """All that one of them has."""
        return tuple(sorted({tag for server in servers for tag in self.tags.get(server, ())}))


def words_of(inventory: InventoryRepository, words: Words) -> Words:
    """With the servers' names and tags as they are now."""
    servers = inventory.roster().servers
    names = {server: known.name for server, known in servers.items()}
    tags = {server: known.tags for server, known in servers.items() if known.tags}
    return Words(names, words.severities, tags)


def loudness(finding: Finding, problem: OpenFinding, words: Words, at: datetime) -> Severity:
    """How loud a problem was at that time."""
    return severity_at(finding, words.severities, at - problem.first_seen)


def build_alert(event: PastEvent, problem: OpenFinding, words: Words) -> Alert:
    """The alert of an event, as it was then."""
    finding = event.snapshot.finding
    acknowledged = problem.acknowledgement
    note = None
    if event.event is Event.ACKNOWLEDGED:
        note = Note(event.who or "", event.note or "")
    elif acknowledged is not None and event.event is not Event.RESOLVED:
        note = Note(acknowledged.by, acknowledged.note)
    return Alert(
        finding=event.finding,
        sequence=event.sequence,
        event=event.event,
        fingerprint=finding.fingerprint,
        kind=finding.kind,
        matter=KINDS[finding.kind].matter,
        severity=loudness(finding, problem, words, event.at),
        grade=finding.grade,
        relationship=finding.relationship,
        servers=tuple(words.name(server) for server in finding.servers),
        sentence=finding.detail,
        said=finding.values,
        evidence=event.snapshot.evidence,
        first_seen=min(problem.first_seen, event.at),
        at=event.at,
        ipam=event.snapshot.ipam,
        resolved_at=event.at if event.event is Event.RESOLVED else None,
        note=note,
        tags=words.tags_of(finding.servers),
        about=finding.about,
    )


def as_first_seen_by(alert: Alert, delivery: Delivery | None) -> Alert:
    """Return the alert as a channel needs it: a problem that is new to the channel opened."""
    knows_it = delivery is not None and delivery.knows_it_open
    if knows_it or alert.event is Event.RESOLVED:
        return alert
    return replace(alert, event=Event.OPENED)
