"""The inventory file: which DHCP servers there are and how each is contacted.

`ipam-sync servers import` reads it.  README shows the format; what it does not know is an error,
and all errors of a file are told at once.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from collectors.quote import escaped
from reconcile.model.names import fold
from worker.config.suggest import did_you_mean
from worker.config.yaml_document import NotYaml, Value, YamlDocument, compose
from worker.inventory.endpoints import transport_problem, url_problem
from worker.inventory.validation import (
    address_problem,
    good_tags,
    name_problem,
    tag_problem,
    without_dot,
)
from worker.model.credentials import Credential
from worker.model.servers import Endpoint

#: Thousands of servers fit into a fraction of it.
_LARGEST_BYTES: Final = 10_000_000
#: Paths are foreign text in a sentence.
_LONGEST_PATH_SHOWN: Final = 300
_CREDENTIAL_KEYS: Final = ("username", "password_env", "password_file", "certificate", "key")
#: The names that a shell can set.
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class InventoryServer:
    """A server as the file states it, with canonical addresses and no trailing dot.

    ``tags`` None: the file does not state them.
    """

    name: str
    addresses: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    endpoint: Endpoint = Endpoint()
    tags: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Inventory:
    """The contents of an inventory file, in its order."""

    credentials: tuple[Credential, ...]
    servers: tuple[InventoryServer, ...]


class InventoryError(Exception):
    """The file cannot be used. ``problems`` has a sentence for each reason."""

    code = "inventory"

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def read_inventory(path: Path) -> Inventory:
    """The inventory in a file. Raises InventoryError."""
    try:
        with path.open("rb") as file:
            raw = file.read(_LARGEST_BYTES + 1)
    except (OSError, ValueError) as error:  # a name with a NUL is a ValueError
        reason = error.strerror if isinstance(error, OSError) else error
        raise InventoryError((f"{_shown(path)} cannot be read: {reason}.",)) from None
    return parse_inventory(raw, path)


def parse_inventory(raw: bytes, path: Path) -> Inventory:
    """Parse the bytes of an inventory file. The path is for sentences. Raises InventoryError."""
    if len(raw) > _LARGEST_BYTES:
        limit = _LARGEST_BYTES // 1_000_000
        raise InventoryError((f"{_shown(path)} is larger than {limit} MB: no inventory is.",))
    try:
        document = compose(raw)
    except NotYaml as error:
        raise InventoryError((f"{_shown(path)} {error}",)) from None
    if document is None:
        raise InventoryError((f"{_shown(path)} is empty: it needs at least servers.",))
    sheet = YamlDocument()
    inventory = _inventory(sheet, document, path.absolute().parent)
    if sheet.problems:
        raise InventoryError(tuple(f"{_shown(path)}, {problem}" for problem in sheet.problems))
    return inventory


def _inventory(sheet: YamlDocument, document: Value, directory: Path) -> Inventory:
    fields = sheet.fields(document, ("credentials", "servers")) or {}
    credentials: tuple[Credential, ...] = ()
    credential_names: Collection[str] = ()
    if "credentials" in fields:
        table = sheet.table(fields["credentials"])
        credential_names = table.keys()
        credentials = tuple(
            credential
            for name, value in table.items()
            if (credential := _credential(sheet, name, value, directory)) is not None
        )
    servers: list[tuple[Value, InventoryServer | None]] = []
    if "servers" in fields:
        servers = [(v, _server(sheet, v, credential_names)) for v in sheet.items(fields["servers"])]
    if not servers and not sheet.problems:
        sheet.wrong(document, "lists no servers.")
    _check_unique(sheet, servers)
    return Inventory(credentials, tuple(server for _, server in servers if server is not None))


def _credential(sheet: YamlDocument, name: str, value: Value, directory: Path) -> Credential | None:
    """A user with a password or a Kerberos ticket, or a certificate with its key."""
    fields = sheet.fields(value, _CREDENTIAL_KEYS)
    if fields is None:
        return None
    if fields.keys() & {"certificate", "key"}:
        return _certificate(sheet, name, value, fields, directory)
    username = _required(sheet, value, fields, "username")
    sources = fields.keys() & {"password_env", "password_file"}
    if len(sources) > 1:
        sheet.wrong(value, "needs one of password_env and password_file, and not both.")
        return None
    texts = {source: sheet.text(fields[source]) for source in sources}
    variable, file = texts.get("password_env"), texts.get("password_file")
    if variable is not None and not _VARIABLE.fullmatch(variable):
        # Not shown: it may be the password itself.
        sheet.wrong(fields["password_env"], "must be the name of a variable, not the password.")
    if username is None:
        return None
    return Credential(
        name,
        username,
        password_env=variable,
        password_file=None if file is None else str(directory / file),
    )


def _certificate(
    sheet: YamlDocument, name: str, value: Value, fields: Mapping[str, Value], directory: Path
) -> Credential | None:
    if fields.keys() != {"certificate", "key"}:
        sheet.wrong(value, "needs certificate and key, and nothing else.")
        return None
    certificate, key = (sheet.text(fields[k]) for k in ("certificate", "key"))
    if certificate is None or key is None:
        return None
    return Credential(
        name, certificate_file=str(directory / certificate), key_file=str(directory / key)
    )


def _server(
    sheet: YamlDocument, value: Value, credentials: Collection[str]
) -> InventoryServer | None:
    fields = sheet.fields(value, ("name", "addresses", "aliases", "tags", "winrm"))
    if fields is None:
        return None
    name = _required(sheet, value, fields, "name")
    if name is not None and (problem := name_problem(name)) is not None:
        sheet.wrong(fields["name"], problem)
    addresses = tuple(_addresses(sheet, fields))
    aliases = tuple(_aliases(sheet, fields))
    endpoint = _endpoint(sheet, fields["winrm"], credentials) if "winrm" in fields else Endpoint()
    tags = good_tags(_tags(sheet, fields)) if "tags" in fields else None
    if name is None:
        return None
    return InventoryServer(without_dot(name), addresses, aliases, endpoint, tags)


def _required(
    sheet: YamlDocument, value: Value, fields: Mapping[str, Value], key: str
) -> str | None:
    if key in fields:
        return sheet.text(fields[key])
    sheet.wrong(value, f"needs a {key}.")
    return None


def _texts(
    sheet: YamlDocument, fields: Mapping[str, Value], key: str
) -> Iterator[tuple[Value, str]]:
    for value in sheet.items(fields[key]) if key in fields else ():
        text = sheet.text(value)
        if text is not None:
            yield value, text


def _addresses(sheet: YamlDocument, fields: Mapping[str, Value]) -> Iterator[str]:
    for value, text in _texts(sheet, fields, "addresses"):
        if (problem := address_problem(text)) is not None:
            sheet.wrong(value, f"'{escaped(text)}' {problem}")
        else:
            yield str(ip_address(text))


def _aliases(sheet: YamlDocument, fields: Mapping[str, Value]) -> Iterator[str]:
    for value, text in _texts(sheet, fields, "aliases"):
        if (problem := name_problem(text)) is not None:
            sheet.wrong(value, problem)
        else:
            yield without_dot(text)


def _tags(sheet: YamlDocument, fields: Mapping[str, Value]) -> Iterator[str]:
    for value, text in _texts(sheet, fields, "tags"):
        if (problem := tag_problem(text)) is not None:
            sheet.wrong(value, f"'{escaped(text)}' {problem}")
        else:
            yield text


def _endpoint(sheet: YamlDocument, value: Value, credentials: Collection[str]) -> Endpoint:
    fields = sheet.fields(value, ("url", "transport", "credential")) or {}
    texts = {key: sheet.text(inner) for key, inner in fields.items()}
    url, transport, credential = (texts.get(key) for key in ("url", "transport", "credential"))
    if url is not None and (problem := url_problem(url, transport)) is not None:
        sheet.wrong(fields["url"], problem)
    if transport is not None and (problem := transport_problem(transport)) is not None:
        sheet.wrong(fields["transport"], f"'{escaped(transport)}' {problem}")
    if credential is not None and credential not in credentials:
        guess = did_you_mean(credential, credentials)
        sheet.wrong(fields["credential"], f"'{escaped(credential)}' is no credential{guess}")
    return Endpoint(url, transport, credential)


def _check_unique(
    sheet: YamlDocument, servers: Collection[tuple[Value, InventoryServer | None]]
) -> None:
    first_of: dict[str, Value] = {}
    for value, server in servers:
        if server is not None:
            first_value = first_of.setdefault(fold(server.name), value)
            if first_value is not value:
                sheet.wrong(
                    value,
                    f"has the name of {first_value.path} in line {first_value.line}: {server.name}.",
                )


def _shown(path: Path) -> str:
    return escaped(str(path), _LONGEST_PATH_SHOWN)
