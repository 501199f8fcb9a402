"""Steps that several remedies begin with: they read and change nothing."""

from __future__ import annotations

from reconcile.remedies.command import Command
from reconcile.remedies.model import Facts, RemedyStep
from reconcile.remedies.own import ipam_sync
from reconcile.remedies.powershell import cmdlet

#: More servers than these are read one by one, by the person.
_MOST_SERVERS = 4


def read_relationship(facts: Facts) -> tuple[Command, ...]:
    """Build the commands that read the relationship on each server of the problem."""
    return tuple(
        cmdlet("Get-DhcpServerv4Failover", ComputerName=server, Name=facts.name)
        for server in facts.servers[:_MOST_SERVERS]
    )


def read_server(server: str) -> tuple[Command, ...]:
    """Build the commands that read relationships, scopes and the database's folder of a server."""
    return tuple(
        cmdlet(name, ComputerName=server)
        for name in (
            "Get-DhcpServerv4Failover",
            "Get-DhcpServerv4Scope",
            "Get-DhcpServerDatabase",
        )
    )


def check_each(facts: Facts) -> tuple[Command, ...]:
    """Build the command that tries each server layer by layer."""
    return tuple(ipam_sync("servers check", server) for server in facts.servers[:_MOST_SERVERS])


def reference(facts: Facts) -> str | None:
    """Return ``NAME@SERVER`` as our commands take it, or None without a server."""
    return f"{facts.name}@{facts.servers[0]}" if facts.relationship and facts.servers else None


def on_servers(facts: Facts) -> str:
    """Return the servers within a sentence: ``dhcp01 and dhcp02``."""
    return " and ".join(facts.servers)


def only(text: str, *commands: Command) -> tuple[RemedyStep, ...]:
    """Build a remedy of one step."""
    return (RemedyStep(text, commands),)
