"""The frozen nouns of the core: servers, what they told, what is stored.

Everybody imports this module; it imports nothing of ours.  Terms are those of [MS-IPAMM2] and of
the DhcpServerv4Failover class; durations are whole seconds, scopes are IPv4 network addresses as
host-order integers, times are aware UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

Scope: TypeAlias = int
Value: TypeAlias = str | int | bool | None


class Mode(StrEnum):
    """DhcpFailoverMode, [MS-IPAMM2] 2.2.5.17."""

    NONE = "None"
    LOAD_BALANCE = "LoadBalance"
    HOT_STANDBY = "HotStandby"


class State(StrEnum):
    """DhcpFailoverState, [MS-IPAMM2] 2.2.5.20."""

    UNKNOWN = "Unknown"
    NO_STATE = "NoState"
    INIT = "Init"
    STARTUP = "Startup"
    NORMAL = "Normal"
    COMMUNICATIONS_INTERRUPTED = "CommunicationsInterrupted"
    PARTNER_DOWN = "PartnerDown"
    POTENTIAL_CONFLICT = "PotentialConflict"
    CONFLICT_DONE = "ConflictDone"
    RESOLUTION_INTERRUPTED = "ResolutionInterrupted"
    RECOVER = "Recover"
    RECOVER_WAIT = "RecoverWait"
    RECOVER_DONE = "RecoverDone"


class Operation(StrEnum):
    """DhcpFailoverOperations, [MS-IPAMM2] 2.2.5.19, without its None."""

    CREATE = "FailoverCreate"
    UPDATE = "FailoverUpdate"
    ADD_SCOPES = "FailoverAddScopes"
    REMOVE_SCOPES = "FailoverRemoveScopes"
    DELETE = "FailoverDelete"


class Evidence(StrEnum):
    """How many partners stand behind a value."""

    BOTH = "both"
    ONE_SIDE = "one_side"
    NONE = "none"


class ServerType(StrEnum):
    """Part of the asked server in the relationship, as Windows Server 2012 R2 and later print it."""

    PRIMARY = "PrimaryServer"
    SECONDARY = "SecondaryServer"


class ServerRole(StrEnum):
    """Part of the asked server in a hot standby relationship."""

    ACTIVE = "Active"
    STANDBY = "Standby"


class Provenance(StrEnum):
    """Origins of an alias: a person, an inventory file, or the server's own stories."""

    PERSON = "person"
    INVENTORY = "inventory"
    SELF = "self"


class Standing(StrEnum):
    """States of a server in the inventory: read, left alone, or gone for good."""

    ENABLED = "enabled"
    DISABLED = "disabled"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class Alias:
    """Another name or address of a server, and who said so."""

    text: str
    provenance: Provenance


@dataclass(frozen=True, slots=True)
class Server:
    """A DHCP server that IPAM has a record of.

    ``addresses`` are those people gave; what the server said of itself is in ``aliases``.
    ``machine_id`` is that of the machine that answered first, or that a person confirmed (R1).
    ``tags`` are words that people sort servers by; nothing is judged by them.
    """

    id: int
    name: str
    addresses: tuple[str, ...] = ()
    aliases: tuple[Alias, ...] = ()
    standing: Standing = Standing.ENABLED
    changed_at: datetime | None = None
    machine_id: str | None = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Story:
    """A relationship as one of its partners (``asked``, a server id) reports it.

    None stands for a value that the server did not report (null, or a property that Windows Server
    2012 lacks). An enumeration word that we do not know is None or ``State.UNKNOWN`` here and
    stands raw in ``unknown_values`` as (property, word).
    """

    asked: int
    name: str
    partner: str
    mode: Mode | None
    state: State
    scopes: frozenset[Scope]
    mclt_seconds: int
    auto_state_transition: bool
    state_switch_interval_seconds: int | None = None
    enable_auth: bool = False
    load_balance_percent: int | None = None
    reserve_percent: int | None = None
    server_role: ServerRole | None = None
    server_type: ServerType | None = None
    primary_name: str | None = None
    secondary_name: str | None = None
    primary_ip: str | None = None
    secondary_ip: str | None = None
    unknown_values: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Identity:
    """The names, machine and addresses that a server reports of itself, None or empty if missing."""

    computer_name: str | None = None
    dns_name: str | None = None
    machine_id: str | None = None
    cluster_name: str | None = None
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ServedScope:
    """A scope that a server serves, in a relationship or not.

    ``scope`` is its network address; the texts are as the server printed them.
    """

    scope: Scope
    active: bool
    name: str | None = None
    mask: str | None = None
    start: str | None = None
    end: str | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """A server that answered with everything it has, begun at ``read_at``.

    ``scopes`` are all it serves, None if it did not say.  ``clock_offset_seconds`` is how far its
    clock is ahead of ours (negative: behind), as far as the time that the reading took cannot
    explain it; None if it did not say.
    """

    server: int
    read_at: datetime
    stories: tuple[Story, ...]
    identity: Identity | None = None
    scopes: tuple[ServedScope, ...] | None = None
    clock_offset_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class ReadFailure:
    """Why a server could not be read, for people: what, where, why, what to do."""

    code: str
    message: str
    remedy: str
    retry: bool


@dataclass(frozen=True, slots=True)
class Unseen:
    """A server that was asked and gave no reading that counts."""

    server: int
    read_at: datetime
    failure: ReadFailure


class SkipReason(StrEnum):
    """Why a server was not asked although the run wanted it."""

    MAINTENANCE = "maintenance"
    BACK_OFF = "back_off"
    BREAKER = "breaker"
    CREDENTIAL = "credential"
    ABANDONED = "abandoned"


@dataclass(frozen=True, slots=True)
class Skipped:
    """A server that the run left out on purpose."""

    server: int
    reason: SkipReason


Sighting: TypeAlias = Seen | Unseen | Skipped
