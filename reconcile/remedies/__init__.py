"""What a person does about a problem: one builder for every kind (rule R15).

A remedy names the server, relationship, property and value.  It does only what the problem needs,
and every command in it runs as printed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from reconcile.model.findings import Kind
from reconcile.remedies import decisions, mismatch, relationships, servers
from reconcile.remedies.common import only
from reconcile.remedies.model import Facts, Remedy, Step
from reconcile.remedies.own import ipam_sync
from reconcile.remedies.text import is_copyable

_Build: TypeAlias = Callable[[Facts], tuple[Step, ...]]


@dataclass(frozen=True, slots=True)
class _Plan:
    """The builder of a kind's steps, and the heading of the page that explains them."""

    build: _Build
    heading: str


_PLANS: Final[Mapping[Kind, _Plan]] = {
    Kind.PARTNER_MISMATCH: _Plan(mismatch.partner_mismatch, "Partners disagree about a value"),
    Kind.ONE_SIDED: _Plan(relationships.one_sided, "A relationship on one partner only"),
    Kind.ABSENCE_UNVERIFIED: _Plan(relationships.absence_unverified, "An unverified absence"),
    Kind.SCOPE_ONE_SIDED: _Plan(relationships.scope_one_sided, "A scope on one partner only"),
    Kind.EMPTY_READ_UNCONFIRMED: _Plan(relationships.empty_read, "A sudden empty reading"),
    Kind.UNMAPPED_NAME: _Plan(decisions.unmapped_name, "A name that matches no server"),
    Kind.AMBIGUOUS_NAME: _Plan(decisions.ambiguous_name, "A name that matches several servers"),
    Kind.ROLE_CONFLICT: _Plan(relationships.role_conflict, "Two primaries"),
    Kind.STATE_NOT_NORMAL: _Plan(servers.state_not_normal, "A state other than Normal"),
    Kind.SERVER_UNREAD: _Plan(servers.server_unread, "A server that cannot be read"),
    Kind.STALE_EVIDENCE: _Plan(relationships.stale_evidence, "A server that cannot be read"),
    Kind.UNKNOWN_VALUE: _Plan(relationships.unknown_value, "An unknown value"),
    Kind.DUPLICATE_RELATIONSHIP: _Plan(
        relationships.duplicate_relationship, "A relationship twice"
    ),
    Kind.BLOCKED: _Plan(decisions.blocked, "A blocked operation"),
    Kind.RELATIONSHIP_LIMIT_NEAR: _Plan(
        servers.relationship_limit_near, "Nearly 31 relationships on a server"
    ),
    Kind.RELATIONSHIP_EMPTY: _Plan(
        relationships.relationship_empty, "A relationship without scopes"
    ),
    Kind.PLAN_REFUSED: _Plan(decisions.plan_refused, "Removals over the limit"),
    Kind.CHANGE_WAITS: _Plan(decisions.change_waits, "Operations that wait for you"),
    Kind.SERVER_REPLACED: _Plan(servers.server_replaced, "A different machine"),
    Kind.DUPLICATE_SERVER: _Plan(servers.duplicate_server, "One machine under two names"),
    Kind.CLOCK_SKEW: _Plan(servers.clock_skew, "A clock that is wrong"),
    Kind.SCOPE_WITHOUT_FAILOVER: _Plan(servers.scope_without_failover, "Scopes in no relationship"),
    Kind.CREDENTIAL_SUSPENDED: _Plan(decisions.credential_suspended, "A suspended credential"),
    Kind.SERVER_OVERDUE: _Plan(servers.server_overdue, "A server that cannot be read"),
    Kind.ALERT_UNDELIVERED: _Plan(decisions.alert_undelivered, "Alerts that are not delivered"),
    Kind.SERVER_DOWN: _Plan(servers.server_down, "A server that is down"),
}


def build_remedy(facts: Facts) -> Remedy:
    """Build the remedy for a problem."""
    plan = _PLANS[facts.kind]
    if not all(map(is_copyable, facts.names)):
        return Remedy(_by_number(facts), plan.heading)
    return Remedy(plan.build(facts), plan.heading)


def _by_number(facts: Facts) -> tuple[Step, ...]:
    """Build the step for names that cannot be copied: the problem's number stands for them."""
    text = "A name here has characters that cannot be copied, so no command contains it."
    if facts.number is None:
        return only(text)
    return only(
        f"{text} Look at the problem by its number.", ipam_sync("drift show", str(facts.number))
    )
