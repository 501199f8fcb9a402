"""Wire shapes to the core's nouns; absent, null, blank and zero stay four different things.

- *absent*: legal only for what Windows Server 2012 lacks, else the export was cut by hand;
- *null*: the server said nothing about it;
- *blank*: ``[string]$null`` in Windows PowerShell 5.1, so the same as null for optional text and
  refused everywhere else;
- *zero* is zero.

Pure.  Used by every collector after ``decode``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from collectors.base import EXPORT_AGAIN, DecodeError
from collectors.field import Field
from collectors.quote import quoted
from collectors.values import optional_ipv4, scopes, seconds
from collectors.wire import RawRelationship, WireDocument
from reconcile.model.nouns import (
    Identity,
    Mode,
    ServedScope,
    Server,
    ServerRole,
    ServerType,
    State,
    Story,
)

NOT_ON_2012 = frozenset(
    {
        "PrimaryServerIP",
        "SecondaryServerIP",
        "PrimaryServerName",
        "SecondaryServerName",
        "ServerType",
    }
)
"""Properties of the class that came with Windows Server 2012 R2."""

#: .NET prints seven digits of a second, and fromisoformat reads six.
_SECOND_FRACTION = re.compile(r"(\.\d{6})\d+")

_W = TypeVar("_W", bound=StrEnum)


def _by_word(members: Iterable[_W]) -> dict[str, _W]:
    return {member.casefold(): member for member in members}


_MODES = _by_word((Mode.LOAD_BALANCE, Mode.HOT_STANDBY))
_STATES = _by_word(State) | {"communicationinterrupted": State.COMMUNICATIONS_INTERRUPTED}
_ROLES = _by_word(ServerRole)
_TYPES = _by_word(ServerType)


def stories(document: WireDocument, server: Server) -> tuple[Story, ...]:
    """Everything that ``server`` told, in the order it told it.

    Raises:
        DecodeError: a value cannot be understood; then nothing of the document counts, because
            a list with one relationship left out reads like a relationship that is gone.
    """
    is_own_document = document.schema is not None
    return tuple(
        _story(_Properties(number, raw, server.name), server.id, plain_seconds=is_own_document)
        for number, raw in enumerate(document.relationships, 1)
    )


def identity(document: WireDocument, server: Server) -> Identity | None:
    """Return the identity of the host, or None if the document has none, as in raw exports.

    Raises:
        DecodeError: the host is described in a way that cannot be understood.
    """
    if document.host is None:
        return None
    values = document.host
    host = Field(server.name, "host", values)

    def text(name: str) -> str | None:
        return host.member(name, values.get(name)).optional_text()

    listed = values.get("addresses")
    addresses = () if listed is None else host.member("addresses", listed).items()
    return Identity(
        computer_name=text("computer_name"),
        dns_name=text("dns_name"),
        machine_id=text("machine_id"),
        cluster_name=text("cluster_name"),
        addresses=tuple(address.text() for address in addresses),
    )


def served_scopes(document: WireDocument, server: Server) -> tuple[ServedScope, ...] | None:
    """Return the scopes that the server serves, by address, or None if the document has none.

    Raises:
        DecodeError: a scope cannot be understood.
    """
    if document.scopes is None:
        return None
    served = (_scope(server, number, raw) for number, raw in enumerate(document.scopes, 1))
    return tuple(sorted(served, key=lambda scope: scope.scope))


def _scope(server: Server, number: int, raw: RawRelationship) -> ServedScope:
    def field(name: str) -> Field:
        return Field(f"{server.name}, scope {number}", name, raw.get(name))

    (scope,) = scopes(Field(field("ScopeId").source, "ScopeId", [raw.get("ScopeId")]))
    return ServedScope(
        scope,
        active=field("State").text().strip().casefold() == "active",
        name=field("Name").optional_text(),
        mask=field("SubnetMask").optional_text(),
        start=field("StartRange").optional_text(),
        end=field("EndRange").optional_text(),
    )


def clock(document: WireDocument, server: Server) -> datetime | None:
    """Return the time of the server's clock, or None if the document has none.

    Raises:
        DecodeError: it is no time with a zone.
    """
    clock_value = None if document.host is None else document.host.get("clock")
    field = Field(server.name, "host.clock", clock_value)
    text = field.optional_text()
    if text is None:
        return None
    try:  # .NET prints seven digits of a second, Python reads six
        moment = datetime.fromisoformat(_SECOND_FRACTION.sub(r"\1", text))
    except ValueError:
        raise field.wrong("a time, such as 2026-01-31T12:00:00Z") from None
    if moment.tzinfo is None:
        raise field.wrong("a time with its zone")
    return moment


@dataclass(frozen=True, slots=True)
class _Properties:
    """The properties of one relationship as fields."""

    number: int
    raw: RawRelationship
    server: str

    def __str__(self) -> str:
        """Return the relationship in words for an error."""
        name = self.raw.get("Name")
        called = f" {quoted(name)}" if isinstance(name, str) else ""
        return f"{self.server}, relationship {self.number}{called}"

    def field(self, name: str) -> Field:
        """Return a property. It is None where Windows Server 2012 lacks it."""
        if name not in self.raw and name not in NOT_ON_2012:
            raise DecodeError(
                str(self), name, "is missing", f"Leave out Select-Object. {EXPORT_AGAIN}"
            )
        return Field(self, name, self.raw.get(name))


def _story(told: _Properties, asked: int, *, plain_seconds: bool) -> Story:
    odd_words: list[tuple[str, str]] = []
    automatic = told.field("AutoStateTransition").boolean()
    interval = told.field("StateSwitchInterval")
    mode = _word(told.field("Mode"), _MODES, odd_words)
    state = _word(told.field("State"), _STATES, odd_words)
    return Story(
        asked=asked,
        name=told.field("Name").text(),
        partner=told.field("PartnerServer").text(),
        mode=mode,
        state=state or State.UNKNOWN,
        scopes=scopes(told.field("ScopeId")),
        mclt_seconds=seconds(told.field("MaxClientLeadTime"), plain=plain_seconds),
        auto_state_transition=automatic,
        # Without automatic transition there is no interval, whatever the console left there.
        state_switch_interval_seconds=_interval(interval, plain_seconds) if automatic else None,
        enable_auth=told.field("EnableAuth").boolean(),
        load_balance_percent=_percentage(told.field("LoadBalancePercent")),
        reserve_percent=_percentage(told.field("ReservePercent")),
        server_role=_optional_word(told.field("ServerRole"), _ROLES, odd_words),
        server_type=_optional_word(told.field("ServerType"), _TYPES, odd_words),
        primary_name=told.field("PrimaryServerName").optional_text(),
        secondary_name=told.field("SecondaryServerName").optional_text(),
        primary_ip=optional_ipv4(told.field("PrimaryServerIP")),
        secondary_ip=optional_ipv4(told.field("SecondaryServerIP")),
        unknown_values=tuple(odd_words),
    )


def _word(field: Field, words: Mapping[str, _W], odd: list[tuple[str, str]]) -> _W | None:
    """Return the enumeration's member. A word that it lacks is None and goes raw into ``odd``."""
    text = field.text()
    member = words.get(text.strip().casefold())
    if member is None:
        odd.append((field.path, text))
    return member


def _optional_word(field: Field, words: Mapping[str, _W], odd: list[tuple[str, str]]) -> _W | None:
    return None if field.value is None or field.blank() else _word(field, words, odd)


def _percentage(field: Field) -> int | None:
    return None if field.value is None else field.integer(0, 100)


def _interval(field: Field, plain_seconds: bool) -> int | None:
    return None if field.value is None else seconds(field, plain=plain_seconds)
