"""An installation on which every command that a text prints has something to do.

A simulated fleet answers. An operation of HQ is pending and one of Lab is held, problem 1 is
acknowledged; there are a silence, a maintenance window, an alias, exports and machines to confirm.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.worker.cli.lab import Lab, simulating
from tests.worker.cli.site import Site, fqdn

FLEET: Final = """\
servers:
  - {name: dhcp01.corp.example, address: 10.0.0.1}
  - {name: dhcp02.corp.example, address: 10.0.0.2}
  - {name: dhcp03.corp.example, address: 10.0.0.3}
relationships:
  - {name: HQ, primary: dhcp01.corp.example, secondary: dhcp02.corp.example,
     scopes: [10.1.0.0, 10.1.1.0]}
  - {name: Lab, primary: dhcp02.corp.example, secondary: dhcp03.corp.example,
     scopes: [10.2.0.0, 10.2.1.0]}
  - {name: Branch, primary: dhcp01.corp.example, secondary: dhcp03.corp.example,
     scopes: [10.3.0.0]}
"""
_ALERTS: Final = """\
[channels.ticket]
type = "log"
file = "ticket.jsonl"

[channels.HQ]
type = "log"
file = "hq.jsonl"

[[routes]]
channels = "ticket"
"""
_SERVERS: Final = """\
credentials: {HQ: {username: svc, password_env: NONE}}
servers:
  - {name: dhcp01.corp.example}
"""
_SETTINGS: Final = {
    "IPAM_SYNC_GUARD_SCOPES_MIN": "0",
    "IPAM_SYNC_GUARD_SCOPES_PERCENT": "0",
    "IPAM_SYNC_POLL_DEADLINE": "20",
}
#: The operation that waits and is not held.
PENDING: Final = 5
_STEPS: Final = (
    ("drift", "ack", "1", "--note", "known"),
    ("drift", "silence", "--server", "dhcp09*", "--for", "2h", "--reason", "moved"),
    ("maintenance", "start", "dhcp03", "--for", "2h", "--note", "new disks"),
    ("names", "alias", "add", "dhcp03", "10.0.0.13"),
    ("servers", "retire", "dhcp02", "--yes"),
    ("servers", "enable", "dhcp02"),
)


@contextmanager
def prepared_site(root: Path) -> Iterator[Site]:
    """Run the fleet, and bring a new installation to where every command has something to do."""
    home = root / "site"
    home.mkdir()
    (home / "fleet.yaml").write_text(FLEET)
    with simulating(root, "--fleet", str(home / "fleet.yaml")) as lab:
        yield _prepare(home, lab)


def _prepare(root: Path, lab: Lab) -> Site:
    site = Site(root, _SETTINGS | {"IPAM_SYNC_CA_FILE": str(lab.directory / "ca.pem")})
    site.settings["IPAM_SYNC_ALERTS_FILE"] = str(root / "alerts.toml")
    (root / "alerts.toml").write_text(_ALERTS)
    (root / "servers.yaml").write_text(_SERVERS)
    site.tell(1, 2, "HQ", scopes=("10.1.0.0", "10.1.1.0"))
    _do(site, "servers", "import", str(root / "servers.yaml"))
    _do(site, "servers", "import", str(lab.directory / "inventory.yaml"))
    _do(site, "sync")
    lab.change(site, "HQ", mclt_seconds="7200")
    lab.change(site, "Lab", scopes="10.2.0.0")
    lab.change(site, f"Branch@{fqdn(3)}", mclt_seconds="60")
    site.settings["IPAM_SYNC_POLICY"] = "review"
    _do(site, "sync", code=2)
    for step in _STEPS:
        _do(site, *step)
    site.sql("UPDATE server SET machine_id = 'another'")
    (pending,) = site.run("operations", "list", "--relationship", "HQ", "--json").json
    assert pending["number"] == PENDING, pending
    return site


def _do(site: Site, *arguments: str, code: int = 0) -> None:
    outcome = site.run(*arguments)
    assert outcome.code == code, (arguments, outcome)
