"""Kinds of problems that end in ipam-sync itself: names, operations, credentials, channels."""

from __future__ import annotations

from typing import Final

from reconcile.kinds.spec import Grade, KindSpec, ResolvedBy, Subject
from reconcile.model.findings import Kind, Matter, Severity
from reconcile.remedies import decisions

UNMAPPED_NAME: Final = KindSpec(
    kind=Kind.UNMAPPED_NAME,
    matter=Matter.DRIFT,
    subject=Subject.RELATIONSHIP,
    default=Grade(severity=Severity.INFO),
    resolved_by=ResolvedBy.REPORTER,
    meaning="A partner's name matches no server of the inventory.",
    next_step=decisions.unmapped_name,
    guide="A name that matches no server",
)

AMBIGUOUS_NAME: Final = KindSpec(
    kind=Kind.AMBIGUOUS_NAME,
    matter=Matter.DRIFT,
    subject=Subject.RELATIONSHIP,
    default=Grade(severity=Severity.WARNING),
    resolved_by=ResolvedBy.REPORTER,
    meaning="A partner's name matches several servers.",
    next_step=decisions.ambiguous_name,
    guide="A name that matches several servers",
)

BLOCKED: Final = KindSpec(
    kind=Kind.BLOCKED,
    matter=Matter.DRIFT,
    subject=Subject.RELATIONSHIP,
    default=Grade(severity=Severity.WARNING),
    resolved_by=ResolvedBy.NEXT_JUDGEMENT,
    meaning="An operation needs a name or scope that another record of the same server holds.",
    next_step=decisions.blocked,
    guide="A blocked operation",
    at_close=True,
)

PLAN_REFUSED: Final = KindSpec(
    kind=Kind.PLAN_REFUSED,
    matter=Matter.DRIFT,
    subject=Subject.EVERYTHING,
    default=Grade(severity=Severity.WARNING),
    resolved_by=ResolvedBy.DECISION,
    meaning="More removals are pending than the limit allows. All of them are held.",
    next_step=decisions.plan_refused,
    guide="Removals over the limit",
    at_close=True,
)

CHANGE_WAITS: Final = KindSpec(
    kind=Kind.CHANGE_WAITS,
    matter=Matter.DRIFT,
    subject=Subject.RELATIONSHIP,
    default=Grade(severity=Severity.WARNING),
    resolved_by=ResolvedBy.DECISION,
    meaning="The database differs from the servers, and the operation waits for you: under policy "
    "`review`, or because there was only one witness.",
    next_step=decisions.change_waits,
    guide="Operations that wait for you",
    at_close=True,
)

CREDENTIAL_SUSPENDED: Final = KindSpec(
    kind=Kind.CREDENTIAL_SUSPENDED,
    matter=Matter.BLINDNESS,
    subject=Subject.CREDENTIAL,
    default=Grade(severity=Severity.CRITICAL),
    resolved_by=ResolvedBy.EVERY_RUN,
    meaning="Three servers refused a credential. It is not used any more.",
    next_step=decisions.credential_suspended,
    guide="A suspended credential",
)

ALERT_UNDELIVERED: Final = KindSpec(
    kind=Kind.ALERT_UNDELIVERED,
    matter=Matter.BLINDNESS,
    subject=Subject.CHANNEL,
    default=Grade(severity=Severity.CRITICAL),
    resolved_by=ResolvedBy.DELIVERY,
    meaning="A channel did not accept an alert, and ipam-sync gave up on it.",
    next_step=decisions.alert_undelivered,
    guide="Alerts that are not delivered",
)

ROWS: Final[tuple[KindSpec, ...]] = (
    UNMAPPED_NAME,
    AMBIGUOUS_NAME,
    BLOCKED,
    PLAN_REFUSED,
    CHANGE_WAITS,
    CREDENTIAL_SUSPENDED,
    ALERT_UNDELIVERED,
)
