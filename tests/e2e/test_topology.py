"""What compose.yaml runs, run as plain processes: the same commands, settings and secret files.

Only places are others: sockets in a directory instead of names in a network, and a port of the
exporter that nobody else has.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.deployment import compose, our_services
from tests.homes import home
from tests.postgres import PostgresServer
from tests.processes import Family, Started, eventually
from tests.worker.cli.site import invoked
from worker.processes.main import STOP_SECONDS
from worker.up import valkey
from worker.up.child import BARE_ENVIRONMENT, ChildProgram, our_own, start

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="children are bound by Linux")


@dataclass(frozen=True)
class Site:
    """Where everything is that compose.yaml gives other names."""

    directory: Path
    database_url: str

    @property
    def broker(self) -> Path:
        return self.directory / "redis.sock"

    def secret(self, name: str) -> Path:
        return self.directory / "secrets" / name

    def words(self, words: list[str]) -> list[str]:
        """A command of compose.yaml, with our places."""
        places = {
            "/run/secrets/": f"{self.directory / 'secrets'}/",
            "--dir /data": f"--port 0 --unixsocket {self.broker} --dir {self.directory}",
            "$$": "$",
        }
        for theirs, ours in places.items():
            words = [word.replace(theirs, ours) for word in words]
        return ["127.0.0.1" if word == "0.0.0.0" else word for word in words]  # noqa: S104 - theirs

    def environment(self, service: Mapping[str, Any]) -> dict[str, str]:
        """The settings of compose.yaml, with our places."""
        places = {
            "IPAM_SYNC_DATABASE_URL": self.database_url,
            "IPAM_SYNC_BROKER_URL": f"unix://{self.broker}",
        }
        given = {name: places.get(name, value) for name, value in service["environment"].items()}
        files = {n: self.words([v])[0] for n, v in given.items() if n.endswith("_FILE")}
        own = {k: v for k, v in os.environ.items() if not k.startswith("IPAM_SYNC_")}
        return {**own, "HOME": str(self.directory), **given, **files}

    def program(self, name: str, number: int = 1) -> ChildProgram:
        """A service of ours."""
        service = our_services()[name]
        words = self.words(service["command"])
        if words[0] == "exporter":
            words += ["--port", "0"]
        return ChildProgram(
            f"{name}-{number}",
            our_own(*words),
            environment=self.environment(service),
            directory=self.directory,
            log=self.log(name, number),
        )

    def log(self, name: str, number: int = 1) -> Path:
        """Return the file that has what a service writes."""
        return self.directory / f"{name}-{number}.log"

    def exporter_port(self) -> int | None:
        """Return the port that the exporter took, or None if it has not reported it yet.

        A port that is chosen before the exporter starts could be another process's by then.
        """
        log = self.log("exporter")
        lines = log.read_text().split("\n")[:-1] if log.exists() else []
        reports = [json.loads(line) for line in lines if '"metrics served"' in line]
        return reports[0]["port"] if reports else None

    def doctor(self) -> Mapping[str, Any]:
        """What it says of the whole installation."""
        return self._doctor("beat", "doctor")

    def health(self, name: str) -> bool:
        """What the health check of a service says."""
        kind, program, *words = our_services()[name]["healthcheck"]["test"]
        assert (kind, program) == ("CMD", "ipam-sync")
        if name == "exporter":
            port = self.exporter_port()
            if port is None:
                return False
            words += ["--port", str(port)]
        told = self._doctor(name, *words)
        return bool(told["healthy"])

    def _doctor(self, name: str, *words: str) -> Mapping[str, Any]:
        outcome = invoked(self.environment(our_services()[name]), *words, "--json")
        told: Mapping[str, Any] = outcome.json
        assert outcome.code == (0 if told["healthy"] else 2)
        return told


@pytest.fixture
def site(postgres_server: PostgresServer) -> Iterator[Site]:
    with home("compose") as directory, postgres_server.database() as name:
        site = Site(directory, postgres_server.url(name))
        (directory / "secrets").mkdir()
        for secret in compose()["secrets"]:
            site.secret(secret).write_text(f"{secrets.token_hex(32)}\n")
        yield site


@contextmanager
def running(program: ChildProgram) -> Iterator[Started]:
    assert program.log is not None
    with start(program) as process:
        try:
            yield Started(program.name, process, program.log)
        finally:
            process.kill()


def broker_of(site: Site) -> ChildProgram:
    """The broker as compose.yaml starts it: its password comes from the secret file."""
    binary = Path(valkey.server(site.directory, site.broker).command[0])
    return ChildProgram(
        "redis",
        ("/usr/bin/env", *site.words(compose()["services"]["redis"]["command"])),
        environment={**BARE_ENVIRONMENT, "PATH": f"{binary.parent}:{os.defpath}"},
        directory=site.directory,
        log=site.directory / "redis.log",
    )


def test_the_topology_of_compose_becomes_healthy_and_ends_in_time(site: Site) -> None:
    with ExitStack() as stack:
        stack.enter_context(running(broker_of(site)))
        assert start(site.program("migrate")).wait() == 0
        assert not site.doctor()["healthy"]
        names = [name for name in our_services() if name != "migrate"]
        lasting = [site.program(name) for name in names]
        lasting.append(site.program("read", 2))
        assert not site.health("control")
        started = [stack.enter_context(running(program)) for program in lasting]
        eventually(lambda: site.doctor()["healthy"], *started)
        found = {check["name"]: check["text"] for check in site.doctor()["checks"]}
        assert found["worker read"] == "2 alive."
        assert "***" in found["broker"]
        for name in names:
            eventually(partial(site.health, name), *started)
        processes = [one.process for one in started]
        families = [stack.enter_context(Family(process.pid)) for process in processes]
        for process in processes:
            process.send_signal(signal.SIGTERM)
        for everybody in families:
            everybody.wait(seconds=STOP_SECONDS)
        assert [process.wait() for process in processes] == [0] * len(lasting)
        logs = "".join(one.said() for one in started)
    for secret in compose()["secrets"]:
        assert site.secret(secret).read_text().strip() not in logs


def test_one_that_is_down_makes_no_other_unhealthy(site: Site) -> None:
    with ExitStack() as stack:
        stack.enter_context(running(broker_of(site)))
        assert start(site.program("migrate")).wait() == 0
        started = {
            name: stack.enter_context(running(site.program(name)))
            for name in ("read", "control", "beat", "exporter")
        }
        for name in started:
            eventually(partial(site.health, name), *started.values())
        for gone in ("control", "exporter"):
            started[gone].process.terminate()
            started[gone].process.wait()
        assert [name for name in started if site.health(name)] == ["read", "beat"]
        assert not site.doctor()["healthy"]


def test_a_wrong_password_of_the_broker_is_said_by_the_health_check(site: Site) -> None:
    with running(broker_of(site)) as broker:
        assert start(site.program("migrate")).wait() == 0
        eventually(lambda: _broker(site)["grade"] == "ok", broker)
        site.secret("broker_password").write_text("another\n")
        assert _broker(site)["grade"] == "fail"
        assert "another" not in _broker(site)["text"]


def _broker(site: Site) -> dict[str, str]:
    checks: list[dict[str, str]] = site.doctor()["checks"]
    (check,) = [check for check in checks if check["name"] == "broker"]
    return check
