"""The stored side: failover records, their properties by name, and what is wanted of them.

``Record`` is one DhcpFailover row ([MS-IPAMM2] 2.2.4.104, 3.1.1.1.44) with its scopes; an
``Entry`` is one line of OperationTracker about it.  Used by the whole core and by the store.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, TypeAlias

from reconcile.model.nouns import Evidence, Mode, Operation, Scope, State, Value

#: Element name in DhcpFailover -> attribute of Record: the 18 stored members besides RecordId.
#: SharedSecret is among the stored ones but cannot be read from a server, so nothing compares it.
ATTRIBUTES: Final[dict[str, str]] = {
    "AutoStateTransition": "auto_state_transition",
    "MCLT": "mclt_seconds",
    "Mode": "mode",
    "RelationshipName": "relationship_name",
    "Server1IP": "server1_ip",
    "Server1Name": "server1_name",
    "Server1PSName": "server1_ps_name",
    "Server1Percentage": "server1_percentage",
    "Server1RecordId": "server1_record_id",
    "Server1State": "server1_state",
    "Server2IP": "server2_ip",
    "Server2Name": "server2_name",
    "Server2PSName": "server2_ps_name",
    "Server2RecordId": "server2_record_id",
    "Server2State": "server2_state",
    "SharedSecretEnabled": "shared_secret_enabled",
    "StateSwitchInterval": "state_switch_interval_seconds",
}

#: What a change of order rewrites: every Server1* and Server2* property.
SIDE_PROPERTIES: Final = frozenset(p for p in ATTRIBUTES if p.startswith("Server"))
#: States are facts of the moment. They never make a configuration differ.
STATE_PROPERTIES: Final = frozenset({"Server1State", "Server2State"})

#: (server, folded name or scope): what a server can have only once.
Membership: TypeAlias = tuple[int, str | Scope]


@dataclass(frozen=True, slots=True)
class Record:
    """A stored relationship.

    ``key`` is the store's own. It is the RecordId unless the record is still a pending
    FailoverCreate (``pending``), whose RecordId is 0. None is NULL: not known.
    """

    key: int
    relationship_name: str
    mode: Mode | None = None
    mclt_seconds: int | None = None
    auto_state_transition: bool | None = None
    state_switch_interval_seconds: int | None = None
    shared_secret_enabled: bool | None = None
    server1_record_id: int | None = None
    server1_name: str | None = None
    server1_ps_name: str | None = None
    server1_ip: str | None = None
    server1_percentage: int | None = None
    server1_state: State = State.UNKNOWN
    server2_record_id: int | None = None
    server2_name: str | None = None
    server2_ps_name: str | None = None
    server2_ip: str | None = None
    server2_state: State = State.UNKNOWN
    scopes: frozenset[Scope] = frozenset()
    evidence: Evidence = Evidence.NONE
    pending: bool = False
    changed_at: datetime | None = None

    @property
    def record_id(self) -> int:
        """RecordId as [MS-IPAMM2] shows it: 0 until the record is created."""
        return 0 if self.pending else self.key

    @property
    def partners(self) -> tuple[int, ...]:
        """Record ids of the servers stored in the row, those that are known."""
        return tuple(s for s in (self.server1_record_id, self.server2_record_id) if s is not None)


@dataclass(frozen=True, slots=True)
class PropertyChange:
    """A property that differs: the stored value and the one it should have (None is NULL)."""

    property: str
    before: Value
    after: Value


class Hold(StrEnum):
    """Why an operation waits for a person although policy would let it go."""

    NONE = ""
    GUARD = "guard"
    ONE_WITNESS = "one_witness"


@dataclass(frozen=True, slots=True)
class Party:
    """A partner as an operation names it: IPAM's record id (None: not mapped) and a name."""

    server: int | None
    name: str


@dataclass(frozen=True, slots=True)
class Planned:
    """An operation that IPAM's database needs ([MS-IPAMM2] 2.2.5.19).

    ``changes`` holds the properties that the operation touches: all that are known for a Create
    (before None) and a Delete (after None), the modified ones for an Update, none for the two scope
    operations. ``scopes`` are those it adds, removes, creates with or deletes with. ``record`` is
    the key of the row, None for a Create that is not recorded yet. ``witnesses`` are the servers on
    whose readings it rests. ``contested`` are the names and scopes that another record of the same
    server still holds.
    """

    operation: Operation
    record: int | None
    relationship: str
    server1: Party
    server2: Party
    changes: tuple[PropertyChange, ...]
    scopes: tuple[Scope, ...]
    evidence: Evidence
    reason: str
    witnesses: tuple[int, ...]
    hold: Hold = Hold.NONE
    contested: tuple[Contest, ...] = ()

    @property
    def partners(self) -> tuple[int, ...]:
        """Record ids of the partners that are known."""
        return tuple(s for s in (self.server1.server, self.server2.server) if s is not None)

    @property
    def state_only(self) -> bool:
        """True for an Update of nothing but states: a fact that nobody can refuse."""
        return self.operation is Operation.UPDATE and all(
            c.property in STATE_PROPERTIES for c in self.changes
        )

    @property
    def destructive(self) -> bool:
        """True if it takes something away: a relationship, scopes, or a partner's record id."""
        return self.operation in (Operation.DELETE, Operation.REMOVE_SCOPES) or (
            self.operation is Operation.UPDATE and _loses_a_partner(self.changes)
        )


@dataclass(frozen=True, slots=True)
class Contest:
    """A name or a scope that ``server`` can have once only and ``holder`` (a record key) has.

    ``scope`` None means the relationship's name; ``holder`` None means another operation of the
    same plan.
    """

    server: int
    scope: Scope | None
    holder: int | None


class EntryStatus(StrEnum):
    """States of a line of OperationTracker. The record's tracker shows ``pending`` lines only."""

    PENDING = "pending"
    APPLIED = "applied"
    SUPERSEDED = "superseded"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Entry:
    """A recorded operation.  ``stands`` tells of a rejected one that it is still accepted."""

    number: int
    planned: Planned
    status: EntryStatus
    stands: bool = False


def _loses_a_partner(changes: tuple[PropertyChange, ...]) -> bool:
    ids = [c for c in changes if c.property in ("Server1RecordId", "Server2RecordId")]
    return not {c.before for c in ids if c.before is not None} <= {c.after for c in ids}
