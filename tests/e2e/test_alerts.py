"""From a change on a server to the alert about it, and its end, with all that runs in production."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.homes import home
from tests.processes import eventually
from tests.worker.cli.lab import FLEET, simulating
from tests.worker.cli.site import Site
from tests.worker.cli.test_up import up

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="ipam-sync up needs Linux")

ALERTS = """
[channels.everything]
type = "log"
file = "alerts.jsonl"

[[routes]]
match = {kind = "partner_mismatch"}
channels = "everything"
"""


def told(file: Path) -> list[tuple[str, str, str]]:
    """Event, relationship and what is wrong, of each line."""
    lines = file.read_text().splitlines() if file.exists() else []
    alerts = [json.loads(line) for line in lines]
    return [(a["event"], a["relationship"], a["values"][0]["subject"]) for a in alerts]


def test_a_drift_on_a_server_arrives_and_so_does_its_end() -> None:
    with home("told") as root:
        (root / "fleet.yaml").write_text(FLEET)
        (root / "alerts.toml").write_text(ALERTS)
        arrived = root / "alerts.jsonl"
        with simulating(root, "--fleet", str(root / "fleet.yaml")) as lab:
            settings = (
                f"IPAM_SYNC_CA_FILE={lab.directory / 'ca.pem'}",
                f"IPAM_SYNC_ALERTS_FILE={root / 'alerts.toml'}",
                "IPAM_SYNC_TICK=1",
            )
            with up(root / "data", before=("env", *settings)) as running:
                imported = running.run("servers", "import", str(lab.directory / "inventory.yaml"))
                assert imported.code == 0, imported
                assert running.run("reconcile", "--wait").code == 0
                assert told(arrived) == [], "all is well"
                lab.change(Site(root), "hub-paris@hub", mclt_seconds="60")
                running.run("reconcile", "--wait")
                eventually(lambda: told(arrived))
                assert told(arrived) == [("opened", "hub-paris", "MCLT")]
                lab.change(Site(root), "hub-paris", mclt_seconds="3600")
                running.run("reconcile", "--wait")
                eventually(lambda: len(told(arrived)) > 1)
                assert told(arrived)[1:] == [("resolved", "hub-paris", "MCLT")]
