"""The file that describes a simulated fleet (YAML), and every problem in it by line.

Used by ``ipam-sync simulate`` and the demo.  Servers and relationships are described in the words
of ``collectors.simulator.changes``; what is not said has its default.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import AddressValueError, IPv4Address
from pathlib import Path
from typing import Final

from collectors.quote import escaped
from collectors.simulator.changes import RELATIONSHIP, SERVER, BadChange, change, server_changes
from collectors.simulator.dhcp import DhcpServer
from collectors.simulator.faults import BadFault, injection
from collectors.simulator.fleet import Fleet, Relationship, UnknownName
from collectors.simulator.running import Listener, SimulatedLogon
from worker.config.yaml_document import NotYaml, Value, YamlDocument, compose

#: A larger file is no description of a fleet.
_LARGEST_BYTES: Final = 10_000_000
_SERVER_KEYS: Final = (
    *("name", "address", "partners_as", "tls", "logon", "port", "faults"),
    *SERVER,
)
_RELATIONSHIP_KEYS: Final = ("name", "primary", "secondary", "at", *RELATIONSHIP)
_SPELLINGS: Final = ("name", "short", "address")
#: Ports are numbers of 16 bits.
_HIGHEST_PORT: Final = 65_535


class FleetFileError(Exception):
    """The file cannot be used. The text has one sentence a line."""

    code = "fleet_file"


@dataclass(frozen=True, slots=True)
class FleetFile:
    """The fleet, and how its servers listen, by name."""

    fleet: Fleet
    listeners: Mapping[str, Listener] = field(default_factory=dict)


def read_fleet(path: Path) -> FleetFile:
    """The fleet in a file. Raises FleetFileError."""
    file_words = escaped(str(path), 300)
    try:
        with path.open("rb") as file:
            raw = file.read(_LARGEST_BYTES + 1)
    except OSError as error:
        raise FleetFileError(f"{file_words} cannot be read: {error.strerror}.") from error
    if len(raw) > _LARGEST_BYTES:
        raise FleetFileError(f"{file_words} is larger than {_LARGEST_BYTES // 1_000_000} MB.")
    try:
        document = compose(raw)
    except NotYaml as error:
        raise FleetFileError(f"{file_words} {error}") from error
    if document is None:
        raise FleetFileError(f"{file_words} is empty: it needs at least servers.")
    sheet = YamlDocument()
    described = _fleet(sheet, document)
    if sheet.problems:
        raise FleetFileError("\n".join(f"{file_words}, {problem}" for problem in sheet.problems))
    return described


def _fleet(sheet: YamlDocument, document: Value) -> FleetFile:
    fields = sheet.fields(document, ("servers", "relationships")) or {}
    fleet, listeners = Fleet(), dict[str, Listener]()
    if "servers" not in fields:
        sheet.wrong(document, "needs servers.")
        return FleetFile(fleet)
    for value in sheet.items(fields["servers"]):
        _add_server(sheet, value, fleet, listeners)
    if "relationships" in fields:
        for value in sheet.items(fields["relationships"]):
            _add_relationship(sheet, value, fleet)
    return FleetFile(fleet, listeners)


def _add_server(
    sheet: YamlDocument, value: Value, fleet: Fleet, listeners: dict[str, Listener]
) -> None:
    fields = sheet.fields(value, _SERVER_KEYS)
    if fields is None:
        return
    name, address = _needed(sheet, value, fields, "name"), _needed(sheet, value, fields, "address")
    if name is None or address is None:
        return
    if any(server.name.casefold() == name.casefold() for server in fleet.servers):
        sheet.wrong(fields["name"], "is there twice.")
    try:
        IPv4Address(address)
    except AddressValueError:
        sheet.wrong(fields["address"], "must be an IPv4 address.")
    spelling = _one_of(sheet, fields, "partners_as", _SPELLINGS)
    server = DhcpServer(name, address, partners_as=spelling)
    words = {key: _joined(sheet, fields[key]) for key in SERVER if key in fields}
    try:
        server_changes(server, words)
    except BadChange as error:
        sheet.wrong(value, f"is not understood: {error}")
    fleet.add(server)
    listeners[name] = _listener(sheet, value, fields)


def _listener(sheet: YamlDocument, value: Value, fields: Mapping[str, Value]) -> Listener:
    tls = _one_of(sheet, fields, "tls", ("true", "false")) == "true"
    logon = SimulatedLogon(_one_of(sheet, fields, "logon", tuple(SimulatedLogon)))
    if not tls and logon is not SimulatedLogon.NTLM:
        sheet.wrong(value, f"must have tls: true, for {logon} is not safe without it.")
    port = sheet.text(fields["port"]) if "port" in fields else "0"
    if port is None or not port.isdecimal() or int(port) > _HIGHEST_PORT:
        sheet.wrong(fields["port"], "must be a port.")
        port = "0"
    faults = tuple(_joined(sheet, fields["faults"]).split(",")) if "faults" in fields else ()
    try:
        for fault in faults:
            injection(fault)
    except BadFault as error:
        sheet.wrong(fields["faults"], f"is not understood: {error}")
        faults = ()
    return Listener(tls, logon, port=int(port), faults=faults)


def _add_relationship(sheet: YamlDocument, value: Value, fleet: Fleet) -> None:
    fields = sheet.fields(value, _RELATIONSHIP_KEYS)
    if fields is None:
        return
    names = [_needed(sheet, value, fields, key) for key in ("name", "primary", "secondary")]
    name, primary, secondary = (name or "" for name in names)
    if not all(names):
        return
    fleet.relate(Relationship(name, primary, secondary))
    words = {key: _joined(sheet, fields[key]) for key in RELATIONSHIP if key in fields}
    _change(sheet, value, fleet, name, words)
    for server, inner in sheet.table(fields["at"]).items() if "at" in fields else ():
        values = sheet.fields(inner, tuple(RELATIONSHIP)) or {}
        words = {key: _joined(sheet, one) for key, one in values.items()}
        _change(sheet, inner, fleet, f"{name}@{server}", words)


def _change(
    sheet: YamlDocument, value: Value, fleet: Fleet, subject: str, words: dict[str, str]
) -> None:
    try:
        change(fleet, subject, words)
    except (BadChange, UnknownName) as error:
        sheet.wrong(value, f"is not understood: {error}")


def _needed(sheet: YamlDocument, value: Value, fields: Mapping[str, Value], key: str) -> str | None:
    if key not in fields:
        sheet.wrong(value, f"needs {key}.")
        return None
    return sheet.text(fields[key])


def _one_of(
    sheet: YamlDocument, fields: Mapping[str, Value], key: str, words: tuple[str, ...]
) -> str:
    """The word given, the first one if there is none."""
    if key not in fields:
        return words[0]
    text = sheet.text(fields[key])
    if text in words:
        return text
    sheet.wrong(fields[key], f"must be one of {', '.join(words)}.")
    return words[0]


def _joined(sheet: YamlDocument, value: Value) -> str:
    """A text, or the elements of a list with commas between them."""
    if value.is_list:
        return ",".join(sheet.text(item) or "" for item in sheet.items(value))
    return sheet.text(value) or ""
