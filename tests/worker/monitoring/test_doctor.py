"""What ``ipam-sync doctor`` looks at, and what it makes of it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from reconcile.findings.life import begin
from reconcile.model.findings import Finding, Kind
from tests.valkey import ValkeyServer
from tests.worker.cli.site import Site, fqdn
from worker.model.roles import BEAT, EXPORTER, Role
from worker.model.runs import EVERYTHING, Lane, RunScope, Trigger
from worker.monitoring.doctor import CheckGrade, CheckResult, check_own, check_up
from worker.monitoring.http import served
from worker.store.schema import open_store
from worker.store.unit_of_work import UnitOfWork

INTERVAL = timedelta(minutes=15)


@pytest.fixture
def site(tmp_path: Path, broker: ValkeyServer) -> Site:
    """A database with one server, and a broker; nothing runs."""
    site = Site(tmp_path, {"IPAM_SYNC_BROKER_URL": broker.url})
    assert site.run("servers", "add", fqdn(1)).code == 0
    return site


def checked(site: Site, *, clock_off: timedelta = timedelta()) -> dict[str, CheckResult]:
    checks = check_up(site.environment, lambda: datetime.now(UTC) + clock_off)
    return {check.name: check for check in checks}


def grades(site: Site) -> dict[str, CheckGrade]:
    return {name: check.grade for name, check in checked(site).items()}


@contextmanager
def writing(site: Site) -> Iterator[UnitOfWork]:
    store = open_store(f"sqlite:///{site.database}")
    with store.write() as uow:
        yield uow
        uow.commit()
    store.close()


def register(
    site: Site, *roles: str, host: str = "host", length: timedelta = timedelta(minutes=5)
) -> None:
    with writing(site) as uow:
        for role in roles:
            uow.processes.register(f"{host}:1", role, length)


def ran(site: Site, ago: timedelta, outcome: str = "done") -> None:
    """A run that ended so long ago."""
    with writing(site) as uow:
        uow.runs.close(
            uow.runs.open(Trigger.SCHEDULE, "schedule", EVERYTHING, RunScope(), Lane.ON_DEMAND),
            outcome,
            {},
        )
    at = (datetime.now(UTC) - ago).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    site.sql("UPDATE run SET ended_at = ?", at)


def test_where_everything_works_everything_is_ok(site: Site) -> None:
    register(site, *Role, BEAT)
    ran(site, timedelta(minutes=5))
    assert set(grades(site).values()) == {CheckGrade.OK}
    outcome = site.run("doctor")
    assert outcome.code == 0
    assert "The last one ended well 5 minutes ago." in outcome.out


def test_a_check_that_fails_says_what_to_do_and_is_the_exit_code(site: Site) -> None:
    outcome = site.run("doctor", "--json")
    assert outcome.code == 2
    assert outcome.json["healthy"] is False
    failed = [check for check in outcome.json["checks"] if check["grade"] == "fail"]
    assert [check["name"] for check in failed] == [*(f"worker {role}" for role in Role), BEAT]
    assert all("ipam-sync worker" in check["remedy"] for check in failed)


def test_what_is_wrong_in_the_settings_is_all_there_is_to_say(site: Site) -> None:
    site.settings |= {"IPAM_SYNC_POLICY": "perhaps", "IPAM_SYNC_NONSENSE": "1"}
    ((name, check),) = checked(site).items()
    assert (name, check.grade) == ("settings", CheckGrade.FAIL)
    assert "IPAM_SYNC_POLICY" in check.text
    assert "IPAM_SYNC_NONSENSE" in check.text


def test_a_database_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    site = Site(tmp_path)
    check = checked(site)["database"]
    assert (check.grade, check.remedy) == (CheckGrade.FAIL, "Run ipam-sync db upgrade.")
    assert not site.database.exists()


@pytest.mark.parametrize(
    ("revision", "why"), [("0001", "an unreleased ipam-sync 0.1"), ("9999", "a newer ipam-sync")]
)
def test_a_database_of_another_program_is_a_failure_with_the_code_of_the_commands(
    site: Site, revision: str, why: str
) -> None:
    site.sql("UPDATE alembic_version SET version_num = ?", revision)
    outcome = site.run("doctor", "--json")
    assert outcome.code == 2
    (check,) = (check for check in outcome.json["checks"] if check["name"] == "database")
    assert (check["grade"], check["code"]) == ("fail", "wrong_revision")
    assert f"made by {why} (revision {revision}" in check["text"]
    (row,) = site.sql("SELECT version_num FROM alembic_version")
    assert row == (revision,)


def test_what_cannot_be_reached_is_a_failure_and_no_password_is_shown(site: Site) -> None:
    site.settings |= {
        "IPAM_SYNC_DATABASE_URL": "postgresql://ipam:passw0rd@127.0.0.1:1/ipam",
        "IPAM_SYNC_BROKER_URL": "redis://:passw0rd@127.0.0.1:1/0",
    }
    checks = checked(site)
    assert checks["database"].grade is checks["broker"].grade is CheckGrade.FAIL
    assert "passw0rd" not in repr(checks)


def test_clocks_that_differ_are_a_warning(site: Site) -> None:
    assert checked(site, clock_off=timedelta(seconds=50))["clock"].grade is CheckGrade.OK
    for off in (timedelta(minutes=10), -timedelta(minutes=10)):
        check = checked(site, clock_off=off)["clock"]
        assert check.grade is CheckGrade.WARN
        assert "600" in check.text


def test_who_does_not_say_any_more_that_it_lives_is_not_counted(site: Site) -> None:
    register(site, Role.READ, Role.READ, BEAT)
    register(site, Role.READ, Role.CONTROL, length=timedelta(seconds=-1))
    assert checked(site)["worker read"].text == "2 alive."
    assert checked(site)["worker control"].grade is CheckGrade.FAIL
    assert checked(site)["beat"].grade is CheckGrade.OK


def test_whoever_syncs_by_hand_needs_no_workers_and_is_healthy(site: Site) -> None:
    del site.settings["IPAM_SYNC_BROKER_URL"]
    ran(site, timedelta(minutes=5))
    found = grades(site)
    assert {found["broker"], found["beat"], found["worker read"]} == {CheckGrade.WARN}
    assert site.run("doctor").code == 0


@pytest.mark.parametrize(
    ("ago", "grade"),
    [
        (3 * INTERVAL - timedelta(minutes=1), CheckGrade.OK),
        (3 * INTERVAL + timedelta(minutes=1), CheckGrade.FAIL),
    ],
)
def test_silence_for_three_intervals_is_a_failure(
    site: Site, ago: timedelta, grade: CheckGrade
) -> None:
    register(site, *Role, BEAT)
    ran(site, ago)
    assert checked(site)["runs"].grade is grade


def test_a_run_that_did_not_end_well_is_no_success(site: Site) -> None:
    register(site, *Role, BEAT)
    ran(site, timedelta(minutes=1), "failed")
    assert checked(site)["runs"].text == "None has ended well yet."


def test_without_any_success_silence_counts_from_the_start_of_the_workers(site: Site) -> None:
    register(site, *Role, BEAT)
    assert checked(site)["runs"].grade is CheckGrade.OK
    long_ago = (datetime.now(UTC) - 4 * INTERVAL).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    site.sql("UPDATE worker_process SET started_at = ?", long_ago)
    assert checked(site)["runs"].grade is CheckGrade.FAIL


def test_an_inventory_without_a_server_to_ask_is_a_warning(site: Site) -> None:
    assert site.run("servers", "disable", fqdn(1)).code == 0
    assert checked(site)["runs"].grade is CheckGrade.WARN


def test_queues_are_shown_and_a_long_one_is_a_warning(site: Site, broker: ValkeyServer) -> None:
    broker.client().rpush("read", "{}", "{}")
    check = checked(site)["queues"]
    assert check.text == "Waiting: read 2, on-demand 0, control 0; in hand: 0."
    assert check.grade is CheckGrade.OK
    broker.client().rpush("control", *(["{}"] * 200))
    assert checked(site)["queues"].grade is CheckGrade.WARN


# ------------------------------------------------------------------------------------ this host

HERE = socket.gethostname()


@pytest.mark.parametrize("part", [*Role, BEAT])
def test_of_one_host_only_its_own_process_counts(site: Site, part: str) -> None:
    """Neither what others do, nor that no run ended well."""
    register(site, *(role for role in (*Role, BEAT) if role != part), host=HERE)
    register(site, part, host="elsewhere")
    assert site.run("doctor", "--only", part).code == 2
    register(site, part, host=HERE)
    outcome = site.run("doctor", "--only", part, "--json")
    assert outcome.code == 0
    checks = {check["name"]: check["text"] for check in outcome.json["checks"]}
    own = BEAT if part == BEAT else f"worker {part}"
    assert checks.keys() == {"settings", "database", "broker", "queues", own}
    assert checks[own] == f"1 alive on {HERE}."


def test_one_that_does_not_say_any_more_that_it_lives_is_not_well(site: Site) -> None:
    register(site, Role.READ, host=HERE, length=timedelta(seconds=-1))
    outcome = site.run("doctor", "--only", "read")
    assert outcome.code == 2
    assert f"None is alive on {HERE}." in outcome.out


def test_what_a_host_needs_counts_for_it_as_well(site: Site) -> None:
    register(site, Role.READ, host=HERE)
    site.settings["IPAM_SYNC_BROKER_URL"] = "redis://127.0.0.1:1/0"
    assert site.run("doctor", "--only", "read").code == 2
    site.database.unlink()
    checks = {check.name: check.grade for check in check_own(site.environment, Role.READ, 1)}
    assert checks["database"] is checks["broker"] is CheckGrade.FAIL
    assert f"worker {Role.READ}" not in checks


def test_an_exporter_is_well_if_it_serves(site: Site) -> None:
    with served(CollectorRegistry(), "127.0.0.1", [0]) as port:
        asked = ("doctor", "--only", EXPORTER, "--port", port)
        assert site.run(*map(str, asked)).code == 0
        site.settings["IPAM_SYNC_METRICS_ADDRESS"] = "0.0.0.0"  # noqa: S104 - not to be asked there
        assert site.run(*map(str, asked)).code == 0
    outcome = site.run(*map(str, asked))
    assert outcome.code == 2
    assert f"127.0.0.1:{port} does not answer" in " ".join(outcome.out.split())


# ------------------------------------------------------------------------------------- alerts


def alerts_file(site: Site, text: str) -> None:
    file = site.root / "alerts.toml"
    file.write_text(text, encoding="utf-8")
    site.settings["IPAM_SYNC_ALERTS_FILE"] = str(file)


CHANNEL = '[channels.log]\ntype = "log"\n[[routes]]\nchannels = "log"\n'


def waits_for(site: Site, channel: str, *, attempts: int = 0, is_dead: bool = False) -> None:
    """A channel is to be told something, failed, or was given up."""
    finding = Finding(Kind.PLAN_REFUSED, None, (), "The plan was refused.")
    with writing(site) as uow:
        run = uow.runs.open(Trigger.CLI, "tester", EVERYTHING, RunScope(), Lane.ON_DEMAND)
        (key,) = uow.findings.begin(run, [begin(finding, uow.now())]).values()
        uow.deliveries.enqueue(key, channel, 1, uow.now())
    wanted = None if is_dead else 1
    site.sql(
        "UPDATE delivery SET attempts = ?, is_dead = ?, wanted_sequence = ?",
        attempts,
        is_dead,
        wanted,
    )


def test_without_a_file_of_channels_one_is_told_that_nobody_is_told(site: Site) -> None:
    check = checked(site)["alerts"]
    assert check.grade is CheckGrade.OK
    assert "Nobody is told" in check.text


def test_a_file_of_channels_that_is_in_order_is_ok(site: Site) -> None:
    alerts_file(site, CHANNEL)
    waits_for(site, "log")
    check = checked(site)["alerts"]
    assert (check.grade, check.text) == (CheckGrade.OK, "Channels: 1; waiting: 1; given up: 0.")


@pytest.mark.parametrize(("attempts", "is_dead"), [(1, False), (12, True)])
def test_a_channel_that_takes_nothing_is_a_warning(
    site: Site, attempts: int, is_dead: bool
) -> None:
    alerts_file(site, CHANNEL)
    waits_for(site, "log", attempts=attempts, is_dead=is_dead)
    check = checked(site)["alerts"]
    assert check.grade is CheckGrade.WARN
    assert "ipam-sync alerts outbox" in check.remedy


def test_what_waits_for_a_channel_that_is_gone_makes_nobody_ill(site: Site) -> None:
    alerts_file(site, CHANNEL)
    waits_for(site, "gone", attempts=3)
    assert checked(site)["alerts"].grade is CheckGrade.OK


@pytest.mark.parametrize("text", ["", '[channels.log]\ntype = "log"\n'])
def test_a_file_that_leads_nowhere_is_a_warning(site: Site, text: str) -> None:
    alerts_file(site, text)
    assert checked(site)["alerts"].grade is CheckGrade.WARN


def test_a_file_of_channels_with_mistakes_is_a_failure_with_all_of_them(site: Site) -> None:
    alerts_file(site, '[channels.a]\ntype = "lgo"\n[[routes]]\nchannels = "b"\n')
    check = checked(site)["alerts"]
    assert check.grade is CheckGrade.FAIL
    assert "'lgo' is none of" in check.text
    assert "there is no channel b" in check.text
    assert site.run("doctor").code == 2


def test_the_file_is_looked_at_also_where_the_database_is_away(site: Site) -> None:
    alerts_file(site, "nonsense")
    site.settings["IPAM_SYNC_DATABASE_URL"] = "postgresql://ipam@127.0.0.1:1/ipam"
    assert checked(site)["alerts"].grade is CheckGrade.FAIL


def test_nothing_is_said_of_what_waits_where_the_database_is_away(site: Site) -> None:
    alerts_file(site, CHANNEL)
    assert checked(site)["alerts"].text == "Channels: 1; waiting: 0; given up: 0."
    site.settings["IPAM_SYNC_DATABASE_URL"] = "postgresql://ipam@127.0.0.1:1/ipam"
    assert checked(site)["alerts"].text == "Channels: 1."
