"""What is wrong and worth a person's attention: kinds, severities, and one finding as a value.

Made by the judgement in this package; the store keeps them, the doors show them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """Every kind of finding. ``reconcile.kinds`` has its row of the table."""

    PARTNER_MISMATCH = "partner_mismatch"
    ONE_SIDED = "one_sided"
    ABSENCE_UNVERIFIED = "absence_unverified"
    SCOPE_ONE_SIDED = "scope_one_sided"
    EMPTY_READ_UNCONFIRMED = "empty_read_unconfirmed"
    UNMAPPED_NAME = "unmapped_name"
    AMBIGUOUS_NAME = "ambiguous_name"
    ROLE_CONFLICT = "role_conflict"
    STATE_NOT_NORMAL = "state_not_normal"
    SERVER_UNREAD = "server_unread"
    STALE_EVIDENCE = "stale_evidence"
    UNKNOWN_VALUE = "unknown_value"
    DUPLICATE_RELATIONSHIP = "duplicate_relationship"
    BLOCKED = "blocked"
    RELATIONSHIP_LIMIT_NEAR = "relationship_limit_near"
    RELATIONSHIP_EMPTY = "relationship_empty"
    PLAN_REFUSED = "plan_refused"
    CHANGE_WAITS = "change_waits"
    SERVER_REPLACED = "server_replaced"
    DUPLICATE_SERVER = "duplicate_server"
    CLOCK_SKEW = "clock_skew"
    SCOPE_WITHOUT_FAILOVER = "scope_without_failover"
    CREDENTIAL_SUSPENDED = "credential_suspended"
    SERVER_OVERDUE = "server_overdue"
    ALERT_UNDELIVERED = "alert_undelivered"
    SERVER_DOWN = "server_down"


class Severity(StrEnum):
    """How loud a finding is."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


LOUDEST_FIRST: Final = (Severity.CRITICAL, Severity.WARNING, Severity.INFO)


class Matter(StrEnum):
    """Categories of problems: a service that suffers, a difference, or our own blindness."""

    HEALTH = "health"
    DRIFT = "drift"
    BLINDNESS = "blindness"


class Event(StrEnum):
    """Events in the life of a problem."""

    OPENED = "opened"
    CHANGED = "changed"
    STILL_OPEN = "still_open"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


#: (subject, ((who, value), ...)): what each witness says of a property or a scope.
Testimony = tuple[str, tuple[tuple[str, str], ...]]


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem at one time.

    The subject is (``relationship``, ``servers``): a relationship of these servers, a server, or
    with neither the whole store, where ``about`` may name a part. Subject and ``kind`` are the
    fingerprint, whatever the wording. ``values`` are the testimonies of the witnesses. A finding
    with other values has changed. ``grade`` selects a severity within the kind (a state's name).
    ``patience`` is the time in seconds from first sight until the problem is one step more severe
    (None: never).
    """

    kind: Kind
    relationship: str | None
    servers: tuple[int, ...]
    detail: str
    values: tuple[Testimony, ...] = ()
    grade: str = ""
    about: str = ""
    patience: int | None = None

    @property
    def subject(self) -> str:
        """Return a stable text of the subject, equal for the same problem in every run."""
        name = "" if self.relationship is None else self.relationship.casefold()
        return f"{','.join(map(str, sorted(self.servers)))}|{name}{self.about}"

    @property
    def fingerprint(self) -> str:
        """Kind and subject: one problem is one row."""
        return f"{self.kind}|{self.subject}"


def at_least(severity: Severity, least: Severity) -> bool:
    """True if it is as loud as ``least``, or louder."""
    return LOUDEST_FIRST.index(severity) <= LOUDEST_FIRST.index(least)
