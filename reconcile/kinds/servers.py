"""Kinds of problems of servers: reachability, machines, clocks, scopes outside failover."""

from __future__ import annotations

from typing import Final

from reconcile.kinds.spec import Detail, Grade, KindSpec, ResolvedBy, Subject
from reconcile.model.findings import Kind, Matter, Severity
from reconcile.remedies import servers

SERVER_UNREAD: Final = KindSpec(
    kind=Kind.SERVER_UNREAD,
    matter=Matter.BLINDNESS,
    subject=Subject.SERVER,
    default=Grade(severity=Severity.WARNING, confirmations=2),
    resolved_by=ResolvedBy.ANSWER,
    meaning="A server could not be read.",
    next_step=servers.server_unread,
    guide="A server that cannot be read",
)

SERVER_OVERDUE: Final = KindSpec(
    kind=Kind.SERVER_OVERDUE,
    matter=Matter.BLINDNESS,
    subject=Subject.SERVER,
    default=Grade(severity=Severity.WARNING),
    resolved_by=ResolvedBy.ANSWER,
    meaning="A server was not read for several intervals. Maintenance does not count.",
    next_step=servers.server_overdue,
    guide="A server that cannot be read",
)

SERVER_DOWN: Final = KindSpec(
    kind=Kind.SERVER_DOWN,
    matter=Matter.HEALTH,
    subject=Subject.SERVER,
    default=Grade(severity=Severity.CRITICAL, confirmations=2),
    resolved_by=ResolvedBy.ANSWER,
    meaning="A server cannot be read, and two partners, or all that were read lately, do not "
    "reach it either. This explains its other problems.",
    next_step=servers.server_down,
    guide="A server that is down",
    at_close=True,
)

SERVER_REPLACED: Final = KindSpec(
    kind=Kind.SERVER_REPLACED,
    matter=Matter.DRIFT,
    subject=Subject.SERVER,
    default=Grade(severity=Severity.CRITICAL),
    resolved_by=ResolvedBy.SERVER,
    rests_on=Detail.MACHINE_ID,
    meaning="A different machine answers under a server's name. Relationships that it lacks do "
    "not count as deleted until you confirm it.",
    next_step=servers.server_replaced,
    guide="A different machine",
)

DUPLICATE_SERVER: Final = KindSpec(
    kind=Kind.DUPLICATE_SERVER,
    matter=Matter.DRIFT,
    subject=Subject.TWO_SERVERS,
    default=Grade(severity=Severity.WARNING),
    resolved_by=ResolvedBy.ONE_NAME_LEFT,
    rests_on=Detail.MACHINE_ID,
    meaning="Two servers of the inventory are one machine. Only one of them counts as a witness.",
    next_step=servers.duplicate_server,
    guide="One machine under two names",
)

CLOCK_SKEW: Final = KindSpec(
    kind=Kind.CLOCK_SKEW,
    matter=Matter.HEALTH,
    subject=Subject.SERVER,
    default=Grade(severity=Severity.WARNING, confirmations=2),
    resolved_by=ResolvedBy.SERVER,
    rests_on=Detail.CLOCK,
    meaning="A server's clock differs from its partner's or from the database's. Windows failover "
    "allows a minute.",
    next_step=servers.clock_skew,
    guide="A clock that is wrong",
)

RELATIONSHIP_LIMIT_NEAR: Final = KindSpec(
    kind=Kind.RELATIONSHIP_LIMIT_NEAR,
    matter=Matter.HEALTH,
    subject=Subject.SERVER,
    default=Grade(severity=Severity.WARNING),
    resolved_by=ResolvedBy.SERVER,
    meaning="A server has nearly the 31 relationships that Windows allows.",
    next_step=servers.relationship_limit_near,
    guide="Nearly 31 relationships on a server",
)

SCOPE_WITHOUT_FAILOVER: Final = KindSpec(
    kind=Kind.SCOPE_WITHOUT_FAILOVER,
    matter=Matter.DRIFT,
    subject=Subject.SERVER,
    default=Grade(severity=Severity.INFO),
    resolved_by=ResolvedBy.SERVER,
    rests_on=Detail.SCOPES,
    meaning="A server has active scopes that are in no relationship.",
    next_step=servers.scope_without_failover,
    guide="Scopes in no relationship",
)

ROWS: Final[tuple[KindSpec, ...]] = (
    SERVER_UNREAD,
    SERVER_OVERDUE,
    SERVER_DOWN,
    SERVER_REPLACED,
    DUPLICATE_SERVER,
    CLOCK_SKEW,
    RELATIONSHIP_LIMIT_NEAR,
    SCOPE_WITHOUT_FAILOVER,
)
