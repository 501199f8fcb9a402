"""What is wrong and worth a person's attention: kinds, severities, and one finding as a value.

Made by the judgement in this package; the store keeps them, the doors show them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from reconcile.model.nouns import State


class Kind(StrEnum):
    """Every kind of finding; README explains each."""

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
    """Whose business it is: a service that suffers, a difference, or our own blindness."""

    HEALTH = "health"
    DRIFT = "drift"
    BLINDNESS = "blindness"


#: The matter of every kind.
MATTERS: Final[Mapping[Kind, Matter]] = {
    Kind.PARTNER_MISMATCH: Matter.DRIFT,
    Kind.ONE_SIDED: Matter.DRIFT,
    Kind.ABSENCE_UNVERIFIED: Matter.BLINDNESS,
    Kind.SCOPE_ONE_SIDED: Matter.DRIFT,
    Kind.EMPTY_READ_UNCONFIRMED: Matter.BLINDNESS,
    Kind.UNMAPPED_NAME: Matter.DRIFT,
    Kind.AMBIGUOUS_NAME: Matter.DRIFT,
    Kind.ROLE_CONFLICT: Matter.DRIFT,
    Kind.STATE_NOT_NORMAL: Matter.HEALTH,
    Kind.SERVER_UNREAD: Matter.BLINDNESS,
    Kind.STALE_EVIDENCE: Matter.BLINDNESS,
    Kind.UNKNOWN_VALUE: Matter.BLINDNESS,
    Kind.DUPLICATE_RELATIONSHIP: Matter.DRIFT,
    Kind.BLOCKED: Matter.DRIFT,
    Kind.RELATIONSHIP_LIMIT_NEAR: Matter.HEALTH,
    Kind.RELATIONSHIP_EMPTY: Matter.DRIFT,
    Kind.PLAN_REFUSED: Matter.DRIFT,
    Kind.CHANGE_WAITS: Matter.DRIFT,
    Kind.SERVER_REPLACED: Matter.DRIFT,
    Kind.DUPLICATE_SERVER: Matter.DRIFT,
    Kind.CLOCK_SKEW: Matter.HEALTH,
    Kind.SCOPE_WITHOUT_FAILOVER: Matter.DRIFT,
    Kind.CREDENTIAL_SUSPENDED: Matter.BLINDNESS,
    Kind.SERVER_OVERDUE: Matter.BLINDNESS,
    Kind.ALERT_UNDELIVERED: Matter.BLINDNESS,
    Kind.SERVER_DOWN: Matter.HEALTH,
}

#: Default severities.  ``state_not_normal`` is graded by its worse state: ``kind.State`` wins
#: over ``kind``; people override either.
SEVERITIES: Final[Mapping[str, Severity]] = {
    Kind.PARTNER_MISMATCH: Severity.WARNING,
    Kind.ONE_SIDED: Severity.CRITICAL,
    Kind.ABSENCE_UNVERIFIED: Severity.WARNING,
    Kind.SCOPE_ONE_SIDED: Severity.WARNING,
    Kind.EMPTY_READ_UNCONFIRMED: Severity.WARNING,
    Kind.UNMAPPED_NAME: Severity.INFO,
    Kind.AMBIGUOUS_NAME: Severity.WARNING,
    Kind.ROLE_CONFLICT: Severity.WARNING,
    Kind.STATE_NOT_NORMAL: Severity.INFO,
    f"{Kind.STATE_NOT_NORMAL}.{State.COMMUNICATIONS_INTERRUPTED}": Severity.WARNING,
    f"{Kind.STATE_NOT_NORMAL}.{State.POTENTIAL_CONFLICT}": Severity.WARNING,
    f"{Kind.STATE_NOT_NORMAL}.{State.RESOLUTION_INTERRUPTED}": Severity.WARNING,
    f"{Kind.STATE_NOT_NORMAL}.{State.UNKNOWN}": Severity.WARNING,
    f"{Kind.STATE_NOT_NORMAL}.{State.PARTNER_DOWN}": Severity.CRITICAL,
    Kind.SERVER_UNREAD: Severity.WARNING,
    Kind.STALE_EVIDENCE: Severity.WARNING,
    Kind.UNKNOWN_VALUE: Severity.WARNING,
    Kind.DUPLICATE_RELATIONSHIP: Severity.WARNING,
    Kind.BLOCKED: Severity.WARNING,
    Kind.RELATIONSHIP_LIMIT_NEAR: Severity.WARNING,
    Kind.RELATIONSHIP_EMPTY: Severity.INFO,
    Kind.PLAN_REFUSED: Severity.WARNING,
    Kind.CHANGE_WAITS: Severity.WARNING,
    Kind.SERVER_REPLACED: Severity.CRITICAL,
    Kind.DUPLICATE_SERVER: Severity.WARNING,
    Kind.CLOCK_SKEW: Severity.WARNING,
    Kind.SCOPE_WITHOUT_FAILOVER: Severity.INFO,
    Kind.CREDENTIAL_SUSPENDED: Severity.CRITICAL,
    Kind.SERVER_OVERDUE: Severity.WARNING,
    Kind.ALERT_UNDELIVERED: Severity.CRITICAL,
    Kind.SERVER_DOWN: Severity.CRITICAL,
}

#: What a person may override: every kind, and state_not_normal by state.
OVERRIDABLE: Final = frozenset(
    {*Kind, *(f"{Kind.STATE_NOT_NORMAL}.{s}" for s in State if s is not State.NORMAL)}
)

#: (subject, ((who, value), ...)): what each witness says of a property or a scope.
Said = tuple[str, tuple[tuple[str, str], ...]]


@dataclass(frozen=True, slots=True)
class Finding:
    """One problem.

    The subject is (``relationship``, ``servers``): a relationship of these servers, a server, or
    with neither the whole store, where ``about`` may name a part; with ``kind`` it is the
    fingerprint, whatever the wording.
    ``values`` are what the witnesses say; a finding with other values has changed.
    ``grade`` picks a severity within the kind (a state's name).  ``patience`` is after how many
    seconds it is one step louder, counted from when it was first seen; None: never.
    """

    kind: Kind
    relationship: str | None
    servers: tuple[int, ...]
    detail: str
    values: tuple[Said, ...] = ()
    grade: str = ""
    about: str = ""
    patience: int | None = None

    @property
    def subject(self) -> str:
        """Stable text of what the finding is about; equal for the same problem in every run."""
        name = "" if self.relationship is None else self.relationship.casefold()
        return f"{','.join(map(str, sorted(self.servers)))}|{name}{self.about}"

    @property
    def fingerprint(self) -> str:
        """Kind and subject: one problem is one row."""
        return f"{self.kind}|{self.subject}"


def at_least(severity: Severity, least: Severity) -> bool:
    """True if it is as loud as ``least``, or louder."""
    return LOUDEST_FIRST.index(severity) <= LOUDEST_FIRST.index(least)


def severity(
    finding: Finding, overrides: Mapping[str, Severity], *, outlasted: bool = False
) -> Severity:
    """The severity of a finding: a person's word first, and the finer key before the kind.

    One that ``outlasted`` its patience is one step louder than our own default.  What a person
    said is said for any age: who wants it quiet is not woken up after half an hour all the same.
    """
    fine = f"{finding.kind}.{finding.grade}"
    for key in (fine, finding.kind):
        if key in overrides:
            return overrides[key]
    base = SEVERITIES.get(fine, SEVERITIES[finding.kind])
    return LOUDEST_FIRST[max(0, LOUDEST_FIRST.index(base) - 1)] if outlasted else base


def severity_at(
    finding: Finding, overrides: Mapping[str, Severity], age: timedelta = timedelta(0)
) -> Severity:
    """The severity of a finding that was first seen so long ago."""
    patience = finding.patience
    outlasted = patience is not None and age >= timedelta(seconds=patience)
    return severity(finding, overrides, outlasted=outlasted)
