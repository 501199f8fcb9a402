"""Settings: what people may decide, where they say so, and what they are told when it is wrong."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from platformdirs import user_data_path

from reconcile.evidence.inputs import PercentReading, Rules
from reconcile.kinds.severity import OVERRIDABLE
from reconcile.model.findings import Severity
from reconcile.planning.guard import RemovalLimits
from worker.config.run_policy import Policy, RunPolicy
from worker.config.settings import SettingsError, load_settings

PASSWORD = "correct:horse@battery"  # noqa: S105 - an example that must never be shown


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.touch()
    return path


def problems(environ: dict[str, str], config: Path) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as raised:
        load_settings(environ, config_file=config)
    assert str(raised.value) == "\n".join(raised.value.problems)
    return raised.value.problems


def test_who_sets_nothing_gets_the_rules_of_the_core_and_a_file_of_their_own(config: Path) -> None:
    settings = load_settings({"PATH": "/bin"}, config_file=config)
    assert settings.run_policy == RunPolicy()
    assert settings.severities == {}
    directory = user_data_path("ipam-sync", appauthor=False)
    assert settings.database_url == f"sqlite:///{directory / 'ipam-sync.db'}"


def test_every_setting_can_be_a_variable(config: Path) -> None:
    settings = load_settings(
        {
            "IPAM_SYNC_DATABASE_URL": "postgresql://ipam@db.corp.example/ipam",
            "IPAM_SYNC_POLICY": "review",
            "IPAM_SYNC_CONFIRM_AFTER": "0",
            "IPAM_SYNC_EVIDENCE_AGE": "7200",
            "IPAM_SYNC_LOAD_BALANCE_PERCENT_IS": "own_share",
            "IPAM_SYNC_RELATIONSHIP_LIMIT_NEAR": "31",
            "IPAM_SYNC_INTERRUPTED_CRITICAL_AFTER": "0",
            "IPAM_SYNC_TRANSITION_WARNING_AFTER": "60",
            "IPAM_SYNC_GUARD_RELATIONSHIPS_MIN": "1",
            "IPAM_SYNC_GUARD_RELATIONSHIPS_PERCENT": "2",
            "IPAM_SYNC_GUARD_SCOPES_MIN": "3",
            "IPAM_SYNC_GUARD_SCOPES_PERCENT": "100",
            "IPAM_SYNC_SEVERITIES": "blocked=info, state_not_normal.PartnerDown = warning",
        },
        config_file=config,
    )
    rules = Rules(
        confirm_after=timedelta(0),
        evidence_age=timedelta(hours=2),
        percent_reading=PercentReading.OWN_SHARE,
        relationship_limit_near=31,
        interrupted_critical_after=timedelta(0),
        transition_warning_after=timedelta(minutes=1),
    )
    assert settings.run_policy == RunPolicy(
        rules, RemovalLimits(1, 2, 3, 100), Policy.REVIEW, severities=settings.severities
    )
    assert settings.severities == {
        "blocked": Severity.INFO,
        "state_not_normal.PartnerDown": Severity.WARNING,
    }


def test_a_server_is_overdue_after_so_many_intervals(config: Path) -> None:
    given = {"IPAM_SYNC_INTERVAL": "60", "IPAM_SYNC_OVERDUE_INTERVALS": "10"}
    rules = load_settings(given, config_file=config).run_policy.rules
    assert rules.overdue_after == timedelta(minutes=10)


def test_every_setting_can_be_in_the_file_and_a_variable_wins(config: Path) -> None:
    config.write_text(
        """
        policy = "review"
        confirm_after = 60
        [severities]
        unmapped_name = "critical"
        """
    )
    settings = load_settings({"IPAM_SYNC_CONFIRM_AFTER": "30"}, config_file=config)
    assert settings.policy is Policy.REVIEW
    assert settings.confirm_after == timedelta(seconds=30)
    assert settings.severities == {"unmapped_name": Severity.CRITICAL}


def test_the_file_can_be_named_by_a_variable(config: Path) -> None:
    config.write_text("relationship_limit_near = 20")
    assert load_settings({"IPAM_SYNC_CONFIG": str(config)}).relationship_limit_near == 20


def test_a_byte_order_mark_before_the_file_does_no_harm(config: Path) -> None:
    config.write_text("confirm_after = 1", encoding="utf-8-sig")
    assert load_settings({}, config_file=config).confirm_after == timedelta(seconds=1)


def test_all_that_is_wrong_is_told_at_once_with_where_and_what_is_allowed(config: Path) -> None:
    config.write_text('guard_scopes_min = true\nevidence_age = 0\npolicys = "auto"\n')
    environ = {
        "IPAM_SYNC_POLICY": "Auto",
        "IPAM_SYNC_CONFIRM_AFTER": "ten minutes",
        "IPAM_SYNC_CONFIRM_AFTR": "600",
        "IPAM_SYNC_SEVERITIES": "blokced=info,blocked=loud",
    }
    assert problems(environ, config) == (
        f"policys in {config}: there is no such setting; did you mean policy?",
        "IPAM_SYNC_CONFIRM_AFTR: there is no such setting; did you mean IPAM_SYNC_CONFIRM_AFTER?",
        f"guard_scopes_min in {config} is True: give a whole number from 0 to 1000000.",
        f"evidence_age in {config} is 0: in seconds, give a whole number from 1 to 31536000.",
        (
            "IPAM_SYNC_CONFIRM_AFTER is 'ten minutes': in seconds, give a whole number from 0 to "
            "31536000."
        ),
        "IPAM_SYNC_POLICY is 'Auto': give one of auto, review.",
        (
            "IPAM_SYNC_SEVERITIES is 'blokced=info,blocked=loud': there is no finding 'blokced'; did "
            "you mean blocked? blocked is 'loud': give one of info, warning, critical."
        ),
    )


def test_an_empty_variable_is_a_mistake_and_not_the_default(config: Path) -> None:
    (problem,) = problems({"IPAM_SYNC_DATABASE_URL": ""}, config)
    assert problem.startswith("IPAM_SYNC_DATABASE_URL: this is no database URL; write sqlite:")


def test_a_variable_in_small_letters_is_not_passed_over(config: Path) -> None:
    (problem,) = problems({"ipam_sync_policy": "review"}, config)
    assert problem.endswith("did you mean IPAM_SYNC_POLICY?")


@pytest.mark.parametrize(
    "content", [b"policy = ", b"\xff\xfe\x00", b"a = [" * 5000, b"a = " + b"9" * 5000]
)
def test_a_file_that_is_not_toml_is_named(config: Path, content: bytes) -> None:
    config.write_bytes(content)
    (problem,) = problems({}, config)
    assert problem.startswith(f"The settings file {config} is not ")


def test_a_named_file_that_is_not_there_is_a_mistake(tmp_path: Path) -> None:
    (problem,) = problems({}, tmp_path / "none.toml")
    assert problem == (
        f"The settings file {tmp_path / 'none.toml'} cannot be read: No such file or directory."
    )


@pytest.mark.parametrize(
    ("given_url", "url"),
    [
        ("sqlite:////srv/ipam.db", "sqlite:////srv/ipam.db"),
        ("postgresql://u@h/d", "postgresql+psycopg://u@h/d"),
        ("postgres://u@h/d", "postgresql+psycopg://u@h/d"),
        ("postgresql+psycopg:///d?host=/run", "postgresql+psycopg:///d?host=/run"),
    ],
)
def test_a_postgresql_url_is_spoken_by_psycopg(config: Path, given_url: str, url: str) -> None:
    settings = load_settings({"IPAM_SYNC_DATABASE_URL": given_url}, config_file=config)
    assert settings.database_url == url


@pytest.mark.parametrize("url", ["mysql://h/d", "postgresql+asyncpg://h/d", "ipam.db"])
def test_other_databases_are_refused(config: Path, url: str) -> None:
    assert len(problems({"IPAM_SYNC_DATABASE_URL": url}, config)) == 1


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        (f"postgresql://ipam:{PASSWORD}@db/ipam", "postgresql+psycopg://ipam:***@db/ipam"),
        (
            f"postgresql:///ipam?password={PASSWORD}&sslpassword={PASSWORD}&host=db",
            "postgresql+psycopg:///ipam?password=***&sslpassword=***&host=db",
        ),
    ],
)
def test_a_password_is_shown_nowhere(config: Path, url: str, safe: str) -> None:
    settings = load_settings({"IPAM_SYNC_DATABASE_URL": url}, config_file=config)
    assert settings.safe_database_url == safe
    assert PASSWORD not in f"{settings!r} {settings} {settings.safe_database_url}"


def test_a_password_is_not_in_a_problem_either(config: Path) -> None:
    config.write_text(f'databse_url = "postgresql://ipam:{PASSWORD}@db/ipam"')
    environ = {
        "IPAM_SYNC_DATABASE_URL": f"mysql://ipam:{PASSWORD}@db/ipam",
        "IPAM_SYNC_DATABASE_PASSWORD": PASSWORD,
    }
    found = problems(environ, config)
    assert len(found) == 3
    assert PASSWORD not in "".join(found)


@pytest.mark.parametrize("value", ['["info"]', "1", '"blocked"'])
def test_a_severity_of_another_type_is_a_mistake(config: Path, value: str) -> None:
    config.write_text(f"[severities]\nblocked = {value}")
    assert len(problems({}, config)) == 1


@given(st.dictionaries(st.sampled_from(sorted(OVERRIDABLE)), st.sampled_from(Severity)))
def test_every_finding_may_be_graded_by_variable(severities: dict[str, Severity]) -> None:
    text = ",".join(f"{kind}={severity}" for kind, severity in severities.items())
    settings = load_settings({"IPAM_SYNC_SEVERITIES": text, "IPAM_SYNC_CONFIG": "/dev/null"})
    assert settings.severities == severities


def test_settings_that_are_equal_compare_equal_and_cannot_change(config: Path) -> None:
    settings = load_settings({}, config_file=config)
    assert settings == load_settings({}, config_file=config)
    with pytest.raises(TypeError):
        settings.severities["blocked"] = Severity.INFO  # type: ignore[index]  # it must not work


def test_what_operators_set_is_understood(config: Path) -> None:
    config.write_text("keep_runs = 7\nmetrics_port = 9000\nlog_format = 'json'\n")
    environ = {"IPAM_SYNC_METRICS_ADDRESS": "::1", "IPAM_SYNC_LOG_LEVEL": "debug"}
    settings = load_settings(environ, config_file=config)
    assert settings.keep_runs == timedelta(days=7)
    assert (settings.metrics_address, settings.metrics_port) == ("::1", 9000)
    assert (settings.log_format, settings.log_level) == ("json", "debug")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("KEEP_RUNS", "0"),
        ("METRICS_ADDRESS", "localhost"),
        ("METRICS_PORT", "70000"),
        ("LOG_FORMAT", "xml"),
        ("HEARTBEAT_URL", "ftp://ping.example/"),
        ("HEARTBEAT_URL", "https://user:word@ping.example/"),
    ],
)
def test_what_operators_cannot_mean_is_a_mistake(config: Path, name: str, value: str) -> None:
    assert len(problems({f"IPAM_SYNC_{name}": value}, config)) == 1
