"""Remedies for servers: states, reachability, clocks, machines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from reconcile.model.nouns import State
from reconcile.remedies.command import Command
from reconcile.remedies.common import check_each, on_servers, only, read_relationship, read_server
from reconcile.remedies.model import Facts, Option, RemedyStep
from reconcile.remedies.own import ipam_sync
from reconcile.remedies.powershell import cmdlet, is_host, windows_program

#: TCP port of failover.
_PORT: Final = 647
#: Advice about a connection names both ends of it.
_PARTNERS: Final = 2
_INTERRUPTED: Final = (State.COMMUNICATIONS_INTERRUPTED, State.RESOLUTION_INTERRUPTED)


def state_not_normal(facts: Facts) -> tuple[RemedyStep, ...]:
    """Build the steps for the worst state. None of them writes."""
    if facts.grade in _INTERRUPTED:
        return tuple(_interrupted(facts))
    return only(_of_state(facts), *read_relationship(facts))


def _of_state(facts: Facts) -> str:
    match facts.grade:
        case State.PARTNER_DOWN:
            return (
                f"{_reconnect(facts)} Then wait for the MCLT of {facts.name} and 10 minutes: do "
                "not remove the relationship, replicate or restore anything."
            )
        case State.POTENTIAL_CONFLICT | State.CONFLICT_DONE:
            return (
                f"Wait: the partners of {facts.name} compare their leases. Both served alone, so "
                "look for addresses that are in use twice."
            )
        case State.UNKNOWN | State.NO_STATE:
            return f"Look at the state of {facts.name} on {on_servers(facts)}."
        case _:
            return (
                f"Wait for the MCLT of {facts.name} and 10 minutes: this state ends by itself. Do "
                "not remove the relationship, replicate or restore anything."
            )


def _reconnect(facts: Facts) -> str:
    """Name the partner to bring back. Both may be in PartnerDown after a network split."""
    alone_servers = {
        who for _, words in facts.values for who, state in words if state == State.PARTNER_DOWN
    }
    absent = [server for server in facts.servers if server not in alone_servers]
    if alone_servers and not absent:
        return f"Restore the connection between {on_servers(facts)}: each serves alone."
    return f"Bring {absent[0] if len(absent) == 1 else f'the partner of {facts.name}'} back."


def _interrupted(facts: Facts) -> Iterator[RemedyStep]:
    yield RemedyStep(
        f"Read {facts.name} on {on_servers(facts)}: a server that does not answer is the one to "
        "look at.",
        read_relationship(facts),
    )
    for origin, target in _both_ways(facts):
        commands = [cmdlet("Test-NetConnection", ComputerName=target, Port=_PORT)]
        if is_host(target):
            clocks = f"w32tm /stripchart /computer:{target} /samples:3 /dataonly"
            commands.append(windows_program(clocks))
        yield RemedyStep(
            f"On {origin}, test TCP port {_PORT} and the clock of {target}.",
            tuple(commands),
        )
    yield RemedyStep(
        "Read the DHCP events 20253 to 20285 of each server.",
        tuple(
            cmdlet("Get-WinEvent", ComputerName=server, LogName="DhcpAdminEvents", MaxEvents=50)
            for server in facts.servers[:_PARTNERS]
        ),
    )


def _both_ways(facts: Facts) -> tuple[tuple[str, ...], ...]:
    servers = facts.servers
    return (servers, servers[::-1]) if len(servers) == _PARTNERS else ()


def server_down(facts: Facts) -> tuple[RemedyStep, ...]:
    """Build the steps for a server that neither we nor its partners reach.

    PartnerDown takes a partner and a relationship, so the command is on the page only.
    """
    server = on_servers(facts)
    return (
        RemedyStep(
            f"Look at {server} itself: power, network, and the DHCP service. Do not start a "
            "service that is Disabled: somebody did that on purpose.",
            (cmdlet_service(),),
        ),
        RemedyStep(
            f"List the relationships that lost {server}.",
            tuple(
                ipam_sync("drift list", server=name, kind="state_not_normal", all=None)
                for name in facts.servers[:1]
            ),
        ),
        RemedyStep(
            f"Put a partner into PartnerDown only as a last resort: {server} must be powered off, "
            "or its service stopped and Disabled, and the partner must be in state "
            "CommunicationInterrupted."
        ),
    )


def cmdlet_service() -> Command:
    """Build the command that shows the DHCP service of the machine it is typed on."""
    service = cmdlet("Get-Service", Name="DHCPServer").text
    return windows_program(f"{service} | Select-Object -Property Status, StartType")


def server_unread(facts: Facts) -> tuple[RemedyStep, ...]:
    """Build the steps that find the layer that refuses."""
    listener = windows_program("winrm enumerate winrm/config/listener")
    return (
        RemedyStep(f"Find the layer of {on_servers(facts)} that refuses.", check_each(facts)),
        RemedyStep(
            "If it is WinRM, look at its listener on the server. Do not loosen its "
            "configuration: no Enable-PSRemoting -Force, no TrustedHosts, no AllowUnencrypted.",
            (listener, windows_program("winrm enumerate shell")),
        ),
    )


def server_overdue(facts: Facts) -> tuple[RemedyStep, ...]:
    """Build the steps for a server that was not read for too long."""
    disable = tuple(
        Option(
            f"If {server} is not to be read any more, disable it.",
            ipam_sync("servers disable", server),
            f"Changes on {server} are then not noticed.",
        )
        for server in facts.servers
    )
    return (
        RemedyStep(f"Make {on_servers(facts)} readable again.", check_each(facts)),
        RemedyStep("Otherwise take it out of the runs.", (), disable),
    )


def clock_skew(facts: Facts) -> tuple[RemedyStep, ...]:
    """Build the steps that correct a clock by its time source, never by hand."""
    programs = ("w32tm /query /status", "w32tm /query /source")
    return (
        RemedyStep(
            f"On {on_servers(facts)}, look at the time source. For a virtual machine, switch the "
            "host's time synchronisation off. For a domain controller, correct the PDC emulator "
            "first.",
            tuple(windows_program(text) for text in programs),
        ),
        RemedyStep(
            "Synchronise the server whose clock is wrong. Do not set the date by hand.",
            (windows_program("w32tm /resync /rediscover"),),
        ),
    )


def server_replaced(facts: Facts) -> tuple[RemedyStep, ...]:
    """Build the steps for another machine under a known name."""
    installed = tuple(
        windows_program(
            cmdlet("Get-CimInstance", ClassName="Win32_OperatingSystem", ComputerName=server).text
            + " | Select-Object -Property InstallDate"
        )
        for server in facts.servers
    )
    confirm = tuple(ipam_sync("servers confirm", server) for server in facts.servers)
    return (
        RemedyStep(f"Find out whether {on_servers(facts)} was rebuilt.", installed),
        RemedyStep(
            "Only if it is the right machine, confirm it. Relationships that it lacks then count "
            "as deleted there. Do not import a backup with leases while its partners are live.",
            confirm,
        ),
    )


def duplicate_server(facts: Facts) -> tuple[RemedyStep, ...]:
    """Build the steps for one machine under two names: another name of it, or a clone."""
    if len(facts.servers) != _PARTNERS:
        return only("Find out which names are the same machine.", ipam_sync("servers list"))
    speaker, double = facts.servers
    disable = tuple(
        Option(
            f"If {kept_name} is the name to keep, disable {given_up}.",
            ipam_sync("servers disable", given_up),
            f"{given_up} and the relationships recorded under it are then no longer read.",
        )
        for kept_name, given_up in ((speaker, double), (double, speaker))
    )
    return (
        RemedyStep(
            f"Find out whether {speaker} and {double} are one machine. If {double} was cloned from "
            f"{speaker}, give it a machine id of its own (sysprep)."
        ),
        RemedyStep(
            "If they are one machine, decide which name to keep, then run one:", (), disable
        ),
    )


def relationship_limit_near(facts: Facts) -> tuple[RemedyStep, ...]:
    """Build the step that shows which relationships of a server are empty."""
    return only(
        f"Plan another server for new relationships: Windows allows 31. See which ones of "
        f"{on_servers(facts)} have no scope; some are kept for later use.",
        *(command for server in facts.servers for command in read_server(server)[:1]),
    )


def scope_without_failover(facts: Facts) -> tuple[RemedyStep, ...]:
    """Build the step for active scopes in no relationship.

    Which relationship a scope belongs in is a person's choice, so nothing is printed to add it.
    """
    return only(
        f"Decide whether the scopes of {on_servers(facts)} should survive their server. Leave "
        "scopes alone that are split between servers or excluded on purpose. To add one to a "
        "relationship, the relationship must be Normal on both partners and the scope absent on "
        "the other.",
        *(command for server in facts.servers for command in read_server(server)[:2]),
    )
