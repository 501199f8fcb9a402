"""What Alertmanager is told of a problem, so that it fires, stays and ends there as it does here."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from hypothesis import given

from reconcile.model.findings import Severity
from tests.worker.alerts.receivers import receiving
from tests.worker.alerts.samples import (
    ACKNOWLEDGED,
    BEGAN,
    DIGEST,
    LIFE,
    NOW,
    OPENED,
    RESOLVED,
    UNREAD,
    hostile_alerts,
)
from worker.alerts.channels.alertmanager import KEEP, Alertmanager, _alerts
from worker.alerts.channels.posting import Receiver
from worker.alerts.message import Alert, Message, trial


def told(*messages: Message) -> list[list[dict[str, Any]]]:
    """What arrives, at the time of NOW."""
    with receiving() as to, time_machine.travel(NOW, tick=False):
        channel = Alertmanager(Receiver("prom", to.url, allow_private=True))
        for message in messages:
            channel.deliver(message)
        assert {got.path for got in to.got} == {"/api/v2/alerts"}
    return to.documents


def labels(alert: dict[str, Any]) -> frozenset[tuple[str, str]]:
    return frozenset(alert["labels"].items())


class Book:
    """What Alertmanager makes of it: the latest end that it was told, by labels."""

    def __init__(self) -> None:
        self._ends: dict[frozenset[tuple[str, str]], datetime] = {}

    def take(self, alerts: list[dict[str, Any]]) -> None:
        for alert in alerts:
            assert alert["startsAt"] <= alert["endsAt"]
            self._ends[labels(alert)] = datetime.fromisoformat(alert["endsAt"])

    def firing(self, at: datetime) -> list[str]:
        return [dict(key)["severity"] for key, end in self._ends.items() if end > at]


def test_an_open_alert_has_its_labels_its_words_and_an_end_that_lies_ahead() -> None:
    ((alert,),) = told(OPENED)
    assert alert["labels"] == {
        "alertname": "IpamSyncPartnerMismatch",
        "kind": "partner_mismatch",
        "matter": "drift",
        "severity": "warning",
        "relationship": "HQ",
        "servers": "dhcp01.corp.example,dhcp02.corp.example",
        "fingerprint": alert["labels"]["fingerprint"],
    }
    assert alert["startsAt"] == "2026-11-25T08:00:00Z"
    assert datetime.fromisoformat(alert["endsAt"]) == NOW + KEEP
    assert alert["generatorURL"] == OPENED.url
    assert alert["annotations"]["summary"].startswith("[WARNING] partner mismatch: HQ")
    assert "dhcp02.corp.example says PT2H" in alert["annotations"]["description"]


def test_what_says_nothing_is_no_label() -> None:
    ((alert,),) = told(UNREAD)
    assert "relationship" not in alert["labels"]
    assert all([*alert["labels"].values(), *alert["annotations"].values()])


def test_a_problem_fires_once_in_each_moment_of_its_life_and_ends() -> None:
    book = Book()
    for alerts, wanted in zip(
        told(*LIFE), [["warning"], ["critical"], ["critical"], ["critical"], []], strict=True
    ):
        book.take(alerts)
        assert book.firing(NOW) == wanted
    book.take(told(OPENED)[0])
    assert book.firing(NOW + KEEP) == [], "nobody told it again"


def test_two_problems_of_the_same_kind_and_servers_are_two() -> None:
    other = replace(OPENED, fingerprint=OPENED.fingerprint + "|10.0.0.0")
    ((one,), (two,)) = told(OPENED, other)
    assert labels(one) != labels(two)


def test_a_digest_is_all_of_its_alerts_in_one_request() -> None:
    (alerts,) = told(DIGEST)
    assert {a["labels"]["kind"] for a in alerts} == {"partner_mismatch", "server_unread"}


def test_a_resolved_alert_ends_now_and_never_before_it_began() -> None:
    late = replace(RESOLVED, first_seen=NOW + timedelta(minutes=1))
    (alerts,) = told(late)
    assert {alert["endsAt"] for alert in alerts} == {"2026-11-25T10:01:00Z"}


def test_who_acknowledged_is_told() -> None:
    (alerts,) = told(ACKNOWLEDGED)
    assert alerts[0]["annotations"]["note"] == "Acknowledged by ann: new disks until Friday"


def test_a_test_has_a_name_of_its_own() -> None:
    ((alert,),) = told(trial(NOW))
    assert alert["labels"]["alertname"] == "IpamSyncTest"


@pytest.mark.parametrize(
    ("who", "header"),
    [
        ({}, None),
        ({"token": "t0k"}, "Bearer t0k"),
        ({"username": "u", "password": "p"}, "Basic " + b64encode(b"u:p").decode()),
    ],
)
def test_it_says_who_it_is(who: dict[str, str], header: str | None) -> None:
    with receiving() as to:
        channel = Alertmanager(Receiver("prom", f"{to.url}/am/", allow_private=True), **who)  # type: ignore[arg-type]  # fields by name
        channel.deliver(OPENED)
        (got,) = to.got
    assert got.headers.get("Authorization") == header
    assert got.path == "/am/api/v2/alerts"
    assert "t0k" not in repr(channel)


@given(hostile_alerts())
def test_hostile_names_make_no_label_unprintable_nor_change_who_is_who(alert: Alert) -> None:
    for event in (alert, replace(alert, sequence=alert.sequence + 1)):
        first, *twins = _alerts(event, datetime.now(UTC), KEEP)
        assert all(value.isprintable() for value in first["labels"].values())
        assert all(value.isprintable() for value in first["annotations"].values())
        assert len(twins) in (0, len(Severity) - 1)


def test_the_life_began_when_the_problem_was_first_seen() -> None:
    starts = {alert["startsAt"] for alerts in told(*LIFE) for alert in alerts}
    assert {datetime.fromisoformat(text) for text in starts} == {BEGAN}
