"""What a run is asked to do, and for whom; the same for timer, CLI and HTTP."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from reconcile.findings import Severity
from reconcile.guard import Limits
from reconcile.life import Patience
from reconcile.model import Server, Standing
from reconcile.names import Ambiguous, Known, NameMap, Unknown, fold_relationship
from reconcile.record import Record
from reconcile.remedies.own import ipam_sync
from reconcile.world import Rules
from worker.ports import EVERYTHING, Reading, Trigger

#: Digits of a 64-bit number that surely fits; a longer one is a name.
_LONGEST_ID: Final = 18


class Policy(StrEnum):
    """``auto`` applies what is recorded within the rules; ``review`` waits for a person."""

    AUTO = "auto"
    REVIEW = "review"


@dataclass(frozen=True, slots=True)
class Request:
    """One run: what it is about, why, by whom.

    ``server`` is a name a person typed; ``relationship`` is ``ID``, ``NAME`` or ``NAME@SERVER``.
    """

    trigger: Trigger
    who: str
    server: str | None = None
    relationship: str | None = None

    @property
    def target(self) -> str:
        """For people: what the run is about."""
        if self.relationship is not None:
            return f"relationship {self.relationship}"
        return EVERYTHING if self.server is None else f"server {self.server}"


@dataclass(frozen=True, slots=True)
class Timing:
    """How often, and how long: servers are read every ``interval``; who does not renew a
    ``lease`` in time is taken for dead; what was lost is looked for every ``sweep``, who is due
    every ``tick``.
    """

    interval: timedelta = timedelta(minutes=15)
    lease: timedelta = timedelta(seconds=30)
    sweep: timedelta = timedelta(seconds=10)
    tick: timedelta = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Conduct:
    """How runs behave: rules of judgement, limits of the guard, policy, timing, when a problem is
    open and how loud it is where people say so.
    """

    rules: Rules = Rules()
    limits: Limits = Limits()
    policy: Policy = Policy.AUTO
    timing: Timing = Timing()
    patience: Patience = field(default_factory=Patience)
    severities: Mapping[str, Severity] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Target:
    """Whom a run is about: ``servers`` None means everybody, ``only`` is a folded name.

    ``members`` are those to ask first: the targets and the partners stored with them.
    """

    servers: frozenset[int] | None
    members: frozenset[int]
    only: str | None = None


class UnknownTarget(Exception):
    """A person named a server or a relationship that is not there, or not only one."""

    code = "unknown_target"


def find_server(servers: Iterable[Server], text: str) -> Server:
    """The server a person means: by name, alias, address or a short name that is unique.

    Raises UnknownTarget with what could have been meant.
    """
    known = {s.id: s for s in servers}
    match NameMap(known.values()).resolve((text,), asker=0):
        case Known(server, _):
            return known[server]
        case Ambiguous(_, candidates):
            names = ", ".join(sorted(known[c].name for c in candidates))
            raise UnknownTarget(f"{text!r} could be {names}: give the full name.")
        case Unknown():
            raise UnknownTarget(f"IPAM has no server {text!r}. See: ipam-sync servers list")


def find_records(reading: Reading, text: str) -> tuple[Record, ...]:
    """The records a person means by ``ID``, ``NAME`` or ``NAME@SERVER``; may be none.

    Raises UnknownTarget if an id or a server does not exist.
    """
    if text.isascii() and text.isdigit() and len(text) <= _LONGEST_ID:
        found = tuple(r for r in reading.records_by_key([int(text)]) if not r.pending)
        if found:
            return found
    named = reading.records_named(fold_relationship(text))
    if named or "@" not in text:
        return named
    relationship, server = _at_server(reading, text)
    same_name = reading.records_named(fold_relationship(relationship))
    return tuple(r for r in same_name if server.id in r.partners)


def find_target(reading: Reading, request: Request) -> Target:
    """Resolve what a request is about. Raises UnknownTarget."""
    servers = reading.servers()
    asked = frozenset(s.id for s in servers if s.standing is Standing.ENABLED)
    if request.relationship is not None:
        return _relationship_target(reading, request.relationship, asked)
    if request.server is None:
        return Target(None, asked)
    server = find_server(servers, request.server)
    if server.standing is not Standing.ENABLED:
        raise UnknownTarget(
            f"{server.name} is {server.standing}, so it is not asked. "
            f"To ask it again: {ipam_sync('servers enable', server.name).text}"
        )
    return Target(frozenset({server.id}), _with_partners(reading, {server.id}) & asked)


def _relationship_target(reading: Reading, text: str, asked: frozenset[int]) -> Target:
    records = find_records(reading, text)
    if records:
        name = fold_relationship(records[0].relationship_name)
        servers = frozenset(p for r in records for p in r.partners)
        return Target(servers, servers & asked, only=name)
    if "@" not in text:
        raise UnknownTarget(
            f"IPAM has no relationship {text!r}. See: ipam-sync relationships list; "
            "one that is new on a server is named NAME@SERVER."
        )
    relationship, server = _at_server(reading, text)
    one = frozenset({server.id})
    return Target(one, one & asked, only=fold_relationship(relationship))


def _at_server(reading: Reading, text: str) -> tuple[str, Server]:
    """Split at the last @: a relationship's name may have some of its own."""
    relationship, _, server = text.rpartition("@")
    return relationship, find_server(reading.servers(), server)


def _with_partners(reading: Reading, servers: Collection[int]) -> frozenset[int]:
    return frozenset(servers).union(*(r.partners for r in reading.records(servers)))
