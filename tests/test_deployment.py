"""compose.yaml, the image and the systemd units run what exists, and run it guarded."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import click
import pytest

from tests.deployment import ROOT, compose, our_services, parse, units
from worker.config.settings import Settings
from worker.model.roles import Role
from worker.processes.main import STOP_SECONDS

SERVICES = compose()["services"]
#: That end by themselves are not among them.
LASTING = sorted(SERVICES.keys() - {"migrate"})
POLL_SECONDS = Settings().poll_deadline.total_seconds()


def _seconds(text: str) -> float:
    (number,) = re.fullmatch(r"(\d+)s?", text).groups()  # type: ignore[union-attr]  # or it fails
    return timedelta(seconds=int(number)).total_seconds()


def _environment(service: dict[str, Any]) -> dict[str, str]:
    environment: dict[str, str] = service.get("environment", {})
    return environment


def test_every_link_between_the_pages_leads_somewhere() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    links = [
        (page, link)
        for page in pages
        for link in re.findall(r"\]\(((?!https?:)[^)#]+)\)", page.read_text(encoding="utf-8"))
    ]
    assert links
    assert [link for page, link in links if not (page.parent / link).exists()] == []


def test_continuous_integration_runs_every_check_and_reports_each() -> None:
    text = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    targets = re.findall(r"^ *run ([a-z-]+)$", text, re.MULTILINE)
    assert targets == [
        "lint",
        "unit",
        "test",
        "test-wheel",
        "test-prometheus",
        "test-powershell",
    ]


# ------------------------------------------------------------------------------------ compose


@pytest.mark.parametrize("name", our_services())
def test_every_command_of_compose_exists(name: str) -> None:
    parse(our_services()[name]["command"])


def test_a_command_that_does_not_exist_would_be_noticed() -> None:
    for words in (["work"], ["worker", "--role", "boss"], ["db", "upgrade", "now"]):
        with pytest.raises(click.UsageError):
            parse(words)


def test_every_role_has_a_service_and_so_has_the_beat() -> None:
    commands = [service["command"] for service in our_services().values()]
    for role in Role:
        assert commands.count(["worker", "--role", role.value]) == 1
    assert commands.count(["beat"]) == 1
    assert commands.count(["db", "upgrade"]) == 1


@pytest.mark.parametrize("name", SERVICES)
def test_no_service_is_root_or_writes_to_its_image_or_takes_all_it_can_get(name: str) -> None:
    service = SERVICES[name]
    assert service["user"].partition(":")[0] not in ("", "0", "root")
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["deploy"]["resources"]["limits"].keys() == {"cpus", "memory", "pids"}


@pytest.mark.parametrize("name", LASTING)
def test_what_lasts_is_watched_and_started_again(name: str) -> None:
    assert SERVICES[name]["restart"] == "unless-stopped"
    assert SERVICES[name]["healthcheck"]["test"]


@pytest.mark.parametrize("name", sorted(our_services().keys() - {"migrate"}))
def test_a_container_is_asked_for_what_it_does_itself_and_for_nothing_else(name: str) -> None:
    """Else one that is down would have all of them started again."""
    command = our_services()[name]["command"]
    kind, program, *words = SERVICES[name]["healthcheck"]["test"]
    assert (kind, program) == ("CMD", "ipam-sync")
    asked = parse(words).params
    assert asked["part"] == (command[-1] if command[0] == "worker" else command[0])
    if name == "exporter":
        assert asked["port"] == parse(command).params["port"]


def test_the_migration_ends_before_anything_uses_the_database() -> None:
    assert SERVICES["migrate"]["restart"] == "no"
    for name in our_services().keys() - {"migrate"}:
        waits = SERVICES[name]["depends_on"]
        assert waits["migrate"] == {"condition": "service_completed_successfully"}
        assert waits["redis"] == waits["postgres"] == {"condition": "service_healthy"}


def test_who_is_told_to_end_gets_longer_than_the_longest_poll() -> None:
    for name in our_services().keys() - {"migrate"}:
        assert _seconds(SERVICES[name]["stop_grace_period"]) > max(POLL_SECONDS, STOP_SECONDS)


def test_passwords_are_in_files_and_nowhere_else_and_there_is_no_default() -> None:
    files = {f"/run/secrets/{name}" for name in compose()["secrets"]}
    assert all(secret.keys() == {"file"} for secret in compose()["secrets"].values())
    for service in SERVICES.values():
        for name, value in _environment(service).items():
            if "PASSWORD" in name:
                assert name.endswith("_FILE")
                assert value in files
                assert value.rpartition("/")[2] in service["secrets"]
            assert not re.search(r"://[^/]*:[^/]*@", value), "a password in a URL"


def test_every_setting_of_compose_exists() -> None:
    known = {f"IPAM_SYNC_{name.upper()}" for name in Settings.__dataclass_fields__}
    for service in our_services().values():
        assert _environment(service).keys() <= known


def test_only_what_must_reach_servers_can_leave_and_only_numbers_are_published() -> None:
    assert compose()["networks"]["inside"]["internal"] is True
    assert SERVICES["postgres"]["networks"] == SERVICES["redis"]["networks"] == ["inside"]
    published = {name: s["ports"] for name, s in SERVICES.items() if "ports" in s}
    assert published == {"exporter": ["127.0.0.1:9783:9783"]}


# ------------------------------------------------------------------------------------ the image


def test_the_image_has_every_package_and_runs_the_program_as_somebody_else() -> None:
    text = (ROOT / "worker" / "Dockerfile").read_text(encoding="utf-8")
    copied = re.findall(r"^COPY (\w+) \1$", text, re.MULTILINE)
    assert copied == ["reconcile", "collectors", "worker", "docs"]
    (user,) = re.findall(r"^USER (\S+)$", text, re.MULTILINE)
    assert {service["user"] for service in our_services().values()} == {user}
    assert 'ENTRYPOINT ["ipam-sync"]' in text


def test_what_builds_the_image_stays_out_of_it() -> None:
    """The build has an environment of its own, and the last stage copies the other one."""
    text = (ROOT / "worker" / "Dockerfile").read_text(encoding="utf-8")
    installs = re.findall(r"^RUN (\S+)/bin/pip install .*-r (\S+)$", text, re.MULTILINE)
    assert installs == [
        ("/opt/build", "requirements/build.txt"),
        ("/opt/ipam-sync", "requirements/runtime.txt"),
    ]
    assert re.findall(r"^COPY --from=build (.*)$", text, re.MULTILINE) == [
        "/opt/ipam-sync /opt/ipam-sync"
    ]
    runtime = (ROOT / "requirements" / "runtime.txt").read_text(encoding="utf-8")
    assert not re.search("^hatchling==", runtime, re.MULTILINE)


def test_what_the_image_is_made_of_is_all_that_is_sent_to_its_build() -> None:
    text = (ROOT / "worker" / "Dockerfile").read_text(encoding="utf-8")
    ignore = (ROOT / "worker" / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    sent = {line[1:] for line in ignore if line.startswith("!")}
    copied = [line.split()[1:-1] for line in text.splitlines() if re.match(r"COPY (?!--)", line)]
    assert sent == {source for sources in copied for source in sources}
    assert "*" in ignore


# ------------------------------------------------------------------------------------ systemd


def _started(unit: dict[str, list[str]]) -> list[list[str]]:
    (command,) = unit["ExecStart"]
    program, *words = command.split()
    assert program == "/opt/ipam-sync/bin/ipam-sync"
    roles = list(Role) if "%i" in words else [None]
    return [[str(role) if word == "%i" else word for word in words] for role in roles]


@pytest.mark.parametrize("name", units())
def test_every_command_of_systemd_exists(name: str) -> None:
    for words in _started(units()[name]):
        parse(words)


@pytest.mark.parametrize("name", units())
def test_systemd_starts_again_what_ends_and_waits_for_what_is_ending(name: str) -> None:
    unit = units()[name]
    assert unit["Restart"] == ["always"]
    needs = STOP_SECONDS if _started(unit) == [["beat"]] else max(POLL_SECONDS, STOP_SECONDS)
    assert _seconds(unit["TimeoutStopSec"][0]) > needs
    assert unit["User"] == ["ipam-sync"]


@pytest.mark.parametrize("name", units())
def test_every_setting_of_systemd_exists_and_passwords_are_credentials(name: str) -> None:
    unit = units()[name]
    known = {f"IPAM_SYNC_{name.upper()}" for name in (*Settings.__dataclass_fields__, "config")}
    given = dict(w.split("=", 1) for line in unit.get("Environment", []) for w in line.split())
    loaded = {f"%d/{line.partition(':')[0]}" for line in unit.get("LoadCredential", [])}
    assert given.keys() <= known
    assert {value for key, value in given.items() if "PASSWORD" in key} == loaded
