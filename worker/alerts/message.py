"""One thing to tell, as a value: made when a problem opens, changes, is acknowledged or ends.

Channels turn it into the language of their receivers; ``worker.alerts.templates`` has the words.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import TypeAlias, assert_never

from reconcile.kinds.table import KINDS
from reconcile.model.findings import LOUDEST_FIRST, Event, Kind, Matter, Severity, Testimony
from reconcile.model.nouns import Evidence
from worker.model.change_feed import AppliedOperation


@dataclass(frozen=True, slots=True)
class Note:
    """The author and the reason of an acknowledgement."""

    by: str
    text: str


@dataclass(frozen=True, slots=True)
class Alert:
    """An event in the life of a problem.

    ``finding`` is the id of the stored problem and ``sequence`` counts its events from 1. Together
    they are the ``key``, the same however often the alert is sent. A problem that comes back is the
    same finding, and its events go on counting. ``servers`` are names, ``tags`` are all that these
    servers have now. ``sentence`` is the finding's detail, ``said`` the reports of each witness,
    and ``ipam`` the database's values by property. ``about`` names a credential or channel. With
    ``test`` nothing happened at all.
    """

    finding: int
    sequence: int
    event: Event
    fingerprint: str
    kind: Kind
    matter: Matter
    severity: Severity
    grade: str
    relationship: str | None
    servers: tuple[str, ...]
    sentence: str
    said: tuple[Testimony, ...]
    evidence: Evidence
    first_seen: datetime
    at: datetime
    ipam: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    resolved_at: datetime | None = None
    note: Note | None = None
    url: str | None = None
    test: bool = False
    tags: tuple[str, ...] = ()
    about: str = ""

    @property
    def key(self) -> str:
        """Return the key by which receivers recognise a duplicate."""
        return f"{self.finding}-{self.sequence}"


@dataclass(frozen=True, slots=True)
class Digest:
    """Many alerts as one message for people. Its key is as stable as theirs."""

    key: str
    alerts: tuple[Alert, ...]
    at: datetime


@dataclass(frozen=True, slots=True)
class Changes:
    """The operations that policy applied from ``since`` on and before ``at``.

    They are no problem, and nothing has to be done. Operations about a relationship are beside each
    other. ``more`` are not in the message. The key and all else stay the same however often it is
    sent.
    """

    key: str
    operations: tuple[AppliedOperation, ...]
    more: int
    since: datetime
    at: datetime

    @property
    def count(self) -> int:
        """With those that are not in it."""
        return len(self.operations) + self.more


Message: TypeAlias = Alert | Digest | Changes


def loudest(message: Message) -> Severity:
    """The severity of a message: that of its loudest alert."""
    severities = (alert.severity for alert in members(message))
    return min(severities, key=LOUDEST_FIRST.index, default=Severity.INFO)


def members(message: Message) -> tuple[Alert, ...]:
    """The alerts of a message: one, many, or none if nothing is wrong."""
    match message:
        case Alert():
            return (message,)
        case Digest():
            return message.alerts
        case Changes():
            return ()
        case _:
            assert_never(message)


def trial(at: datetime, sequence: int = 1, event: Event = Event.OPENED) -> Alert:
    """An alert that says it is a test, to see whether a channel works."""
    return Alert(
        finding=0,
        sequence=sequence,
        event=event,
        fingerprint="test|",
        kind=Kind.PARTNER_MISMATCH,
        matter=KINDS[Kind.PARTNER_MISMATCH].matter,
        severity=Severity.INFO,
        grade="",
        relationship="TEST",
        servers=("dhcp01.test.example", "dhcp02.test.example"),
        sentence="This is a test of the channel: nothing is wrong, and there is nothing to do.",
        said=(("MCLT", (("dhcp01.test.example", "PT1H"), ("dhcp02.test.example", "PT2H"))),),
        evidence=Evidence.BOTH,
        first_seen=at,
        at=at,
        ipam=MappingProxyType({"MCLT": "PT1H"}),
        resolved_at=at if event is Event.RESOLVED else None,
        test=True,
    )
