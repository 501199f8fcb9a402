"""Kinds of problems of relationships: what partners report, and what the database has of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from reconcile.kinds.reports import Reports, differing, joined, placed, readable
from reconcile.kinds.spec import KindSpec, ProblemGrade, ResolvedBy, Subject
from reconcile.model.findings import Kind, Matter, Severity, Testimony
from reconcile.model.formatting import listed, span
from reconcile.remedies import mismatch, relationships


def _partner_mismatch(name: str, reports: Sequence[Testimony], stored: Mapping[str, str]) -> str:
    """Say each side's value of every property, and the ``stored`` values of the database."""
    values = "; ".join(differing(subject, words) for subject, words in reports)
    stored_values = listed(f"{subject} {readable(value)}" for subject, value in stored.items())
    keeps = f" The database keeps {stored_values}." if stored_values else ""
    return f"The partners of {name} disagree: {values}.{keeps}"


PARTNER_MISMATCH: Final = KindSpec(
    kind=Kind.PARTNER_MISMATCH,
    matter=Matter.DRIFT,
    subject=Subject.RELATIONSHIP,
    default=ProblemGrade(severity=Severity.WARNING),
    resolved_by=ResolvedBy.PAIR,
    meaning="The partners report different values. The database keeps its own.",
    sentence=_partner_mismatch,
    next_step=mismatch.partner_mismatch,
    guide="Partners disagree about a value",
)


def _one_sided(name: str, reports: Reports) -> str:
    return (
        f"Only one partner has relationship {name}: {joined(reports)}. "
        "Nothing changes in the database until both partners agree."
    )


ONE_SIDED: Final = KindSpec(
    kind=Kind.ONE_SIDED,
    matter=Matter.DRIFT,
    subject=Subject.RELATIONSHIP,
    default=ProblemGrade(severity=Severity.CRITICAL),
    resolved_by=ResolvedBy.EXISTENCE,
    meaning="One partner has the relationship. The other one was read without it.",
    sentence=_one_sided,
    next_step=relationships.one_sided,
    guide="A relationship on one partner only",
)


def _scope_one_sided(name: str, reports: Sequence[Testimony]) -> str:
    scopes = listed((f"{scope} ({placed(words)})" for scope, words in reports), most=3)
    return (
        f"Scopes of {name} are on one partner only: {scopes}. "
        "They are neither added nor removed until both partners agree."
    )


SCOPE_ONE_SIDED: Final = KindSpec(
    kind=Kind.SCOPE_ONE_SIDED,
    matter=Matter.DRIFT,
    subject=Subject.RELATIONSHIP,
    default=ProblemGrade(severity=Severity.WARNING),
    resolved_by=ResolvedBy.PAIR,
    meaning="A scope is in the relationship on one partner only.",
    sentence=_scope_one_sided,
    next_step=relationships.scope_one_sided,
    guide="A scope on one partner only",
)


def _absence_unverified(
    name: str,
    reports: Reports,
    *,
    reporter: str = "",
    scopes: Sequence[str] = (),
    replaced: Sequence[str] = (),
) -> str:
    """Say what is missing: the relationship itself, or ``scopes`` that the ``reporter`` lost."""
    if not scopes:
        return (
            f"No partner reports relationship {name} any more, but not every partner was read: "
            f"{joined(reports)}. Nothing is removed until both were read without it, or one of "
            "them is retired."
        )
    reason = (
        f"{' and '.join(replaced)} is a different machine than before, not confirmed yet"
        if replaced
        else "its partner was not read"
    )
    return (
        f"{reporter} no longer has {listed(scopes)} in {name}, and {reason}. "
        "Nothing is removed until both partners report the same."
    )


ABSENCE_UNVERIFIED: Final = KindSpec(
    kind=Kind.ABSENCE_UNVERIFIED,
    matter=Matter.BLINDNESS,
    subject=Subject.RELATIONSHIP,
    default=ProblemGrade(severity=Severity.WARNING),
    resolved_by=ResolvedBy.EXISTENCE,
    meaning="A partner no longer reports the relationship or a scope, and the other partner was "
    "not read. Nothing is removed.",
    sentence=_absence_unverified,
    next_step=relationships.absence_unverified,
    guide="An unverified absence",
)


def _empty_read_unconfirmed(name: str, lost: str, confirm_after: timedelta) -> str:
    """Say that a server or relationship (``name``) reports none of what it had (``lost``)."""
    return (
        f"{name} now reports no {lost}, but had some. They count as deleted only if every "
        f"reading says so for {span(confirm_after)}. Was a server reinstalled, or its database "
        "restored?"
    )


EMPTY_READ_UNCONFIRMED: Final = KindSpec(
    kind=Kind.EMPTY_READ_UNCONFIRMED,
    matter=Matter.BLINDNESS,
    subject=Subject.RELATIONSHIP,
    default=ProblemGrade(severity=Severity.WARNING),
    resolved_by=ResolvedBy.PAIR,
    meaning="A server reports no relationship where it had some, or a relationship lost its last "
    "scopes. Later readings must confirm it.",
    sentence=_empty_read_unconfirmed,
    next_step=relationships.empty_read,
    guide="A sudden empty reading",
)


def _role_conflict(name: str, reports: Reports) -> str:
    roles = "; ".join(f"{server} reports that it is {role}" for server, role in reports)
    return (
        f"The partners of {name} disagree about the primary: {roles}. The database keeps its order."
    )


ROLE_CONFLICT: Final = KindSpec(
    kind=Kind.ROLE_CONFLICT,
    matter=Matter.DRIFT,
    subject=Subject.RELATIONSHIP,
    default=ProblemGrade(severity=Severity.WARNING),
    resolved_by=ResolvedBy.REPORTER,
    meaning="The partners disagree about which one is primary.",
    sentence=_role_conflict,
    next_step=relationships.role_conflict,
    guide="Two primaries",
)


def _stale_evidence(name: str, last: datetime) -> str:
    return (
        f"No partner of {name} was read since {last:%Y-%m-%d %H:%M} UTC. "
        "The database may be out of date."
    )


STALE_EVIDENCE: Final = KindSpec(
    kind=Kind.STALE_EVIDENCE,
    matter=Matter.BLINDNESS,
    subject=Subject.RELATIONSHIP,
    default=ProblemGrade(severity=Severity.WARNING),
    resolved_by=ResolvedBy.NEXT_JUDGEMENT,
    meaning="No partner was read for longer than the evidence age.",
    sentence=_stale_evidence,
    next_step=relationships.stale_evidence,
    guide="A server that cannot be read",
)


def _unknown_value(name: str, server: str, values: Sequence[tuple[str, str]]) -> str:
    listing = listed(f"{subject} {value!r}" for subject, value in values)
    return (
        f"{server} reports {listing} for {name}, which ipam-sync does not know. "
        "The database keeps its value."
    )


UNKNOWN_VALUE: Final = KindSpec(
    kind=Kind.UNKNOWN_VALUE,
    matter=Matter.BLINDNESS,
    subject=Subject.RELATIONSHIP,
    default=ProblemGrade(severity=Severity.WARNING),
    resolved_by=ResolvedBy.REPORTER,
    meaning="A server reports a value that ipam-sync does not know. The database keeps its own.",
    sentence=_unknown_value,
    next_step=relationships.unknown_value,
    guide="An unknown value",
)


def _duplicate_relationship(
    name: str, *, server: str = "", records: tuple[int, int] | None = None
) -> str:
    """Say who reports the name twice, or which of two ``records`` goes and which one stays."""
    if records is None:
        return (
            f"{server} reports relationship {name} more than once, but Windows allows a name "
            "only once. Nothing changes. An export may have been joined from several."
        )
    removed, keeper = records
    return (
        f"Records {keeper} and {removed} are the same relationship {name}: each was created while "
        f"the other partner's name matched no server. The removal of record {removed} waits for "
        f"you. Record {keeper} then gets both sides."
    )


DUPLICATE_RELATIONSHIP: Final = KindSpec(
    kind=Kind.DUPLICATE_RELATIONSHIP,
    matter=Matter.DRIFT,
    subject=Subject.RELATIONSHIP,
    default=ProblemGrade(severity=Severity.WARNING),
    resolved_by=ResolvedBy.REPORTER,
    meaning="A server reports a name twice, or two records turn out to be one relationship.",
    sentence=_duplicate_relationship,
    next_step=relationships.duplicate_relationship,
    guide="A relationship twice",
)


def _relationship_empty(name: str) -> str:
    return (
        f"Relationship {name} has no scopes. It counts towards the 31 relationships that Windows "
        "allows on a server."
    )


RELATIONSHIP_EMPTY: Final = KindSpec(
    kind=Kind.RELATIONSHIP_EMPTY,
    matter=Matter.DRIFT,
    subject=Subject.RELATIONSHIP,
    default=ProblemGrade(severity=Severity.INFO),
    resolved_by=ResolvedBy.PAIR,
    meaning="A relationship has no scopes.",
    sentence=_relationship_empty,
    next_step=relationships.relationship_empty,
    guide="A relationship without scopes",
)

ROWS: Final[tuple[KindSpec[...], ...]] = (
    PARTNER_MISMATCH,
    ONE_SIDED,
    SCOPE_ONE_SIDED,
    ABSENCE_UNVERIFIED,
    EMPTY_READ_UNCONFIRMED,
    ROLE_CONFLICT,
    STALE_EVIDENCE,
    UNKNOWN_VALUE,
    DUPLICATE_RELATIONSHIP,
    RELATIONSHIP_EMPTY,
)
