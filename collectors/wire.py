"""The shapes in which relationships travel: what servers print and what files hold.

Two kinds of document exist.

*A raw export* is whatever ``ConvertTo-Json`` made of ``Get-DhcpServerv4Failover``: an array of
objects, one object, or ``{"value": [...], "Count": n}``.  It has no schema number.

*Our own document* is what our script prints: one object with an integer ``schema``.  It is
projected, so that no shape depends on the PowerShell version: text is text, ``null`` is what the
server lacks, durations are whole seconds, addresses are dotted, lists are arrays::

    {"schema": 1, "ok": true, "error": null,
     "host": {"computer_name": "DHCP01", "dns_name": "dhcp01.corp.example", ...},
     "relationships": [{"Name": "hq-branch", "MaxClientLeadTime": 3600, ...}],
     "scopes": [{"ScopeId": "10.0.1.0", ...}]}

With ``ok`` false, ``error`` says why and nothing else counts.  Members may be added under the
same number; a number that we do not know is refused, never guessed at.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias, TypedDict

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
"""Any JSON value."""

RawRelationship: TypeAlias = "dict[str, Json]"
"""A ``DhcpServerv4Failover`` object in whatever shape; ``normalise`` knows the shapes."""

#: Documents of other schemas are refused, because a guess could lose relationships.
SUPPORTED_SCHEMAS = (1,)


class ReportedFailure(TypedDict):
    """The reason why the script could not read the DHCP service. The message is localised."""

    fqid: str | None
    category: str | None
    message: str | None


class DhcpService(TypedDict):
    """The service ``DHCPServer``: its state, and since when (ISO 8601, UTC) it runs."""

    state: str | None
    started_at: str | None


class ReportedHost(TypedDict):
    """The identity of the server.

    ``computer_name`` is the NetBIOS name, ``dns_name`` the FQDN, ``machine_id`` the MachineGuid,
    ``cluster_name`` the failover cluster it is a node of, ``clock`` its time (ISO 8601, UTC).
    """

    computer_name: str | None
    dns_name: str | None
    machine_id: str | None
    addresses: list[str]
    cluster_name: str | None
    os_version: str | None
    powershell_version: str | None
    clock: str | None
    dhcp_service: DhcpService | None
    dhcp_version: str | None


class ProjectedRelationship(TypedDict):
    """Every property of the class ``DhcpServerv4Failover``. The last five are null on 2012."""

    Name: str
    PartnerServer: str
    Mode: str
    ServerRole: str | None
    LoadBalancePercent: int | None
    ReservePercent: int | None
    ScopeId: list[str]
    MaxClientLeadTime: int
    StateSwitchInterval: int | None
    AutoStateTransition: bool
    EnableAuth: bool
    State: str
    PrimaryServerIP: str | None
    SecondaryServerIP: str | None
    PrimaryServerName: str | None
    SecondaryServerName: str | None
    ServerType: str | None


class ProjectedScope(TypedDict):
    """A scope of the server, in a relationship or not."""

    ScopeId: str
    Name: str | None
    SubnetMask: str
    StartRange: str
    EndRange: str
    State: str


class OwnDocument(TypedDict):
    """Schema 1."""

    schema: int
    ok: bool
    error: ReportedFailure | None
    host: ReportedHost | None
    relationships: list[ProjectedRelationship]
    scopes: list[ProjectedScope] | None


@dataclass(frozen=True, slots=True)
class WireDocument:
    """The parts that ``decode`` found in the bytes. ``schema`` is None for a raw export.

    ``host``, the relationships' properties and the scopes (None: not reported) are as printed.
    """

    relationships: tuple[RawRelationship, ...]
    schema: int | None = None
    host: dict[str, Json] | None = None
    scopes: tuple[dict[str, Json], ...] | None = None
    failure: ReportedFailure | None = None
