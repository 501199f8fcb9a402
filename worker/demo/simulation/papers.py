"""What one needs to ask a simulated fleet: inventory, authority, password, client certificate.

Written into a directory of their own by ``ipam-sync simulate`` and the demo.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from collectors.simulator.running import BY_CERTIFICATE, RunningFleet, SimulatedLogon

_BY_PASSWORD: Final = "simulated"  # noqa: S105  # the name of a credential
_BY_CERTIFICATE: Final = "simulated-certificate"


@dataclass(frozen=True, slots=True)
class Papers:
    """Where they are."""

    inventory: Path
    authority: Path


def write_papers(running: RunningFleet, directory: Path) -> Papers:
    """Write all files. Only the owner can read secrets. Raises OSError."""
    directory.mkdir(parents=True, exist_ok=True)
    _write(directory / "password", running.account.password.encode(), secret=True)
    credentials: dict[str, Any] = {
        _BY_PASSWORD: {"username": running.account.username, "password_file": "password"}
    }
    names = [server.name for server in running.fleet.servers]
    if any(running.listener(name).logon is SimulatedLogon.CERTIFICATE for name in names):
        certificate, key = running.authority.client(BY_CERTIFICATE.username)
        _write(directory / "client.pem", certificate)
        _write(directory / "client.key", key, secret=True)
        credentials[_BY_CERTIFICATE] = {"certificate": "client.pem", "key": "client.key"}
    document = {"credentials": credentials, "servers": [_server(running, n) for n in names]}
    inventory = directory / "inventory.yaml"
    text = "# The simulated fleet, for: ipam-sync servers import inventory.yaml\n" + yaml.safe_dump(
        document, sort_keys=False, allow_unicode=True
    )
    _write(inventory, text.encode())
    return Papers(inventory, running.write_authority(directory))


def _server(running: RunningFleet, name: str) -> dict[str, Any]:
    logon = running.listener(name).logon
    return {
        "name": name,
        "addresses": [running.fleet.server(name).address],
        "winrm": {
            "url": running.station(name).url,
            "transport": str(logon),
            "credential": _BY_CERTIFICATE if logon is SimulatedLogon.CERTIFICATE else _BY_PASSWORD,
        },
    }


def _write(path: Path, content: bytes, *, secret: bool = False) -> None:
    # A new file each time: an older one may be a link, or open to others.
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if secret else 0o644)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
