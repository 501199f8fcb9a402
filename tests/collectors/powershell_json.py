"""Renders failover relationships the way PowerShell prints them, for tests of every layer.

Say what a server has with ``relationship(...)``, then how it was exported: ``ps51``, ``ps2012``,
``ps7`` (raw exports) or ``own_document`` (our script).  All return the bytes of a file.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Any, TypeAlias

from collectors.wire import OwnDocument, ProjectedRelationship, ReportedFailure, ReportedHost

Printed: TypeAlias = "dict[str, Any]"

SINCE_2012_R2 = (
    "PrimaryServerIP",
    "PrimaryServerName",
    "SecondaryServerIP",
    "SecondaryServerName",
    "ServerType",
)


@dataclass(frozen=True, slots=True)
class Relationship:
    """A relationship as the asked server has it; None is what it prints as null."""

    name: str
    partner: str
    mode: str
    state: str
    scopes: tuple[str, ...]
    mclt_seconds: int
    auto_state_transition: bool
    state_switch_interval_seconds: int | None
    enable_auth: bool
    load_balance_percent: int | None
    reserve_percent: int | None
    server_role: str | None
    server_type: str | None
    primary_name: str | None
    secondary_name: str | None
    primary_ip: str | None
    secondary_ip: str | None


def relationship(
    name: str = "hq-branch",
    partner: str = "dhcp02.corp.example",
    *,
    mode: str = "LoadBalance",
    state: str = "Normal",
    scopes: Iterable[str] = ("10.0.1.0",),
    mclt_seconds: int = 3600,
    state_switch_interval_seconds: int | None = None,
    enable_auth: bool = True,
    percent: int | None = None,
    server_role: str | None = None,
    server_type: str | None = None,
    primary_name: str | None = None,
    secondary_name: str | None = None,
    primary_ip: str | None = None,
    secondary_ip: str | None = None,
) -> Relationship:
    """A relationship with the defaults of Windows for its mode.

    ``percent`` is the load balance or the reserve percentage, whichever the mode has; an
    interval switches the automatic transition on, as the cmdlet does.
    """
    balanced = mode != "HotStandby"
    return Relationship(
        name=name,
        partner=partner,
        mode=mode,
        state=state,
        scopes=tuple(scopes),
        mclt_seconds=mclt_seconds,
        auto_state_transition=state_switch_interval_seconds is not None,
        state_switch_interval_seconds=state_switch_interval_seconds,
        enable_auth=enable_auth,
        load_balance_percent=(50 if percent is None else percent) if balanced else None,
        reserve_percent=None if balanced else (5 if percent is None else percent),
        server_role=None if balanced else (server_role or "Active"),
        server_type=server_type,
        primary_name=primary_name,
        secondary_name=secondary_name,
        primary_ip=primary_ip,
        secondary_ip=secondary_ip,
    )


def ps51(
    told: Sequence[Relationship],
    *,
    piped: bool = False,
    wrapped: bool = False,
    compress: bool = False,
    encoding: str = "utf-8",
    change: Callable[[Printed], None] | None = None,
) -> bytes:
    """``Get-DhcpServerv4Failover | ConvertTo-Json -Depth 6`` in Windows PowerShell 5.1.

    ``piped`` prints one relationship bare and none as nothing at all, as the pipeline does;
    without it the array is kept, as ``-InputObject @(...)`` does.  ``wrapped`` hides the array
    in value/Count.  ``change`` may spoil each printed object.
    """
    return _desktop(
        [_changed(_raw51(one), change) for one in told], piped, wrapped, compress
    ).encode(encoding)


def ps2012(
    told: Sequence[Relationship],
    *,
    piped: bool = False,
    compress: bool = False,
    encoding: str = "utf-8",
) -> bytes:
    """The same on Windows Server 2012, whose class lacks ``SINCE_2012_R2``."""
    printed = [_raw51(one) for one in told]
    for one in printed:
        for name in SINCE_2012_R2:
            del one[name]
    return _desktop(printed, piped, wrapped=False, compress=compress).encode(encoding)


def ps7(told: Sequence[Relationship], *, piped: bool = False, encoding: str = "utf-8") -> bytes:
    """The same in PowerShell 7: plain arrays, time spans as text, no escapes."""
    printed = [_raw7(one) for one in told]
    if piped and not printed:
        return b""
    document = printed[0] if piped and len(printed) == 1 else printed
    return json.dumps(document, indent=2, ensure_ascii=False).encode(encoding)


def host(
    computer_name: str = "DHCP01",
    dns_name: str | None = "dhcp01.corp.example",
    *,
    machine_id: str | None = "6f0c1d52-0000-4000-8000-000000000001",
    cluster_name: str | None = None,
    addresses: Iterable[str] = (),
) -> ReportedHost:
    """Who prints ``own_document``."""
    return ReportedHost(
        computer_name=computer_name,
        dns_name=dns_name,
        machine_id=machine_id,
        addresses=list(addresses),
        cluster_name=cluster_name,
        os_version="10.0.20348",
        powershell_version="5.1.20348.558",
        clock="2025-01-01T00:00:00Z",
        dhcp_service={"state": "Running", "started_at": None},
        dhcp_version="10.0",
    )


def own_document(told: Sequence[Relationship], host: ReportedHost | None) -> bytes:
    """What our own script prints, schema 1."""
    return _own(
        OwnDocument(
            schema=1,
            ok=True,
            error=None,
            host=host,
            relationships=[projected(one) for one in told],
            scopes=[],
        )
    )


def failed_document(failure: ReportedFailure | None, host: ReportedHost | None) -> bytes:
    """What our own script prints when the cmdlet refused."""
    return _own(
        OwnDocument(schema=1, ok=False, error=failure, host=host, relationships=[], scopes=[])
    )


def projected(told: Relationship) -> ProjectedRelationship:
    """One relationship as our own script projects it."""
    return ProjectedRelationship(
        Name=told.name,
        PartnerServer=told.partner,
        Mode=told.mode,
        ServerRole=told.server_role,
        LoadBalancePercent=told.load_balance_percent,
        ReservePercent=told.reserve_percent,
        ScopeId=list(told.scopes),
        MaxClientLeadTime=told.mclt_seconds,
        StateSwitchInterval=told.state_switch_interval_seconds,
        AutoStateTransition=told.auto_state_transition,
        EnableAuth=told.enable_auth,
        State=told.state,
        PrimaryServerIP=told.primary_ip,
        SecondaryServerIP=told.secondary_ip,
        PrimaryServerName=told.primary_name,
        SecondaryServerName=told.secondary_name,
        ServerType=told.server_type,
    )


def time_span(seconds: int) -> Printed:
    """A ``System.TimeSpan`` as ConvertTo-Json writes it."""
    minutes, s = divmod(seconds, 60)
    hours, m = divmod(minutes, 60)
    days, h = divmod(hours, 24)
    return {
        "Ticks": seconds * 10_000_000,
        "Days": days,
        "Hours": h,
        "Milliseconds": 0,
        "Minutes": m,
        "Seconds": s,
        "TotalDays": seconds / 86_400,
        "TotalHours": seconds / 3_600,
        "TotalMilliseconds": seconds * 1_000,
        "TotalMinutes": seconds / 60,
        "TotalSeconds": seconds,
    }


def time_span_text(seconds: int) -> str:
    """A ``System.TimeSpan`` after ToString(): ``01:00:00`` or ``1.02:03:04``."""
    minutes, s = divmod(seconds, 60)
    hours, m = divmod(minutes, 60)
    days, h = divmod(hours, 24)
    return (f"{days}." if days else "") + f"{h:02}:{m:02}:{s:02}"


def ip_address(dotted: str, *, spelt: bool = True) -> Printed:
    """A ``System.Net.IPAddress``; inside arrays 5.1 leaves ``IPAddressToString`` out."""
    printed: Printed = {
        "Address": int.from_bytes(IPv4Address(dotted).packed, "little"),
        "AddressFamily": 2,
        "ScopeId": None,
        "IsIPv6Multicast": False,
        "IsIPv6LinkLocal": False,
        "IsIPv6SiteLocal": False,
        "IsIPv6Teredo": False,
        "IsIPv4MappedToIPv6": False,
    }
    return printed | {"IPAddressToString": dotted} if spelt else printed


def _raw51(told: Relationship) -> Printed:
    """Script properties first, then those of the class by name, then what CIM adds."""
    return {
        "ScopeId": _scopes51(told.scopes),
        "PrimaryServerIP": told.primary_ip and ip_address(told.primary_ip),
        "SecondaryServerIP": told.secondary_ip and ip_address(told.secondary_ip),
        **_of_class(told, time_span),
        "PSComputerName": None,
        "CimClass": {
            "CimSuperClassName": None,
            "CimClassProperties": "Name PartnerServer Mode",
            "CimClassQualifiers": 'provider = "DhcpServerPsProvider" ClassVersion = "1.0.0"',
            "CimClassMethods": "",
            "CimSystemProperties": "Microsoft.Management.Infrastructure.CimSystemProperties",
        },
        "CimInstanceProperties": [f'Name = "{told.name}"'],
        "CimSystemProperties": {
            "Namespace": "Root/Microsoft/Windows/DHCP",
            "ServerName": "SOMEWHERE",
            "ClassName": "DhcpServerv4Failover",
            "Path": None,
        },
    }


def _raw7(told: Relationship) -> Printed:
    return {
        **_of_class(told, time_span_text),
        "PrimaryServerIP": told.primary_ip and ip_address(told.primary_ip),
        "SecondaryServerIP": told.secondary_ip and ip_address(told.secondary_ip),
        "ScopeId": [ip_address(scope, spelt=False) for scope in told.scopes],
        "PSComputerName": "localhost",
        "RunspaceId": "00000000-0000-4000-8000-000000000000",
        "PSShowComputerName": False,
    }


def _of_class(told: Relationship, span: Callable[[int], Any]) -> Printed:
    interval = told.state_switch_interval_seconds
    return {
        "AutoStateTransition": told.auto_state_transition,
        "EnableAuth": told.enable_auth,
        "LoadBalancePercent": told.load_balance_percent,
        "MaxClientLeadTime": span(told.mclt_seconds),
        "Mode": told.mode,
        "Name": told.name,
        "PartnerServer": told.partner,
        "PrimaryServerName": told.primary_name,
        "ReservePercent": told.reserve_percent,
        "SecondaryServerName": told.secondary_name,
        "ServerRole": told.server_role,
        "ServerType": told.server_type,
        "State": told.state,
        "StateSwitchInterval": None if interval is None else span(interval),
    }


def _scopes51(scopes: Sequence[str]) -> Printed | None:
    if not scopes:
        return None
    if len(scopes) == 1:
        return ip_address(scopes[0])
    return {"value": [ip_address(scope, spelt=False) for scope in scopes], "Count": len(scopes)}


def _changed(printed: Printed, change: Callable[[Printed], None] | None) -> Printed:
    if change is not None:
        change(printed)
    return printed


def _desktop(printed: list[Printed], piped: bool, wrapped: bool, compress: bool) -> str:
    if piped and not printed:
        return ""
    document: Any = printed[0] if piped and len(printed) == 1 else printed
    if wrapped:
        document = {"value": printed, "Count": len(printed)}
    text = (
        json.dumps(document, separators=(",", ":"), ensure_ascii=False)
        if compress
        else json.dumps(document, indent=4, separators=(",", ":  "), ensure_ascii=False)
    )
    for character in "<>&'":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text if compress else text.replace("\n", "\r\n") + "\r\n"


def _own(document: OwnDocument) -> bytes:
    return json.dumps(document).encode()
