"""Kinds of problems that end in ipam-sync itself: names, operations, credentials, channels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from reconcile.kinds.spec import KindSpec, ProblemGrade, ResolvedBy, Subject
from reconcile.model.findings import Kind, Matter, Severity
from reconcile.model.formatting import listed
from reconcile.model.nouns import Operation
from reconcile.remedies import decisions


def _unmapped_name(name: str, server: str, partner: str) -> str:
    return f"{server} calls its partner in {name} {partner!r}, which matches no server of the inventory."


UNMAPPED_NAME: Final = KindSpec(
    kind=Kind.UNMAPPED_NAME,
    matter=Matter.DRIFT,
    subject=Subject.RELATIONSHIP,
    default=ProblemGrade(severity=Severity.INFO),
    resolved_by=ResolvedBy.REPORTER,
    meaning="A partner's name matches no server of the inventory.",
    sentence=_unmapped_name,
    next_step=decisions.unmapped_name,
    guide="A name that matches no server",
)


def _ambiguous_name(name: str, server: str, partner: str, candidates: Iterable[str]) -> str:
    return f"{server} calls its partner in {name} {partner!r}, which could be {listed(candidates)}."


AMBIGUOUS_NAME: Final = KindSpec(
    kind=Kind.AMBIGUOUS_NAME,
    matter=Matter.DRIFT,
    subject=Subject.RELATIONSHIP,
    default=ProblemGrade(severity=Severity.WARNING),
    resolved_by=ResolvedBy.REPORTER,
    meaning="A partner's name matches several servers.",
    sentence=_ambiguous_name,
    next_step=decisions.ambiguous_name,
    guide="A name that matches several servers",
)


def _blocked(name: str, operation: Operation, held: str) -> str:
    return f"{operation} of {name} waits: {held}. It goes on when either side changes."


BLOCKED: Final = KindSpec(
    kind=Kind.BLOCKED,
    matter=Matter.DRIFT,
    subject=Subject.RELATIONSHIP,
    default=ProblemGrade(severity=Severity.WARNING),
    resolved_by=ResolvedBy.NEXT_JUDGEMENT,
    meaning="An operation needs a name or scope that another record of the same server holds.",
    sentence=_blocked,
    next_step=decisions.blocked,
    guide="A blocked operation",
    at_close=True,
)


def _plan_refused(why: str, counts: Iterable[str], remedy: str) -> str:
    return f"{why[:1].upper()}{why[1:]}. All removals are held ({listed(counts)}). {remedy}"


PLAN_REFUSED: Final = KindSpec(
    kind=Kind.PLAN_REFUSED,
    matter=Matter.DRIFT,
    subject=Subject.EVERYTHING,
    default=ProblemGrade(severity=Severity.WARNING),
    resolved_by=ResolvedBy.CLOSE,
    meaning="More removals are pending than the limit allows. All of them are held.",
    sentence=_plan_refused,
    next_step=decisions.plan_refused,
    guide="Removals over the limit",
    at_close=True,
)

#: Differences of a relationship within the sentence.
_MOST_DIFFERENCES: Final = 5


def _change_waits(
    name: str = "",
    differences: Iterable[str] = (),
    operations: Sequence[int] = (),
    *,
    creations: int = 0,
) -> str:
    """Say what waits for a relationship, or how many relationships wait for their creation."""
    if creations:
        relationships = "1 relationship is" if creations == 1 else f"{creations} relationships are"
        return (
            f"{relationships} on servers and not in the database yet. Creating them waits for you."
        )
    numbers = " ".join(map(str, operations))
    return (
        f"The database differs from the servers about {name}: "
        f"{listed(differences, _MOST_DIFFERENCES)}. This waits for you: "
        f"operation{'' if len(operations) == 1 else 's'} {numbers}."
    )


CHANGE_WAITS: Final = KindSpec(
    kind=Kind.CHANGE_WAITS,
    matter=Matter.DRIFT,
    subject=Subject.RELATIONSHIP,
    default=ProblemGrade(severity=Severity.WARNING),
    resolved_by=ResolvedBy.CLOSE,
    meaning="The database differs from the servers, and the operation waits for you: under policy "
    "`review`, or because there was only one witness.",
    sentence=_change_waits,
    next_step=decisions.change_waits,
    guide="Operations that wait for you",
    at_close=True,
)


def _credential_suspended(credential: str) -> str:
    return (
        f"Credential {credential} is suspended: three servers refused it. It is not used until its "
        "password changes or you resume it."
    )


CREDENTIAL_SUSPENDED: Final = KindSpec(
    kind=Kind.CREDENTIAL_SUSPENDED,
    matter=Matter.BLINDNESS,
    subject=Subject.CREDENTIAL,
    default=ProblemGrade(severity=Severity.CRITICAL),
    resolved_by=ResolvedBy.EVERY_RUN,
    meaning="Three servers refused a credential. It is not used any more.",
    sentence=_credential_suspended,
    next_step=decisions.credential_suspended,
    guide="A suspended credential",
)


def _alert_undelivered(channel: str, why: str) -> str:
    return f"Alerts cannot be delivered over {channel}: {why} New alerts are still tried."


ALERT_UNDELIVERED: Final = KindSpec(
    kind=Kind.ALERT_UNDELIVERED,
    matter=Matter.BLINDNESS,
    subject=Subject.CHANNEL,
    default=ProblemGrade(severity=Severity.CRITICAL),
    resolved_by=ResolvedBy.DELIVERY,
    meaning="A channel did not accept an alert, and ipam-sync gave up on it.",
    sentence=_alert_undelivered,
    next_step=decisions.alert_undelivered,
    guide="Alerts that are not delivered",
)

ROWS: Final[tuple[KindSpec[...], ...]] = (
    UNMAPPED_NAME,
    AMBIGUOUS_NAME,
    BLOCKED,
    PLAN_REFUSED,
    CHANGE_WAITS,
    CREDENTIAL_SUSPENDED,
    ALERT_UNDELIVERED,
)
