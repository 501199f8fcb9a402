"""Remedies for relationships and scopes: missing on a side, empty, in doubt."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from reconcile.model.finding_words import SILENT, TELLS, TELLS_NOT, Why
from reconcile.remedies.command import Command
from reconcile.remedies.common import (
    check_each,
    on_servers,
    only,
    read_relationship,
    read_server,
    reference,
)
from reconcile.remedies.model import Facts, Option, RemedyStep
from reconcile.remedies.own import ipam_sync
from reconcile.remedies.powershell import cmdlet, is_address

#: Commands for one side need both partners' names.
_PARTNERS: Final = 2
#: More commands would hide the point. The rest is counted.
_MOST_SCOPES: Final = 3


def one_sided(facts: Facts) -> tuple[RemedyStep, ...]:
    """Build the steps against a relationship that only one partner has.

    Remove-DhcpServerv4Failover works by name on both servers.  So it is printed only where the
    other server reported no relationship of that name with anybody.
    """
    holder, other_server, word = _sides(facts)
    if holder is None or other_server is None:
        return only(f"Read {facts.name} on both partners.", *read_relationship(facts))
    if word != Why.ABSENT:
        return only(
            f"Find out what {other_server} has under the name {facts.name}. Remove nothing: Windows "
            "removes a relationship by name on both servers.",
            *read_server(holder)[:1],
            *read_server(other_server)[:2],
        )
    save = (
        cmdlet("Export-DhcpServer", ComputerName=holder, Leases=None, File="holder.xml"),
        cmdlet("Export-DhcpServer", ComputerName=other_server, Leases=None, File="partner.xml"),
    )
    remove = cmdlet("Remove-DhcpServerv4Failover", ComputerName=holder, Name=facts.name)
    return (
        RemedyStep(
            f"Read what {other_server} has now. Stop if it has a relationship {facts.name} with any "
            "server: Windows removes a relationship by name on both servers.",
            read_server(other_server)[:2],
        ),
        RemedyStep("Save the configuration and leases of both servers.", save),
        RemedyStep(
            f"Only after these checks, remove {facts.name} on {holder}. {holder} keeps the scopes. "
            f"{other_server} may lose its copies of them and their leases.",
            (remove,),
        ),
        RemedyStep(
            f"If {facts.name} is still wanted, create it again on {holder} with its scopes, MCLT "
            f"and mode. Its scopes must be absent on {other_server}."
        ),
    )


def _sides(facts: Facts) -> tuple[str | None, str | None, str]:
    """Return the server that has the relationship, the other one, and the other one's report."""
    words = facts.values[0][1] if facts.values else ()
    holders = [server for server, word in words if word == TELLS]
    other_sides = [(server, word) for server, word in words if word != TELLS]
    if len(holders) != 1 or len(other_sides) != 1:
        return None, None, ""
    return holders[0], *other_sides[0]


def scope_one_sided(facts: Facts) -> tuple[RemedyStep, ...]:
    """Build the steps against scopes that are in the relationship on one partner only."""
    scopes = _one_sided_scopes(facts)
    if not scopes:
        return only(f"Read {facts.name} on both partners.", *read_relationship(facts))
    remaining = len(facts.values) - len(scopes)
    return (
        RemedyStep(
            f"Look for each scope on the partner that lacks it in {facts.name}. Go on only with "
            "scopes that are absent there. A scope in another relationship there is for a person to "
            "decide. A scope without failover there is served by both servers.",
            tuple(
                cmdlet(name, ComputerName=lacking, ScopeId=(scope,))
                for scope, _, lacking in scopes
                for name in ("Get-DhcpServerv4Scope", "Get-DhcpServerv4Failover")
            ),
        ),
        RemedyStep(
            "Save each of these scopes with its leases.",
            tuple(
                cmdlet(
                    "Export-DhcpServer",
                    ComputerName=having,
                    ScopeId=(scope,),
                    Leases=None,
                    File=f"scope-{scope}.xml",
                )
                for scope, having, _ in scopes
            ),
        ),
        RemedyStep(
            f"Take the scopes that step 1 showed to be absent on the partner out of {facts.name}. The "
            "server that has them goes on serving them.",
            _for_scopes("Remove-DhcpServerv4FailoverScope", facts, scopes),
        ),
        RemedyStep(
            f"Add the same scopes to {facts.name} again, which creates them on the partner."
            + (f" Then do the same for {remaining} more." if remaining else ""),
            _for_scopes("Add-DhcpServerv4FailoverScope", facts, scopes),
        ),
    )


def _for_scopes(
    name: str, facts: Facts, scopes: Iterable[tuple[str, str, str]]
) -> tuple[Command, ...]:
    return tuple(
        cmdlet(name, ComputerName=having, Name=facts.name, ScopeId=(scope,))
        for scope, having, _ in scopes
    )


def _one_sided_scopes(facts: Facts) -> tuple[tuple[str, str, str], ...]:
    """Return (scope, the server that has it in the relationship, the one that lacks it)."""
    sides = []
    for scope, words in facts.values:
        having = [server for server, word in words if word == TELLS]
        lacking = [server for server, word in words if word == TELLS_NOT]
        if is_address(scope) and len(having) == 1 and len(lacking) == 1:
            sides.append((scope, having[0], lacking[0]))
    return tuple(sides[:_MOST_SCOPES])


def absence_unverified(facts: Facts) -> tuple[RemedyStep, ...]:
    """Build the steps that make the silent partner a witness."""
    steps = [
        RemedyStep(
            f"Make every partner of {facts.name} readable. The next run then decides.",
            check_each(facts),
        )
    ]
    missing_on = tuple(
        Option(
            f"If {server} is gone for good, retire it.",
            ipam_sync("servers retire", server),
            f"Relationships of {server} are then removed on its partner's report alone.",
        )
        for server in _unread(facts)
    )
    if missing_on:
        steps.append(RemedyStep("Retire a server only if it never comes back.", (), missing_on))
    return tuple(steps)


def _unread(facts: Facts) -> tuple[str, ...]:
    words = facts.values[0][1] if facts.values else ()
    return tuple(server for server, word in words if word == SILENT and server in facts.servers)


def empty_read(facts: Facts) -> tuple[RemedyStep, ...]:
    """Build the step that shows whether a server or relationship is really empty."""
    if facts.relationship is not None:
        return only(
            f"Read {facts.name} on {on_servers(facts)}. If its scopes were removed on purpose, the "
            "next readings confirm it.",
            *read_relationship(facts),
        )
    return only(
        f"Read {on_servers(facts)} now. If it is empty on purpose, the next readings confirm it. "
        "Do not import a backup there while its partners are live.",
        *(command for server in facts.servers for command in read_server(server)),
    )


def role_conflict(facts: Facts) -> tuple[RemedyStep, ...]:
    """Build the step that shows the primary. Windows cannot change it in place."""
    return only(
        f"Read ServerType and ServerRole of {facts.name} on {on_servers(facts)}. Only one can be "
        "primary. Windows cannot change this in place: plan a change window to create the "
        "relationship again.",
        *read_relationship(facts),
    )


def duplicate_relationship(facts: Facts) -> tuple[RemedyStep, ...]:
    """Build the step against one relationship that is stored or reported twice."""
    of_records = len(facts.values) > 0
    text = (
        f"Look at the pending removal of the younger record of {facts.name} and decide about it."
        if of_records
        else f"Read {facts.name} on {on_servers(facts)}. If an export was joined from several, "
        "export that server again."
    )
    ref = reference(facts)
    if of_records and ref is not None:
        return only(text, ipam_sync("operations list", relationship=ref))
    return only(text, *read_relationship(facts))


def relationship_empty(facts: Facts) -> tuple[RemedyStep, ...]:
    """Build the steps for a relationship without scopes, which may be kept for later use."""
    read = RemedyStep(
        f"Read {facts.name} on {on_servers(facts)}. A relationship may be kept without scopes for "
        "later use: then nothing is to be done.",
        read_relationship(facts),
    )
    if len(facts.servers) != _PARTNERS:
        return (read,)
    remove = cmdlet("Remove-DhcpServerv4Failover", ComputerName=facts.servers[0], Name=facts.name)
    return (
        read,
        RemedyStep(
            f"Only if ScopeId is empty on both and nobody wants {facts.name} any more, remove it. "
            "Both servers lose the relationship and its shared secret.",
            (remove,),
        ),
    )


def unknown_value(facts: Facts) -> tuple[RemedyStep, ...]:
    """Build the step that shows a value that ipam-sync does not know."""
    property_names = ", ".join(name for name, _ in facts.values)
    return only(
        f"Look at {property_names or 'the value'} of {facts.name} on {on_servers(facts)}. If it is right, "
        "ipam-sync needs an update.",
        *read_relationship(facts),
    )


def stale_evidence(facts: Facts) -> tuple[RemedyStep, ...]:
    """Build the step that makes a partner readable again."""
    return only(f"Make a partner of {facts.name} readable again.", *check_each(facts))
