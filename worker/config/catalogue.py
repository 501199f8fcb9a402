"""The settings, one row each: how a value is read, what values there are, and what it means.

Used by `worker.config.settings`.  The reference page of the settings is written from these rows and
from the defaults in `Settings`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from reconcile.evidence.inputs import PercentReading
from worker.config.parsers import (
    address,
    broker_url,
    database_url,
    days,
    number,
    path,
    seconds,
    severities,
    web_url,
    word,
)
from worker.config.run_policy import Policy
from worker.telemetry.logs import LogFormat, LogLevel


@dataclass(frozen=True, slots=True)
class SettingSpec:
    """A row: ``parse`` reads what a person wrote, the rest is for the reference page.

    ``default`` is written where the default of `Settings` cannot be shown as a value.
    """

    parse: Callable[[object], object]
    type: str
    meaning: str
    unit: str = ""
    default: str | None = None


def _number(low: int, high: int, meaning: str, *, unit: str = "") -> SettingSpec:
    return SettingSpec(number(low, high), f"whole number, {low} to {high}", meaning, unit)


def _seconds(low: int, meaning: str, *, default: str | None = None) -> SettingSpec:
    return SettingSpec(
        seconds(low), f"whole number, at least {low}", meaning, unit="seconds", default=default
    )


def _word(words: type[StrEnum], meaning: str) -> SettingSpec:
    return SettingSpec(word(words), "one of " + ", ".join(f"`{w}`" for w in words), meaning)


def _file(meaning: str, *, default: str | None = None) -> SettingSpec:
    return SettingSpec(path, "file", meaning, default=default)


#: By the key in the file. The variable has the same name in capital letters, with a prefix.
SETTINGS: Final[Mapping[str, SettingSpec]] = MappingProxyType(
    {
        "database_url": SettingSpec(
            database_url,
            "URL",
            "The database: `sqlite:////directory/file.db` or `postgresql://user@host/database`.",
            default="an SQLite file in the user's data directory",
        ),
        "database_password_file": _file("File with the password for the database URL."),
        "broker_url": SettingSpec(
            broker_url,
            "URL",
            "Redis or Valkey: `redis://host:6379/0`, `rediss://` with TLS, or "
            "`unix:///directory/socket`. Workers, beat and `reconcile` need it.",
        ),
        "broker_password_file": _file("File with the password for the broker URL."),
        "policy": _word(
            Policy,
            "Whether operations are applied as soon as they are recorded (`auto`) or wait for "
            "approval (`review`). A changed state is applied at once under both.",
        ),
        "confirm_after": _seconds(
            0,
            "How long a server that suddenly reports no relationships must keep reporting none "
            "before they count as deleted.",
        ),
        "evidence_age": _seconds(
            1,
            "Age from which a reading is stale: its state shows as Unknown, and operations that "
            "rest on it need `--insist`.",
        ),
        "load_balance_percent_is": _word(
            PercentReading,
            "What the LoadBalancePercent of a secondary server means. With `unset`, a percentage that "
            "only the secondary reports counts only where both meanings are the same number.",
        ),
        "relationship_limit_near": _number(
            1,
            31,
            "Number of relationships on one server from which on the finding "
            "`relationship_limit_near` opens. Windows allows 31.",
            unit="relationships",
        ),
        "guard_relationships_min": _number(
            0,
            1_000_000,
            "Removal limit: relationships that may always be removed in 24 hours.",
            unit="relationships",
        ),
        "guard_relationships_percent": _number(
            0,
            100,
            "Removal limit: share of all relationships that may be removed in 24 hours, if that is "
            "more than the minimum.",
            unit="percent",
        ),
        "guard_scopes_min": _number(
            0,
            1_000_000,
            "Removal limit: scope memberships that may always be removed in 24 hours.",
            unit="scope memberships",
        ),
        "guard_scopes_percent": _number(
            0,
            100,
            "Removal limit: share of all scope memberships that may be removed in 24 hours, if that "
            "is more than the minimum.",
            unit="percent",
        ),
        "severities": SettingSpec(
            severities,
            "table",
            "Severities that differ from the default, by kind or `kind.grade`: "
            "`unmapped_name=warning,state_not_normal.Recover=warning`, or a table in the file. "
            "A severity that you set does not rise.",
            default="none",
        ),
        "concurrency": _number(
            1, 1000, "How many servers are read at the same time.", unit="servers"
        ),
        "poll_deadline": _seconds(1, "Time after which a poll of a server ends in any case."),
        "connect_timeout": _seconds(1, "Time limit for connecting to a server."),
        "ca_file": _file(
            "PEM file of the authorities that verify the servers' TLS certificates.",
            default="the system's authorities",
        ),
        "clock_skew": _seconds(
            1, "How far clocks may differ, between partners or from the database's clock."
        ),
        "interrupted_critical_after": _seconds(
            0,
            "Time after which the state CommunicationsInterrupted is critical.",
            default="half the StateSwitchInterval, at most 30 minutes (15 with a hot standby)",
        ),
        "transition_warning_after": _seconds(
            0, "Time after which a state of transition is a warning."
        ),
        "interval": _seconds(1, "Time between two scheduled readings of a server."),
        "lease": _seconds(
            1, "Time after which a process that does not renew its registration counts as dead."
        ),
        "sweep": _seconds(1, "Time between two sweeps, which recover lost messages and processes."),
        "tick": _seconds(1, "Time between two ticks, which start the readings that are due."),
        "overdue_intervals": _number(
            1,
            10_000,
            "Intervals without a successful reading after which a server is overdue.",
            unit="intervals",
        ),
        "keep_runs": SettingSpec(
            days(1),
            "whole number, at least 1",
            "How long runs, their readings and resolved problems are kept. Open problems keep their "
            "evidence.",
            unit="days",
        ),
        "log_format": _word(LogFormat, "Format of the log: lines for people or JSON."),
        "log_level": _word(LogLevel, "Lowest level that is logged."),
        "metrics_address": SettingSpec(
            address, "IP address", "Address on which processes and the exporter serve metrics."
        ),
        "metrics_port": _number(
            1,
            65_000,
            "First port on which workers and beat serve their own metrics. Without it they serve "
            "none.",
        ),
        "heartbeat_url": SettingSpec(
            web_url,
            "URL",
            "Dead man's switch: workers request this URL by GET while all is well, so that their "
            "silence raises an alarm.",
        ),
        "heartbeat_interval": _seconds(10, "Time between two requests of the heartbeat URL."),
        "alerts_file": _file("TOML file with the channels and routes of alerts."),
    }
)
