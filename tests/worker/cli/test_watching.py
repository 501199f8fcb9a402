"""Processes that run until a signal, as operators see them: their log and the exporter's port."""

from __future__ import annotations

import json
import signal
import subprocess
from typing import Any
from urllib.request import urlopen

import pytest

from tests.processes import PATIENCE_SECONDS
from tests.valkey import ValkeyServer
from tests.worker.cli.site import Site, ended

PASSWORD = "hunter2-Tr0ub4dor"  # noqa: S105 - an example that must never be shown


def line_of(process: subprocess.Popen[str], event: str) -> dict[str, Any]:
    """The next line with this event; every line until then is one JSON object."""
    assert process.stderr is not None
    for text in process.stderr:
        line: dict[str, Any] = json.loads(text)
        if line["event"] == event:
            return line
    raise AssertionError(f"it ended without saying {event!r}")


@pytest.fixture
def json_site(site: Site) -> Site:
    site.settings["IPAM_SYNC_LOG_FORMAT"] = "json"
    return site


def test_the_exporter_serves_until_a_signal(json_site: Site) -> None:
    process = json_site.start("exporter", "--port", "0")
    port = line_of(process, "metrics served")["port"]
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=PATIENCE_SECONDS) as answer:
        text = answer.read().decode()
    process.send_signal(signal.SIGTERM)
    assert ended(process).code == 0
    assert "ipam_sync_store_up 1.0" in text
    assert 'server="dhcp01.corp.example"' in text
    assert "ipam_sync_broker_up" not in text, "there is no broker"


def test_a_port_that_is_taken_is_one_sentence(json_site: Site) -> None:
    process = json_site.start("exporter", "--port", "0")
    port = line_of(process, "metrics served")["port"]
    second = json_site.process("exporter", "--port", str(port))
    process.send_signal(signal.SIGTERM)
    ended(process)
    assert second.code == 1
    assert f"Error: Somebody else serves at 127.0.0.1, port {port}." in second.err


def test_a_process_tells_when_it_starts_and_stops_in_json_alone(
    json_site: Site, broker: ValkeyServer
) -> None:
    json_site.settings["IPAM_SYNC_BROKER_URL"] = broker.celery_url
    process = json_site.start("beat")
    started = line_of(process, "process started")
    assert started["role"] == "beat"
    assert started["process"].endswith(f":{process.pid}")
    process.send_signal(signal.SIGTERM)
    line_of(process, "process stopping")
    line_of(process, "process stopped")
    outcome = ended(process)
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "")


def test_a_command_talks_and_has_no_log(site: Site) -> None:
    """Whoever starts a run while the broker is down is told so once, in a sentence."""
    site.settings["IPAM_SYNC_BROKER_URL"] = f"redis://:{PASSWORD}@127.0.0.1:1/0"
    outcome = site.process("reconcile")
    assert outcome.code == 0
    assert outcome.err.splitlines() == [
        "The broker does not answer; workers take the run up when it does again.",
        "Run 1 is queued. See what it comes to: ipam-sync runs show 1",
    ]
    assert PASSWORD not in outcome.out + outcome.err
