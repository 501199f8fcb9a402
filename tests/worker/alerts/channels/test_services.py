"""Services of people, by Apprise itself: what it sends is taken by receivers of our own."""

from __future__ import annotations

import logging
import time
from datetime import timedelta
from typing import Any

import pytest
import requests
from apprise.plugins.slack import NotifySlack
from apprise.plugins.workflows import NotifyWorkflows
from hypothesis import given, settings
from markdown_it import MarkdownIt

from tests.processes import PATIENCE_SECONDS
from tests.worker.alerts.receivers import Manner, Post, receiving
from tests.worker.alerts.samples import DIGEST, LIFE, NOW, OPENED, hostile_alerts
from worker.alerts.channels.port import Undelivered
from worker.alerts.channels.services import Service, ServiceUnknown, service
from worker.alerts.message import Alert, Message, trial
from worker.alerts.templates import Medium, Texts

TEXTS = Texts()
SECRET = "t0kent0kent0kent0kent0ke"  # noqa: S105 - an example that must never be shown


def plain(to: Post, timeout: float = PATIENCE_SECONDS) -> Service:
    """A service that takes title and body as they are."""
    url = to.url.replace("http:", "json:") + f"/{SECRET}?retry=3&redirect=yes&optional=yes"
    return service("ops", url, TEXTS, timedelta(seconds=timeout))


def slack(to: Post) -> Service:
    made = service(
        "ops",
        f"slack://T1JJ3T3L2/A1BRTD4JD/{SECRET}/#ops",
        TEXTS,
        timedelta(seconds=PATIENCE_SECONDS),
    )
    assert isinstance(made.plugin, NotifySlack)
    made.plugin.webhook_url = to.url
    return made


def teams(to: Post, monkeypatch: pytest.MonkeyPatch) -> Service:
    """Its plugin speaks https only, so the scheme is taken off on the way out."""
    real = requests.Session.request

    def unencrypted(session: requests.Session, method: str, url: str, **rest: Any) -> Any:  # noqa: ANN401 - the library's
        return real(session, method, url.replace("https:", "http:"), **rest)

    monkeypatch.setattr(requests.Session, "request", unencrypted)
    url = to.url.replace("http:", "workflows:") + f"/workflow/{SECRET}/"
    return service("ops", url, TEXTS, timedelta(seconds=PATIENCE_SECONDS))


def test_title_and_text_arrive_with_how_loud_it_is() -> None:
    with receiving() as to:
        for alert in LIFE:
            plain(to).deliver(alert)
        told = to.documents
    assert [t["title"] for t in told] == [TEXTS.subject(alert) for alert in LIFE]
    assert told[0]["message"].strip() == TEXTS.body(OPENED, Medium.PLAIN).strip()
    assert [t["type"] for t in told] == ["warning", "failure", "failure", "failure", "success"]


@pytest.mark.parametrize("message", [DIGEST, trial(NOW)], ids=["digest", "test"])
def test_a_digest_and_a_test_are_one_message(message: Message) -> None:
    with receiving() as to:
        plain(to).deliver(message)
        (told,) = to.documents
    assert told["title"] == TEXTS.subject(message)


@pytest.mark.parametrize(
    "manner",
    [Manner(s) for s in (400, 404, 429, 500)] + [Manner(fault=f) for f in ("drop", "garbage")],
    ids=str,
)
def test_a_failure_is_tried_again_and_shows_no_secret(
    manner: Manner, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with receiving(manner) as to, caplog.at_level(logging.DEBUG):
        channel = plain(to)
        with pytest.raises(Undelivered) as raised:
            channel.deliver(OPENED)
        assert len(to.got) == 1, "tried once, whatever the URL says"
    error = raised.value
    assert (error.permanent, error.retry_after, error.unsure) == (False, None, True)
    assert error.sentence.startswith("ops: JSON ")
    out = "".join(capfd.readouterr())
    ours = [r.getMessage() for r in caplog.records if not r.name.startswith("urllib3")]
    for text in (repr(error), repr(error.__cause__), repr(channel), out, *ours):
        assert SECRET not in text


@pytest.mark.parametrize("fault", ["stall", "drip"])
def test_a_service_that_does_not_answer_costs_the_timeout_at_most(fault: str) -> None:
    with receiving(Manner(fault=fault)) as to:
        begun = time.monotonic()
        with pytest.raises(Undelivered):
            plain(to, 1).deliver(OPENED)
        assert time.monotonic() - begun < PATIENCE_SECONDS / 2


def test_a_redirect_is_not_followed_even_if_the_url_wants_it() -> None:
    with receiving() as elsewhere, receiving(Manner(307, {"Location": elsewhere.url})) as to:
        with pytest.raises(Undelivered):
            plain(to).deliver(OPENED)
        assert elsewhere.got == []


@pytest.mark.parametrize("url", ["", "x", f"nosuch://{SECRET}", f"slack://{SECRET}", "json://"])
def test_a_url_that_apprise_does_not_know_is_not_repeated(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(ServiceUnknown) as raised:
        service("ops", url, TEXTS, timedelta(seconds=PATIENCE_SECONDS))
    assert SECRET not in repr(raised.value)
    assert SECRET not in caplog.text


# ------------------------------------------------------------------------------- hostile names


@settings(max_examples=40)
@given(alert=hostile_alerts())
def test_slack_gets_no_mention_and_no_link_of_the_network(alert: Alert) -> None:
    with receiving(Manner(body=b"ok")) as to, pytest.MonkeyPatch.context() as patch:
        patch.setattr(NotifySlack, "request_rate_per_sec", 0)
        slack(to).deliver(alert)
        told = to.documents
    for attachment in (one for each in told for one in each["attachments"]):
        for text in (attachment["title"], attachment["text"]):
            assert "<" not in text
            assert ">" not in text
    assert not any(each["mrkdwn"] for each in told)


@settings(max_examples=40)
@given(alert=hostile_alerts())
def test_teams_gets_no_link_picture_or_html_of_the_network(alert: Alert) -> None:
    reader = MarkdownIt("gfm-like", {"linkify": False, "html": True})
    with receiving(Manner(202)) as to, pytest.MonkeyPatch.context() as patch:
        patch.setattr(NotifyWorkflows, "request_rate_per_sec", 0)
        teams(to, patch).deliver(alert)
        told = to.documents
    texts = [
        block["text"]
        for each in told
        for card in each["attachments"]
        for block in card["content"]["body"]
        if "text" in block
    ]
    assert texts
    for text in texts:
        inner = [c.type for token in reader.parse(text) for c in token.children or ()]
        assert set(inner) <= {"text", "text_special", "strong_open", "strong_close", "softbreak"}
