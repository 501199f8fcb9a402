"""What a run or a plan comes to, as values for the doors; nothing here decides or prints."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from reconcile.model.findings import Finding
from reconcile.model.nouns import Seen, Sighting, Unseen
from reconcile.model.record import Hold, Planned
from reconcile.planning.guard import RemovalRefusal


class OperationOutcome(StrEnum):
    """Outcomes of an operation in a run."""

    PLANNED = "planned"
    APPLIED = "applied"
    PENDING = "pending"
    WAITING = "waiting"
    HELD = "held"


@dataclass(frozen=True, slots=True)
class OperationLine:
    """An operation of a run or a plan. ``number`` None: not recorded."""

    planned: Planned
    fate: OperationOutcome
    number: int | None = None
    new: bool = True


@dataclass(frozen=True, slots=True)
class Preview:
    """The result of ``plan``: what a run would record now.

    ``ages`` are those of ``worker.operations.freshness``.
    """

    sightings: Mapping[int, Sighting]
    pairs: int
    lines: tuple[OperationLine, ...]
    findings: tuple[Finding, ...]
    refusal: RemovalRefusal | None
    overtaken: int
    names: Mapping[int, str]
    paused: int = 0
    ages: Mapping[str, timedelta] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RunSummary:
    """The result of ``sync``: what a run recorded and did.

    ``ages`` are those of ``worker.operations.freshness``.
    """

    run: int
    sightings: Mapping[int, Sighting]
    pairs: int
    lines: tuple[OperationLine, ...]
    superseded: int
    findings: tuple[Finding, ...]
    opened: int
    resolved: int
    refusal: RemovalRefusal | None
    overtaken: int
    names: Mapping[int, str]
    paused: int = 0
    ages: Mapping[str, timedelta] = field(default_factory=dict)


def fate(planned: Planned, *, applied: bool, recorded: bool = True) -> OperationOutcome:
    """The fate of an operation that is applied, held, waits for another, or just pending."""
    if applied:
        return OperationOutcome.APPLIED
    if planned.hold is not Hold.NONE:
        return OperationOutcome.HELD
    if planned.contested:
        return OperationOutcome.WAITING
    return OperationOutcome.PENDING if recorded else OperationOutcome.PLANNED


def counts(lines: tuple[OperationLine, ...], sightings: Mapping[int, Sighting]) -> dict[str, int]:
    """The numbers that describe a run: servers by outcome, operations by fate."""
    fates = Counter(line.fate for line in lines)
    new = sum(line.new for line in lines)
    return {**server_counts(sightings), **operation_counts(fates, new)}


def operation_counts(fates: Mapping[OperationOutcome, int], new: int) -> dict[str, int]:
    """Count operations by outcome. The run recorded ``new`` of them."""
    return {"operations_new": new, **{f"operations_{f}": fates.get(f, 0) for f in OperationOutcome}}


def server_counts(sightings: Mapping[int, Sighting]) -> dict[str, int]:
    """Count servers by outcome."""
    read_count = sum(isinstance(s, Seen) for s in sightings.values())
    unseen = sum(isinstance(s, Unseen) for s in sightings.values())
    return {
        "servers_read": read_count,
        "servers_unread": unseen,
        "servers_skipped": len(sightings) - read_count - unseen,
    }
