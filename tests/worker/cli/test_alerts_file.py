"""A file of channels that cannot be used: what would tell people refuses to start, in sentences."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.homes import home
from tests.processes import PATIENCE_SECONDS
from tests.valkey import ValkeyServer
from tests.worker.cli.site import SCRIPT, Outcome, Site, ended

BROKEN = '[channels.a]\ntype = "lgo"\n[[routes]]\nchannels = "b"\n'


@pytest.fixture
def site(tmp_path: Path, broker: ValkeyServer) -> Site:
    """With a broker, and a file with two mistakes in it."""
    file = tmp_path / "alerts.toml"
    file.write_text(BROKEN, encoding="utf-8")
    site = Site(tmp_path, {"IPAM_SYNC_BROKER_URL": broker.url, "IPAM_SYNC_ALERTS_FILE": str(file)})
    assert site.run("db", "upgrade").code == 0
    return site


def assert_refused(outcome: Outcome) -> None:
    assert outcome.code == 1
    errors = [line for line in outcome.err.splitlines() if line.startswith("Error: ")]
    assert len(errors) == 2
    assert "channels.a.type: 'lgo' is none of" in errors[0]
    assert "routes[1].channels: there is no channel b" in errors[1]
    assert "Traceback" not in outcome.err
    assert "started (process" not in outcome.err


@pytest.mark.parametrize("role", ["all", "control"])
def test_a_worker_that_tells_people_refuses_to_start(site: Site, role: str) -> None:
    assert_refused(refusing(site.start("worker", "--role", role)))


@pytest.mark.parametrize("command", [("worker", "--role", "read"), ("beat",)], ids=lambda c: c[0])
def test_who_tells_nobody_needs_neither_the_file_nor_its_secrets(
    site: Site, command: tuple[str, ...]
) -> None:
    process = site.start(*command)
    assert process.stderr is not None
    try:
        said = next((line for line in process.stderr if "process started" in line), "")
    finally:
        process.terminate()
    assert said, "it ended instead"
    assert ended(process).code == 0


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory with a short name."""
    with home("alerts-up") as directory:
        yield directory / "data"


@pytest.mark.skipif(sys.platform != "linux", reason="ipam-sync up needs Linux")
def test_up_refuses_before_it_starts_anything(place: Path) -> None:
    file = place.parent / "alerts.toml"
    file.write_text(BROKEN, encoding="utf-8")
    site = Site(place.parent)
    assert_refused(_up(site, place, IPAM_SYNC_ALERTS_FILE=str(file)))
    settings = place / "ipam-sync.toml"
    with settings.open("a", encoding="utf-8") as own:
        own.write(f'\nalerts_file = "{file}"\n')
    assert_refused(_up(site, place))


def _up(site: Site, place: Path, **settings: str) -> Outcome:
    environment = {k: v for k, v in site.environment.items() if not k.startswith("IPAM_SYNC_")}
    return refusing(
        subprocess.Popen(
            [SCRIPT, "up", "--data", str(place)],
            env=environment | settings,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
    )


def refusing(process: subprocess.Popen[str]) -> Outcome:
    """It ends by itself; one that does not is not left behind."""
    try:
        process.wait(PATIENCE_SECONDS)
    finally:
        process.terminate()
        outcome = ended(process)
    return outcome
