"""Kinds of problems of relationships: what partners report, and what the database has of it."""

from __future__ import annotations

from typing import Final

from reconcile.kinds.spec import Grade, KindSpec, ResolvedBy, Rise, Subject
from reconcile.model.findings import Kind, Matter, Severity
from reconcile.model.nouns import State
from reconcile.remedies import mismatch, relationships, servers

_IN_TRANSITION: Final = Grade(severity=Severity.INFO, confirmations=2, rise=Rise.AFTER_TRANSITION)

PARTNER_MISMATCH: Final = KindSpec(
    kind=Kind.PARTNER_MISMATCH,
    matter=Matter.DRIFT,
    subject=Subject.RELATIONSHIP,
    default=Grade(severity=Severity.WARNING),
    resolved_by=ResolvedBy.PAIR,
    meaning="The partners report different values. The database keeps its own.",
    next_step=mismatch.partner_mismatch,
    guide="Partners disagree about a value",
)

ONE_SIDED: Final = KindSpec(
    kind=Kind.ONE_SIDED,
    matter=Matter.DRIFT,
    subject=Subject.RELATIONSHIP,
    default=Grade(severity=Severity.CRITICAL),
    resolved_by=ResolvedBy.EXISTENCE,
    meaning="One partner has the relationship. The other one was read without it.",
    next_step=relationships.one_sided,
    guide="A relationship on one partner only",
)

SCOPE_ONE_SIDED: Final = KindSpec(
    kind=Kind.SCOPE_ONE_SIDED,
    matter=Matter.DRIFT,
    subject=Subject.RELATIONSHIP,
    default=Grade(severity=Severity.WARNING),
    resolved_by=ResolvedBy.PAIR,
    meaning="A scope is in the relationship on one partner only.",
    next_step=relationships.scope_one_sided,
    guide="A scope on one partner only",
)

ABSENCE_UNVERIFIED: Final = KindSpec(
    kind=Kind.ABSENCE_UNVERIFIED,
    matter=Matter.BLINDNESS,
    subject=Subject.RELATIONSHIP,
    default=Grade(severity=Severity.WARNING),
    resolved_by=ResolvedBy.EXISTENCE,
    meaning="A partner no longer reports the relationship or a scope, and the other partner was "
    "not read. Nothing is removed.",
    next_step=relationships.absence_unverified,
    guide="An unverified absence",
)

EMPTY_READ_UNCONFIRMED: Final = KindSpec(
    kind=Kind.EMPTY_READ_UNCONFIRMED,
    matter=Matter.BLINDNESS,
    subject=Subject.RELATIONSHIP,
    default=Grade(severity=Severity.WARNING),
    resolved_by=ResolvedBy.PAIR,
    meaning="A server reports no relationship where it had some, or a relationship lost its last "
    "scopes. Later readings must confirm it.",
    next_step=relationships.empty_read,
    guide="A sudden empty reading",
)

ROLE_CONFLICT: Final = KindSpec(
    kind=Kind.ROLE_CONFLICT,
    matter=Matter.DRIFT,
    subject=Subject.RELATIONSHIP,
    default=Grade(severity=Severity.WARNING),
    resolved_by=ResolvedBy.REPORTER,
    meaning="The partners disagree about which one is primary.",
    next_step=relationships.role_conflict,
    guide="Two primaries",
)

STATE_NOT_NORMAL: Final = KindSpec(
    kind=Kind.STATE_NOT_NORMAL,
    matter=Matter.HEALTH,
    subject=Subject.RELATIONSHIP,
    default=_IN_TRANSITION,
    grades={
        **{state: _IN_TRANSITION for state in State if state is not State.NORMAL},
        State.COMMUNICATIONS_INTERRUPTED: Grade(
            severity=Severity.WARNING, confirmations=2, rise=Rise.AFTER_INTERRUPTION
        ),
        State.POTENTIAL_CONFLICT: Grade(severity=Severity.WARNING),
        State.RESOLUTION_INTERRUPTED: Grade(severity=Severity.WARNING, confirmations=2),
        State.UNKNOWN: Grade(severity=Severity.WARNING, confirmations=2),
        State.PARTNER_DOWN: Grade(severity=Severity.CRITICAL),
    },
    resolved_by=ResolvedBy.PAIR,
    meaning="A partner reports another state than Normal.",
    next_step=servers.state_not_normal,
    guide="A state other than Normal",
)

STALE_EVIDENCE: Final = KindSpec(
    kind=Kind.STALE_EVIDENCE,
    matter=Matter.BLINDNESS,
    subject=Subject.RELATIONSHIP,
    default=Grade(severity=Severity.WARNING),
    resolved_by=ResolvedBy.NEXT_JUDGEMENT,
    meaning="No partner was read for longer than the evidence age.",
    next_step=relationships.stale_evidence,
    guide="A server that cannot be read",
)

UNKNOWN_VALUE: Final = KindSpec(
    kind=Kind.UNKNOWN_VALUE,
    matter=Matter.BLINDNESS,
    subject=Subject.RELATIONSHIP,
    default=Grade(severity=Severity.WARNING),
    resolved_by=ResolvedBy.REPORTER,
    meaning="A server reports a value that ipam-sync does not know. The database keeps its own.",
    next_step=relationships.unknown_value,
    guide="An unknown value",
)

DUPLICATE_RELATIONSHIP: Final = KindSpec(
    kind=Kind.DUPLICATE_RELATIONSHIP,
    matter=Matter.DRIFT,
    subject=Subject.RELATIONSHIP,
    default=Grade(severity=Severity.WARNING),
    resolved_by=ResolvedBy.REPORTER,
    meaning="A server reports a name twice, or two records turn out to be one relationship.",
    next_step=relationships.duplicate_relationship,
    guide="A relationship twice",
)

RELATIONSHIP_EMPTY: Final = KindSpec(
    kind=Kind.RELATIONSHIP_EMPTY,
    matter=Matter.DRIFT,
    subject=Subject.RELATIONSHIP,
    default=Grade(severity=Severity.INFO),
    resolved_by=ResolvedBy.PAIR,
    meaning="A relationship has no scopes.",
    next_step=relationships.relationship_empty,
    guide="A relationship without scopes",
)

ROWS: Final[tuple[KindSpec, ...]] = (
    PARTNER_MISMATCH,
    ONE_SIDED,
    SCOPE_ONE_SIDED,
    ABSENCE_UNVERIFIED,
    EMPTY_READ_UNCONFIRMED,
    ROLE_CONFLICT,
    STATE_NOT_NORMAL,
    STALE_EVIDENCE,
    UNKNOWN_VALUE,
    DUPLICATE_RELATIONSHIP,
    RELATIONSHIP_EMPTY,
)
