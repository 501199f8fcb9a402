"""The webhook: what arrives keeps the published promise, and its receiver can tell who sent it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from hypothesis import given
from jsonschema import Draft202012Validator

from reconcile.model.findings import Event, Kind, Matter, Severity
from reconcile.model.nouns import Evidence
from tests.worker.alerts.receivers import Manner, receiving
from tests.worker.alerts.samples import ACKNOWLEDGED, DIGEST, LIFE, NOW, OPENED, hostile_alerts
from worker.alerts.channels.port import Undelivered
from worker.alerts.channels.posting import Receiver
from worker.alerts.channels.webhook import (
    KEY_HEADER,
    SIGNATURE_HEADER,
    TIMESTAMP_HEADER,
    Webhook,
    signature,
    verify,
)
from worker.alerts.message import Alert, trial
from worker.alerts.payloads import document, encoded

SECRET = "correct horse battery"  # noqa: S105 - an example that must never be shown
SCHEMA = Path(__file__).parents[4] / "docs" / "alerts" / "webhook.schema.json"


def strict(schema: Any) -> Any:  # noqa: ANN401 - JSON
    """The schema without room for keys that it does not name."""
    if isinstance(schema, list):
        return [strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {key: strict(value) for key, value in schema.items()}
    return inner | {"additionalProperties": False} if "required" in schema else inner


PROMISE = Draft202012Validator(
    strict(json.loads(SCHEMA.read_text(encoding="utf-8"))),
    format_checker=Draft202012Validator.FORMAT_CHECKER,
)


def webhook(url: str, secret: str | None = SECRET) -> Webhook:
    return Webhook(Receiver("ops", f"{url}/hook", allow_private=True), secret)


def test_the_published_schema_is_one() -> None:
    Draft202012Validator.check_schema(json.loads(SCHEMA.read_text(encoding="utf-8")))


def test_the_published_words_are_all_there_are() -> None:
    alert = json.loads(SCHEMA.read_text(encoding="utf-8"))["$defs"]["alert"]["properties"]
    words = {"event": Event, "kind": Kind, "matter": Matter, "severity": Severity}
    for key, known in {**words, "evidence": Evidence}.items():
        assert set(alert[key]["enum"]) == set(known)


def test_the_schema_would_see_a_key_that_is_missing_or_too_much() -> None:
    good = document(OPENED)
    bad = good | {"more": 1}
    assert PROMISE.is_valid(good)
    assert not PROMISE.is_valid(bad)
    assert not PROMISE.is_valid({k: v for k, v in good.items() if k != "key"})
    assert not PROMISE.is_valid(good | {"alerts": [good["alerts"][0] | {"event": "gone"}]})


@pytest.mark.parametrize("message", [*LIFE, DIGEST, trial(NOW)], ids=lambda m: m.key)
def test_what_arrives_is_what_the_schema_promises(message: Alert) -> None:
    with receiving() as to:
        webhook(to.url).deliver(message)
        (got,) = to.got
    PROMISE.validate(got.document)
    assert got.document == json.loads(encoded(document(message)))
    assert got.headers["Content-Type"] == "application/json"
    assert got.headers[KEY_HEADER] == message.key == got.document["key"]


def test_the_receiver_sees_the_whole_life_of_a_problem() -> None:
    with receiving() as to:
        for alert in LIFE:
            webhook(to.url).deliver(alert)
        told = [document["alerts"][0] for document in to.documents]
    assert [(t["sequence"], t["event"], t["severity"]) for t in told] == [
        (1, "opened", "warning"),
        (2, "changed", "critical"),
        (3, "acknowledged", "critical"),
        (4, "still_open", "critical"),
        (5, "resolved", "critical"),
    ]
    assert {(t["finding"], t["fingerprint"]) for t in told} == {(7, OPENED.fingerprint)}
    assert [t["resolved_at"] for t in told] == [None] * 4 + ["2026-11-25T12:00:00Z"]
    assert told[2]["acknowledged"] == {"by": "ann", "note": "new disks until Friday"}
    assert told[0]["ipam"] == {"MCLT": "PT1H"}


def test_a_retry_has_the_same_key_and_the_same_body_and_a_signature_of_its_own_time() -> None:
    with receiving(Manner(500)) as to:
        for hour in (0, 1):
            with time_machine.travel(NOW + timedelta(hours=hour)), pytest.raises(Undelivered):
                webhook(to.url).deliver(ACKNOWLEDGED)
        first, second = to.got
    assert first.body == second.body
    assert first.headers[KEY_HEADER] == second.headers[KEY_HEADER]
    assert first.headers[TIMESTAMP_HEADER] != second.headers[TIMESTAMP_HEADER]


def test_the_receiver_can_tell_that_it_came_from_us_and_lately() -> None:
    with receiving() as to:
        webhook(to.url).deliver(OPENED)
        (got,) = to.got
    timestamp, given = got.headers[TIMESTAMP_HEADER], got.headers[SIGNATURE_HEADER]
    now = datetime.now(UTC)
    assert given.startswith("v1=")
    assert verify(SECRET, timestamp, given, got.body, now)
    assert verify(SECRET, timestamp, f"v1=00, {given}", got.body, now)
    assert not verify("another", timestamp, given, got.body, now)
    assert not verify(SECRET, timestamp, given, got.body + b" ", now)
    assert not verify(SECRET, str(int(timestamp) + 1), given, got.body, now)
    assert not verify(SECRET, timestamp, given, got.body, now + timedelta(minutes=6))
    assert not verify(SECRET, timestamp, given, got.body, now - timedelta(minutes=6))


@pytest.mark.parametrize(
    ("timestamp", "given"), [("", ""), ("x", "v1=1"), ("9" * 400, "v1="), ("\u0664", "v1=\xe9")]
)
def test_what_is_no_signature_does_not_fit(timestamp: str, given: str) -> None:
    assert not verify(SECRET, timestamp, given, b"{}", NOW)


def test_the_signature_is_what_the_page_says() -> None:
    """A value computed by hand, with another program."""
    assert signature("key", "1764064800", b"{}") == (
        "v1=36c5c1e1e41f576c8c8db4e6fec61f46707fc132d52f51455bab71a6fbc766c9"
    )


def test_without_a_secret_nothing_is_signed() -> None:
    with receiving() as to:
        webhook(to.url, None).deliver(OPENED)
        assert SIGNATURE_HEADER not in to.got[0].headers


def test_neither_secret_nor_url_is_shown() -> None:
    assert repr(webhook("https://hook.example/t0ken")) == (
        "Webhook(receiver=Receiver(channel='ops', allow_private=True, ca_file=None,"
        " timeout=datetime.timedelta(seconds=10)))"
    )


@given(hostile_alerts())
def test_hostile_names_break_no_promise(alert: Alert) -> None:
    body = encoded(document(alert))
    PROMISE.validate(json.loads(body))
    assert body.isascii()
    assert body.decode().isprintable()
    assert document(alert)["alerts"][0]["text"].isprintable()
