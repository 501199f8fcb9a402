"""What PagerDuty is told: one incident for one problem, from its first trigger to its end."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from tests.worker.alerts.receivers import Manner, receiving
from tests.worker.alerts.samples import DIGEST, LIFE, NOW, OPENED, UNREAD, hostile_alerts
from worker.alerts.channels.pagerduty import PagerDuty, event
from worker.alerts.channels.port import Undelivered
from worker.alerts.channels.posting import Receiver
from worker.alerts.message import Alert, Message, trial
from worker.alerts.payloads import encoded

KEY = "r0uting-key"


def told(*messages: Message) -> list[dict[str, Any]]:
    with receiving(Manner(202)) as to:
        channel = PagerDuty(Receiver("pager", f"{to.url}/v2/enqueue", allow_private=True), KEY)
        assert KEY not in repr(channel)
        for message in messages:
            channel.deliver(message)
        assert {got.path for got in to.got} == {"/v2/enqueue"}
    return to.documents


def test_an_event_says_what_where_how_bad_and_who_says_what() -> None:
    (told_of,) = told(OPENED)
    payload = told_of.pop("payload")
    details = payload.pop("custom_details")
    assert told_of == {
        "routing_key": KEY,
        "event_action": "trigger",
        "dedup_key": told_of["dedup_key"],
        "client": "ipam-sync",
        "links": [{"href": OPENED.url, "text": "ipam-sync"}],
    }
    assert payload == {
        "summary": (
            "[WARNING] partner mismatch: HQ (dhcp01.corp.example, dhcp02.corp.example): The partners"
            " of HQ tell different values."
        ),
        "source": "dhcp01.corp.example,dhcp02.corp.example",
        "severity": "warning",
        "timestamp": "2026-11-25T08:00:00Z",
        "component": "HQ",
        "group": "drift",
        "class": "partner_mismatch",
    }
    assert details["ipam"] == {"MCLT": "PT1H"}


def test_a_problem_is_one_incident_that_is_triggered_acknowledged_and_resolved() -> None:
    events = told(*LIFE)
    assert [e["event_action"] for e in events] == [
        "trigger",
        "trigger",
        "acknowledge",
        "trigger",
        "resolve",
    ]
    assert len({e["dedup_key"] for e in events}) == 1
    assert event(UNREAD)["dedup_key"] != events[0]["dedup_key"]


def test_a_digest_is_an_event_for_each_alert() -> None:
    assert [e["event_action"] for e in told(DIGEST)] == ["trigger", "trigger", "resolve"]


def test_a_test_says_so() -> None:
    assert event(trial(NOW))["payload"]["summary"].startswith("[TEST]")


def test_a_digest_that_broke_off_is_sent_again_as_a_whole() -> None:
    with receiving(Manner(429, {"Retry-After": "7"})) as to:
        channel = PagerDuty(Receiver("pager", to.url, allow_private=True), KEY)
        with pytest.raises(Undelivered) as raised:
            channel.deliver(DIGEST)
        assert len(to.got) == 1
        assert (raised.value.permanent, raised.value.retry_after is None) == (False, False)
        to.manner = Manner(202)
        channel.deliver(DIGEST)
        assert len(to.got) == 1 + len(DIGEST.alerts)


@given(hostile_alerts())
def test_hostile_names_stay_within_the_bounds_of_the_interface(alert: Alert) -> None:
    told_of = event(alert)
    payload = told_of["payload"]
    assert len(told_of["dedup_key"]) <= 255
    assert len(payload["summary"]) <= 1024
    for field in ("summary", "source", "component"):
        assert payload[field].isprintable()
    assert payload["source"]
    assert encoded(told_of).isascii()
