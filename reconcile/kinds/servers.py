"""Kinds of problems of servers: reachability, machines, clocks, scopes outside failover."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from reconcile.kinds.spec import Detail, KindSpec, ProblemGrade, ResolvedBy, Subject
from reconcile.model.findings import Kind, Matter, Severity
from reconcile.model.formatting import listed
from reconcile.remedies import servers


def _server_unread(server: str, error: str) -> str:
    return f"{server} could not be read: {error}"


SERVER_UNREAD: Final = KindSpec(
    kind=Kind.SERVER_UNREAD,
    matter=Matter.BLINDNESS,
    subject=Subject.SERVER,
    default=ProblemGrade(severity=Severity.WARNING, confirmations=2),
    resolved_by=ResolvedBy.ANSWER,
    meaning="A server could not be read.",
    sentence=_server_unread,
    next_step=servers.server_unread,
    guide="A server that cannot be read",
)


def _server_overdue(server: str, read_at: datetime | None) -> str:
    latest_reading = (
        "was never read" if read_at is None else f"was not read since {read_at:%Y-%m-%d %H:%M} UTC"
    )
    return f"{server} {latest_reading}. What the database has of it may be out of date."


SERVER_OVERDUE: Final = KindSpec(
    kind=Kind.SERVER_OVERDUE,
    matter=Matter.BLINDNESS,
    subject=Subject.SERVER,
    default=ProblemGrade(severity=Severity.WARNING),
    resolved_by=ResolvedBy.ANSWER,
    meaning="A server was not read for several intervals. Maintenance does not count.",
    sentence=_server_overdue,
    next_step=servers.server_overdue,
    guide="A server that cannot be read",
)


def _server_down(server: str, cut_off: Sequence[str], read: int) -> str:
    """Say how many of the partners that were ``read`` lately are ``cut_off`` from the server."""
    return (
        f"{server} is down: it cannot be read, and {len(cut_off)} of the {read} partners that "
        f"were read lately do not reach it either ({listed(cut_off)}). Clients depend on the "
        "partners now."
    )


SERVER_DOWN: Final = KindSpec(
    kind=Kind.SERVER_DOWN,
    matter=Matter.HEALTH,
    subject=Subject.SERVER,
    default=ProblemGrade(severity=Severity.CRITICAL, confirmations=2),
    resolved_by=ResolvedBy.ANSWER,
    meaning="A server cannot be read, and two partners, or all that were read lately, do not "
    "reach it either. This explains its other problems.",
    sentence=_server_down,
    next_step=servers.server_down,
    guide="A server that is down",
    at_close=True,
)


def _server_replaced(server: str) -> str:
    return (
        f"{server} is a different machine than before (machine ID changed). Until you confirm it, "
        "relationships missing there are not treated as deleted."
    )


SERVER_REPLACED: Final = KindSpec(
    kind=Kind.SERVER_REPLACED,
    matter=Matter.DRIFT,
    subject=Subject.SERVER,
    default=ProblemGrade(severity=Severity.CRITICAL),
    resolved_by=ResolvedBy.SERVER,
    rests_on=Detail.MACHINE_ID,
    meaning="A different machine answers under a server's name. Relationships that it lacks do "
    "not count as deleted until you confirm it.",
    sentence=_server_replaced,
    next_step=servers.server_replaced,
    guide="A different machine",
)


def _duplicate_server(witness: str, double: str) -> str:
    return f"{double} and {witness} are the same machine, so only {witness} counts as a witness."


DUPLICATE_SERVER: Final = KindSpec(
    kind=Kind.DUPLICATE_SERVER,
    matter=Matter.DRIFT,
    subject=Subject.TWO_SERVERS,
    default=ProblemGrade(severity=Severity.WARNING),
    resolved_by=ResolvedBy.ONE_NAME_LEFT,
    rests_on=Detail.MACHINE_ID,
    meaning="Two servers of the inventory are one machine. Only one of them counts as a witness.",
    sentence=_duplicate_server,
    next_step=servers.duplicate_server,
    guide="One machine under two names",
)


def _clock_skew(servers: Sequence[str], seconds: float) -> str:
    """Say by how much one clock is ahead of the database's, or by how much two clocks differ."""
    way = "ahead of" if seconds > 0 else "behind"
    skew = (
        f"The clock of {servers[0]} is {abs(seconds):.0f} s {way} the database's."
        if len(servers) == 1
        else f"The clocks of {' and '.join(servers)} differ by {abs(seconds):.0f} s."
    )
    return f"{skew} Windows failover allows a minute between partners."


CLOCK_SKEW: Final = KindSpec(
    kind=Kind.CLOCK_SKEW,
    matter=Matter.HEALTH,
    subject=Subject.SERVER,
    default=ProblemGrade(severity=Severity.WARNING, confirmations=2),
    resolved_by=ResolvedBy.SERVER,
    rests_on=Detail.CLOCK,
    meaning="A server's clock differs from its partner's or from the database's. Windows failover "
    "allows a minute.",
    sentence=_clock_skew,
    next_step=servers.clock_skew,
    guide="A clock that is wrong",
)


def _relationship_limit_near(server: str, count: int) -> str:
    return f"{server} has {count} of the 31 failover relationships that Windows allows."


RELATIONSHIP_LIMIT_NEAR: Final = KindSpec(
    kind=Kind.RELATIONSHIP_LIMIT_NEAR,
    matter=Matter.HEALTH,
    subject=Subject.SERVER,
    default=ProblemGrade(severity=Severity.WARNING),
    resolved_by=ResolvedBy.SERVER,
    meaning="A server has nearly the 31 relationships that Windows allows.",
    sentence=_relationship_limit_near,
    next_step=servers.relationship_limit_near,
    guide="Nearly 31 relationships on a server",
)


def _scope_without_failover(server: str, scopes: str) -> str:
    return f"{server} has active scopes that are in no relationship: {scopes}."


SCOPE_WITHOUT_FAILOVER: Final = KindSpec(
    kind=Kind.SCOPE_WITHOUT_FAILOVER,
    matter=Matter.DRIFT,
    subject=Subject.SERVER,
    default=ProblemGrade(severity=Severity.INFO),
    resolved_by=ResolvedBy.SERVER,
    rests_on=Detail.SCOPES,
    meaning="A server has active scopes that are in no relationship.",
    sentence=_scope_without_failover,
    next_step=servers.scope_without_failover,
    guide="Scopes in no relationship",
)

ROWS: Final[tuple[KindSpec[...], ...]] = (
    SERVER_UNREAD,
    SERVER_OVERDUE,
    SERVER_DOWN,
    SERVER_REPLACED,
    DUPLICATE_SERVER,
    CLOCK_SKEW,
    RELATIONSHIP_LIMIT_NEAR,
    SCOPE_WITHOUT_FAILOVER,
)
