"""The columns of the table of kinds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Generic, ParamSpec, TypeAlias

from reconcile.model.findings import Kind, Matter, Severity
from reconcile.remedies.model import Facts, RemedyStep

#: The values that a sentence names.
Values = ParamSpec("Values")

NextStep: TypeAlias = Callable[[Facts], tuple[RemedyStep, ...]]


class Subject(StrEnum):
    """Object that a problem is about."""

    RELATIONSHIP = "relationship"
    SERVER = "server"
    TWO_SERVERS = "two servers"
    CREDENTIAL = "credential"
    CHANNEL = "channel"
    EVERYTHING = "all servers"


class Rise(StrEnum):
    """When an open problem becomes one step more severe."""

    NEVER = "does not rise"
    AFTER_INTERRUPTION = "`IPAM_SYNC_INTERRUPTED_CRITICAL_AFTER`"
    AFTER_TRANSITION = "`IPAM_SYNC_TRANSITION_WARNING_AFTER`"


class ResolvedBy(StrEnum):
    """The evidence that ends a problem.

    Whatever was not read ends nothing, unless a person took the server out for good.
    """

    PAIR = "readings of both partners"
    EXISTENCE = "readings of both partners, or one that agrees with the silent partner's latest"
    REPORTER = "a reading of the server that reported it"
    NEXT_JUDGEMENT = "the next run that judges the relationship"
    SERVER = "a reading of the server without it, or retiring the server"
    ONE_NAME_LEFT = "readings with different machine ids, or disabling one of the two names"
    ANSWER = "a reading of the server, or disabling it"
    CLOSE = "the close of a run that no longer finds it"
    EVERY_RUN = "the next run"
    DELIVERY = "a delivery over the channel"


class Detail(StrEnum):
    """A part of a reading that exports and old servers leave out."""

    MACHINE_ID = "machine id"
    CLOCK = "clock"
    SCOPES = "scopes"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemGrade:
    """How serious a problem is: ``confirmations`` are the readings that must show it first."""

    severity: Severity
    confirmations: int = 1
    rise: Rise = Rise.NEVER


@dataclass(frozen=True, slots=True, kw_only=True)
class KindSpec(Generic[Values]):
    """Row of the table.

    ``meaning`` is the line of the reference page, ``sentence`` says what is wrong with the names
    and values of one problem.  ``grades`` replace ``default`` for problems
    with that grade, a state's name.  ``rests_on`` is the part of a reading without which it says
    nothing about the kind.  ``at_close`` kinds are found when a run closes, after what could be
    applied was applied.  ``guide`` is a heading of the page of remedies, None if the reference
    page says enough.
    """

    kind: Kind
    matter: Matter
    subject: Subject
    default: ProblemGrade
    resolved_by: ResolvedBy
    meaning: str
    sentence: Callable[Values, str]
    next_step: NextStep
    guide: str | None = None
    grades: Mapping[str, ProblemGrade] = field(default_factory=lambda: MappingProxyType({}))
    rests_on: Detail | None = None
    at_close: bool = False

    def grade(self, name: str) -> ProblemGrade:
        """Return the grade of that name, or the default."""
        return self.grades.get(name, self.default)
