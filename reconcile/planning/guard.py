"""May the destructive part of a plan run? (rule R4)  The plan can refuse itself, with numbers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from reconcile.kinds.decisions import PLAN_REFUSED
from reconcile.model.findings import Finding, Kind
from reconcile.model.nouns import Operation
from reconcile.model.record import Planned


@dataclass(frozen=True, slots=True)
class Counts:
    """Relationships and scope memberships (one per relationship and scope)."""

    relationships: int = 0
    scopes: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.relationships + other.relationships, self.scopes + other.scopes)

    def __sub__(self, other: Counts) -> Counts:
        return Counts(self.relationships - other.relationships, self.scopes - other.scopes)


@dataclass(frozen=True, slots=True)
class Ledger:
    """The counts of the removal limit, over the whole store.

    ``stored`` leaves pending Creates out. ``applied`` was removed by policy alone in the last 24
    hours, and ``pending`` waits to be removed.
    """

    stored: Counts = Counts()
    applied: Counts = Counts()
    pending: Counts = Counts()


@dataclass(frozen=True, slots=True)
class RemovalLimits:
    """At most the greater of a number and a percentage of what the store has, in 24 hours."""

    relationships: int = 5
    relationships_percent: int = 10
    scopes: int = 50
    scopes_percent: int = 10


@dataclass(frozen=True, slots=True)
class RemovalRefusal:
    """Why nothing destructive runs: ``wanted`` (pending) and ``applied`` against ``limit``."""

    wanted: Counts
    applied: Counts
    limit: Counts
    why: str
    remedy: str


def taken(planned: Planned) -> Counts:
    """Return the numbers of relationships and scopes that an operation removes."""
    match planned.operation:
        case Operation.DELETE:
            return Counts(1, len(planned.scopes))
        case Operation.REMOVE_SCOPES:
            return Counts(0, len(planned.scopes))
        case Operation.UPDATE:
            return Counts(1, 0) if planned.destructive else Counts()
        case Operation.CREATE | Operation.ADD_SCOPES:
            return Counts()


_REMEDY: Final = (
    "If these were not removed on purpose, restore them on the servers: the held removals then "
    "withdraw themselves. If they were, apply them by number. Look at them: "
    "ipam-sync operations list --held"
)


def limit_of(stored: Counts, limits: RemovalLimits) -> Counts:
    """The limits in force: a number or a share of what the store has, whichever is more."""
    return Counts(
        max(limits.relationships, stored.relationships * limits.relationships_percent // 100),
        max(limits.scopes, stored.scopes * limits.scopes_percent // 100),
    )


def guard(ledger: Ledger, limits: RemovalLimits) -> RemovalRefusal | None:
    """Refuse if what the machine applied in 24 hours plus what is pending is over the limit."""
    stored, pending = ledger.stored, ledger.pending
    # Nothing to hold, so earlier removals need no refusal either.
    if pending == Counts():
        return None
    limit = limit_of(stored, limits)
    total = ledger.applied + pending
    exceeded = []
    if pending.relationships and total.relationships > limit.relationships:
        exceeded.append(
            _over("relationships", total.relationships, limit.relationships, stored.relationships)
        )
    if pending.scopes and total.scopes > limit.scopes:
        exceeded.append(_over("scope memberships", total.scopes, limit.scopes, stored.scopes))
    if not exceeded:
        return None
    return RemovalRefusal(
        pending,
        ledger.applied,
        limit,
        f"{' and '.join(exceeded)} would be removed within 24 hours",
        _REMEDY,
    )


def still_held(
    ledger: Ledger, held: Iterable[Planned], limits: RemovalLimits
) -> RemovalRefusal | None:
    """Return the refusal that goes on for removals that an earlier one holds, or None without any.

    They wait for a person, even if they are within the limit by now.
    """
    counts = sum(map(taken, held), Counts())
    if counts == Counts():
        return None
    return RemovalRefusal(
        counts,
        ledger.applied,
        limit_of(ledger.stored, limits),
        "removals that were too many at once are held until a person has looked",
        _REMEDY,
    )


def refused_finding(refusal: RemovalRefusal) -> Finding:
    """Return the problem that removals are over the limit. Its subject is the whole store."""
    pending_counts = (
        ("relationships", str(refusal.wanted.relationships)),
        ("scope memberships", str(refusal.wanted.scopes)),
    )
    counts = [f"{noun}: {count}" for noun, count in pending_counts if count != "0"]
    return Finding(
        Kind.PLAN_REFUSED,
        None,
        (),
        PLAN_REFUSED.sentence(refusal.why, counts, refusal.remedy),
        (("held", pending_counts),),
    )


def _over(what: str, total: int, limit: int, stored: int) -> str:
    return f"{total} of {stored} {what} (limit {limit})"
