"""A simulated Windows DHCP server: its own copy of every relationship, and what it prints of it.

What is modelled is the server, not its answers: a partner has another copy of the same
relationship, and the two may differ in anything.  ``fleet`` puts partners together.
"""

from __future__ import annotations

import json
from base64 import b64decode
from binascii import Error as BadBase64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final, TypeAlias, TypeVar
from uuid import NAMESPACE_DNS, uuid5

from collectors.scripts import Script, projection, recognised
from collectors.simulator.machine import DomainAccount, Execution
from collectors.simulator.windows import ERRORS, Generation, Language, Trouble
from collectors.wire import Json

#: .NET's round-trip format has seven digits of a second.
_CLOCK: Final = "%Y-%m-%dT%H:%M:%S.%f0Z"
#: A service that started so long ago looks like one in use.
_UP: Final = timedelta(days=3)


class SimulatedMode(StrEnum):
    """How the partners share the work."""

    LOAD_BALANCE = "LoadBalance"
    HOT_STANDBY = "HotStandby"


class Percent(StrEnum):
    """Meanings of the LoadBalancePercent that a secondary prints. No public capture settles it."""

    OWN_SHARE = "own_share"
    PRIMARYS_SHARE = "primarys_share"


@dataclass(slots=True)
class SimulatedScope:
    """A scope that a server serves."""

    name: str
    active: bool = True


@dataclass(slots=True)
class Copy:
    """A relationship as one server has it.

    ``percent`` is the primary's share in load balance, the reserve in hot standby; ``partner`` is
    spelt as this server has it stored.  The last four are ``PrimaryServerName`` and so on.
    """

    name: str
    partner: str
    primary: bool
    mode: SimulatedMode
    scopes: list[str]
    percent: int
    mclt_seconds: int
    interval_seconds: int | None
    auth: bool
    state: str
    primary_name: str
    secondary_name: str
    primary_ip: str
    secondary_ip: str


@dataclass(slots=True)
class DhcpServer:
    """A machine of the fleet. It may be changed at any time.

    ``calls_itself`` is another name than its own (a lying server). ``refuses`` are users that only
    it refuses. ``alone`` are scopes in no relationship.
    """

    name: str
    address: str
    generation: Generation = Generation.WS2022
    machine_id: str = ""
    partners_as: str = "name"
    think_seconds: float = 0.0
    clock_offset_seconds: float = 0.0
    language: Language = Language.ENGLISH
    percent: Percent = Percent.OWN_SHARE
    trouble: Trouble | None = None
    calls_itself: str | None = None
    cluster_name: str | None = None
    refuses: frozenset[str] = frozenset()
    copies: dict[str, Copy] = field(default_factory=dict)
    alone: dict[str, SimulatedScope] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.machine_id:
            self.machine_id = str(uuid5(NAMESPACE_DNS, self.name))

    @property
    def computer_name(self) -> str:
        """The NetBIOS name."""
        return (self.calls_itself or self.name).partition(".")[0].upper()[:15]

    def copy(self, name: str) -> Copy | None:
        """Return its copy of a relationship. Names are compared without case."""
        return self.copies.get(name.casefold())

    def admits(self, account: DomainAccount) -> bool:
        return account.username.casefold() not in self.refuses

    def execute(self, command_line: str, stdin: bytes) -> Execution:
        """Return the answer to a script of ours, or else the answer of Windows to an unknown
        command.
        """
        del stdin
        script = recognised(command_line)
        if script is None:
            return _unknown(command_line)
        document = json.dumps(self._document(script), separators=(",", ":"))
        return Execution(document.encode("ascii"), seconds=self.think_seconds)

    def _document(self, script: Script) -> Mapping[str, Json]:
        members = projection(script)
        failed = self.trouble is not None
        return {
            "schema": 1,
            "ok": not failed,
            "error": self._error(members.error),
            "host": _projected(members.host, _HOST, self)
            | {"dhcp_service": _projected(members.service, _SERVICE, self)},
            "relationships": []
            if failed
            else [
                _projected(members.relationship, _RELATIONSHIP, (self, c)) for c in self._copies()
            ],
            "scopes": None
            if failed
            else [
                _projected(members.scope, _SCOPE, item) for item in sorted(self._scopes().items())
            ],
        }

    def _error(self, members: tuple[str, ...]) -> Json:
        if self.trouble is None:
            return None
        record = ERRORS[self.trouble]
        values: dict[str, Json] = {
            "fqid": record.fqid,
            "category": record.category,
            "message": record.message(self.language, self.computer_name),
        }
        return {name: values[name] for name in members}

    def _copies(self) -> list[Copy]:
        return [self.copies[key] for key in sorted(self.copies)]

    def _scopes(self) -> dict[str, SimulatedScope]:
        served = {s: SimulatedScope(s) for c in self.copies.values() for s in c.scopes}
        return {**self.alone, **served}

    def now(self) -> datetime:
        """Return the time of its clock."""
        return datetime.now(UTC) + timedelta(seconds=self.clock_offset_seconds)


_V = TypeVar("_V")
_Told: TypeAlias = tuple[DhcpServer, Copy]


def _share(told: _Told) -> Json:
    server, copy = told
    if copy.mode is not SimulatedMode.LOAD_BALANCE:
        return None
    is_own_share = server.percent is Percent.OWN_SHARE and not copy.primary
    return 100 - copy.percent if is_own_share else copy.percent


def _if_told(value: Callable[[Copy], Json]) -> Callable[[_Told], Json]:
    """A property that 2012 lacks."""
    return lambda told: value(told[1]) if told[0].generation.tells_types else None


def _role(told: _Told) -> Json:
    if told[1].mode is SimulatedMode.LOAD_BALANCE:
        return None
    return "Active" if told[1].primary else "Standby"


_RELATIONSHIP: Final[Mapping[str, Callable[[_Told], Json]]] = {
    "Name": lambda told: told[1].name,
    "PartnerServer": lambda told: told[1].partner,
    "Mode": lambda told: str(told[1].mode),
    "ServerRole": _role,
    "LoadBalancePercent": _share,
    "ReservePercent": lambda told: (
        told[1].percent if told[1].mode is SimulatedMode.HOT_STANDBY else None
    ),
    "ScopeId": lambda told: list[Json](told[1].scopes),
    "MaxClientLeadTime": lambda told: told[1].mclt_seconds,
    "StateSwitchInterval": lambda told: told[1].interval_seconds,
    "AutoStateTransition": lambda told: told[1].interval_seconds is not None,
    "EnableAuth": lambda told: told[1].auth,
    "State": lambda told: told[1].state,
    "PrimaryServerIP": _if_told(lambda copy: copy.primary_ip),
    "SecondaryServerIP": _if_told(lambda copy: copy.secondary_ip),
    "PrimaryServerName": _if_told(lambda copy: copy.primary_name),
    "SecondaryServerName": _if_told(lambda copy: copy.secondary_name),
    "ServerType": _if_told(lambda copy: "PrimaryServer" if copy.primary else "SecondaryServer"),
}
_SCOPE: Final[Mapping[str, Callable[[tuple[str, SimulatedScope]], Json]]] = {
    "ScopeId": lambda told: told[0],
    "Name": lambda told: told[1].name,
    "SubnetMask": lambda _: "255.255.255.0",
    "StartRange": lambda told: f"{told[0].rpartition('.')[0]}.10",
    "EndRange": lambda told: f"{told[0].rpartition('.')[0]}.250",
    "State": lambda told: "Active" if told[1].active else "Inactive",
}
_SERVICE: Final[Mapping[str, Callable[[DhcpServer], Json]]] = {
    "state": lambda s: "Stopped" if s.trouble is Trouble.SERVICE_STOPPED else "Running",
    "started_at": lambda s: (
        None if s.trouble is not None else (s.now() - _UP).replace(microsecond=0).strftime(_CLOCK)
    ),
}
_HOST: Final[Mapping[str, Callable[[DhcpServer], Json]]] = {
    "computer_name": lambda server: server.computer_name,
    "dns_name": lambda server: server.calls_itself or server.name,
    "machine_id": lambda server: server.machine_id,
    "addresses": lambda server: [server.address],
    "cluster_name": lambda server: server.cluster_name,
    "os_version": lambda server: server.generation.os_version,
    "powershell_version": lambda server: server.generation.powershell_version,
    "clock": lambda server: server.now().strftime(_CLOCK),
    "dhcp_service": lambda _: None,  # an object of its own
    "dhcp_version": lambda server: ".".join(server.generation.os_version.split(".")[:2]),
}


def _projected(
    members: tuple[str, ...], values: Mapping[str, Callable[[_V], Json]], of: _V
) -> dict[str, Json]:
    """Return the members that the script prints. A member that no server has is a KeyError."""
    return {name: values[name](of) for name in members}


def _unknown(command_line: str) -> Execution:
    """PowerShell for a script that it does not know, cmd.exe for everything else."""
    program, _, rest = command_line.strip().partition(" ")
    if program.casefold().removesuffix(".exe") != "powershell":
        error_text = f"'{program}' is not recognized as an internal or external command,\r\n"
        return Execution(b"", f"{error_text}operable program or batch file.\r\n".encode(), 1)
    word = (_script_in(rest).split() or ["script"])[0]
    error_text = (
        f"{word} : The term '{word}' is not recognized as the name of a cmdlet, function, script "
        "file, or operable program.\n    + CategoryInfo          : ObjectNotFound: "
        f"({word}:String) [], CommandNotFoundException\n    + FullyQualifiedErrorId : "
        "CommandNotFoundException\n"
    )
    return Execution(b"", error_text.encode("utf-8", "replace"), 1)


def _script_in(arguments: str) -> str:
    """Return the decoded text after -EncodedCommand, else the last argument."""
    encoded = arguments.rpartition(" ")[2]
    try:
        return b64decode(encoded, validate=True).decode("utf-16-le")
    except (BadBase64, UnicodeDecodeError):
        return encoded
