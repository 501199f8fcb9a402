"""How this installation behaves: `IPAM_SYNC_*` variables and a TOML file, checked as a whole.

Called once by the doors, before anything else: `load_settings(os.environ)`.  A variable wins over
the file.  Everything that is wrong is reported at once, and no value that may hold a password is
ever repeated.  docs/reference/settings.md lists the settings; the keys of the file are the variables'
names in small letters, without the prefix.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from platformdirs import user_config_path, user_data_path

from collectors.powershell.host import PollLimits
from reconcile.evidence.inputs import PercentReading, Rules
from reconcile.findings.life import Patience
from reconcile.model.findings import Severity
from reconcile.planning.guard import RemovalLimits
from worker.config.catalogue import SETTINGS
from worker.config.parsers import with_password
from worker.config.run_policy import Policy, RunPolicy, Timing
from worker.config.secret_file import SecretUnusable, secret_in
from worker.config.suggest import did_you_mean
from worker.model.roles import without_password
from worker.telemetry.logs import LogFormat, LogLevel

PREFIX: Final = "IPAM_SYNC_"
_CONFIG: Final = "IPAM_SYNC_CONFIG"
_TEST: Final = "IPAM_SYNC_TEST_"  # the tests' own
_APPLICATION: Final = "ipam-sync"
#: A longer value would hide the sentence around it.
_LONGEST_SHOWN: Final = 80
#: URLs, each with the setting of the file that its password may be in.
_PASSWORD_FILES: Final = {
    "database_url": "database_password_file",
    "broker_url": "broker_password_file",
}
#: Settings whose values are never shown.
_SECRET: Final = frozenset({*_PASSWORD_FILES, "heartbeat_url"})


class SettingsError(Exception):
    """The settings cannot be used. ``problems`` has a sentence for each mistake."""

    code = "settings"

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def _default_database_url() -> str:
    return f"sqlite:///{user_data_path(_APPLICATION, appauthor=False) / 'ipam-sync.db'}"


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings. The meaning of each is in the catalogue and at the type that carries it."""

    database_url: str = field(default_factory=_default_database_url, repr=False)
    database_password_file: Path | None = None
    broker_url: str | None = field(default=None, repr=False)
    broker_password_file: Path | None = None
    policy: Policy = Policy.AUTO
    confirm_after: timedelta = Rules().confirm_after
    evidence_age: timedelta = Rules().evidence_age
    load_balance_percent_is: PercentReading = Rules().percent_reading
    relationship_limit_near: int = Rules().relationship_limit_near
    guard_relationships_min: int = RemovalLimits().relationships
    guard_relationships_percent: int = RemovalLimits().relationships_percent
    guard_scopes_min: int = RemovalLimits().scopes
    guard_scopes_percent: int = RemovalLimits().scopes_percent
    severities: Mapping[str, Severity] = field(default_factory=lambda: MappingProxyType({}))
    concurrency: int = 64
    poll_deadline: timedelta = timedelta(seconds=PollLimits().deadline_seconds)
    connect_timeout: timedelta = timedelta(seconds=PollLimits().connect_seconds)
    ca_file: Path | None = None
    clock_skew: timedelta = timedelta(seconds=Rules().clock_skew_seconds)
    interrupted_critical_after: timedelta | None = Rules().interrupted_critical_after
    transition_warning_after: timedelta = Rules().transition_warning_after
    interval: timedelta = Timing().interval
    lease: timedelta = Timing().lease
    sweep: timedelta = Timing().sweep
    tick: timedelta = Timing().tick
    overdue_intervals: int = Rules().overdue_after // Timing().interval
    keep_runs: timedelta = timedelta(days=30)
    log_format: LogFormat = LogFormat.CONSOLE
    log_level: LogLevel = LogLevel.INFO
    metrics_address: str = "127.0.0.1"
    metrics_port: int | None = None
    heartbeat_url: str | None = field(default=None, repr=False)
    heartbeat_interval: timedelta = timedelta(minutes=5)
    alerts_file: Path | None = None

    @property
    def poll_limits(self) -> PollLimits:
        """The bounds of one poll."""
        return PollLimits(
            deadline_seconds=self.poll_deadline.total_seconds(),
            connect_seconds=self.connect_timeout.total_seconds(),
        )

    @property
    def run_policy(self) -> RunPolicy:
        """The settings as a run takes them."""
        rules = Rules(
            confirm_after=self.confirm_after,
            evidence_age=self.evidence_age,
            overdue_after=self.overdue_intervals * self.interval,
            percent_reading=self.load_balance_percent_is,
            relationship_limit_near=self.relationship_limit_near,
            clock_skew_seconds=int(self.clock_skew.total_seconds()),
            interrupted_critical_after=self.interrupted_critical_after,
            transition_warning_after=self.transition_warning_after,
        )
        limits = RemovalLimits(
            relationships=self.guard_relationships_min,
            relationships_percent=self.guard_relationships_percent,
            scopes=self.guard_scopes_min,
            scopes_percent=self.guard_scopes_percent,
        )
        timing = Timing(self.interval, self.lease, self.sweep, self.tick)
        return RunPolicy(
            rules=rules,
            limits=limits,
            policy=self.policy,
            timing=timing,
            patience=Patience(apart=self.interval / 2),
            severities=self.severities,
        )

    @property
    def safe_database_url(self) -> str:
        """The database URL without its password, for people."""
        masked = without_password(self.database_url)
        return re.sub(r"(?i)([?&][^=&]*password=)[^&]*", r"\1***", masked)


def load_settings(environ: Mapping[str, str], *, config_file: Path | None = None) -> Settings:
    """The settings in force.

    The file is `config_file`, else what IPAM_SYNC_CONFIG names, else `ipam-sync/config.toml` in the
    user's configuration directory if there is one. Raises SettingsError with all that is wrong.
    """
    problems: list[str] = []
    given_values = {
        **_from_file(environ, config_file, problems),
        **_from_environment(environ, problems),
    }
    values: dict[str, Any] = {}
    for source in given_values.values():
        try:
            values[source.key] = SETTINGS[source.key].parse(source.value)
        except ValueError as error:
            problems.append(f"{source.name}{source.shown}: {error}")
    for url, file in _PASSWORD_FILES.items():
        if file in values:
            try:
                values[url] = _with_password_of(values, url, file)
            except (ValueError, SecretUnusable) as error:
                problems.append(f"{given_values[file].name}{given_values[file].shown}: {error}")
    if problems:
        raise SettingsError(tuple(problems))
    return Settings(**values)


def _with_password_of(values: Mapping[str, Any], url: str, file: str) -> str:
    if url not in values:
        raise ValueError(f"there is no {PREFIX}{url.upper()} that it belongs to.")
    return with_password(values[url], secret_in(values[file]))


@dataclass(frozen=True, slots=True)
class _Given:
    """A value somebody gave, and where."""

    key: str
    value: object = field(repr=False)
    name: str

    @property
    def shown(self) -> str:
        """Return the value for a sentence, empty for a URL, which may hold a password."""
        if self.key in _SECRET or isinstance(self.value, Mapping):
            return ""
        text = repr(self.value)
        return f" is {text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + '...'}"


def _from_environment(environ: Mapping[str, str], problems: list[str]) -> dict[str, _Given]:
    known_keys = {PREFIX + key.upper(): key for key in SETTINGS}
    given_values: dict[str, _Given] = {}
    for name in sorted(environ):
        if not name.upper().startswith(PREFIX) or name == _CONFIG or name.startswith(_TEST):
            continue
        if (
            name not in known_keys
        ):  # its value is not shown: it may be a password under a wrong name
            guess = did_you_mean(name.upper(), {*known_keys, _CONFIG})
            problems.append(f"{name}: there is no such setting{guess}")
        else:
            given_values[known_keys[name]] = _Given(known_keys[name], environ[name], name)
    return given_values


def _from_file(
    environ: Mapping[str, str], config_file: Path | None, problems: list[str]
) -> dict[str, _Given]:
    path = config_file or _named_file(environ) or _usual_file()
    try:
        document = tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        if isinstance(error, FileNotFoundError) and path == _usual_file():
            return {}  # nobody said that there is one
        problems.append(f"The settings file {path} cannot be read: {error.strerror}.")
        return {}
    except UnicodeDecodeError:
        problems.append(f"The settings file {path} is not UTF-8 text.")
        return {}
    except (ValueError, RecursionError) as error:
        problems.append(f"The settings file {path} is not TOML: {error}.")
        return {}
    for key in sorted(document.keys() - SETTINGS.keys()):
        guess = did_you_mean(key, SETTINGS)
        problems.append(f"{key} in {path}: there is no such setting{guess}")
    return {
        key: _Given(key, value, f"{key} in {path}")
        for key, value in document.items()
        if key in SETTINGS
    }


def _named_file(environ: Mapping[str, str]) -> Path | None:
    return Path(environ[_CONFIG]) if _CONFIG in environ else None


def _usual_file() -> Path:
    return user_config_path(_APPLICATION, appauthor=False) / "config.toml"
