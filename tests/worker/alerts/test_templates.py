"""What people read: everything there is to say, and nothing that the network put in to do harm."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from markdown_it import MarkdownIt

from reconcile.model.nouns import Evidence
from tests.worker.alerts.pages import tags_of
from tests.worker.alerts.samples import (
    ACKNOWLEDGED,
    CHANGED,
    DIGEST,
    LIFE,
    NOW,
    OPENED,
    RESOLVED,
    UNREAD,
    hostile_alerts,
)
from worker.alerts.message import Alert, Digest, trial
from worker.alerts.templates import MOST_MEMBERS, Medium, Texts, TextsUnusable
from worker.alerts.wording import SURE, lasting, telling

TEXTS = Texts()


@pytest.mark.parametrize("medium", list(Medium))
def test_of_one_server_it_is_not_said_how_many_partners_were_read(medium: Medium) -> None:
    alone = replace(OPENED, relationship=None, servers=("dhcp01.corp.example",))
    assert "Sure" not in Texts().body(alone, medium)
    assert "How sure" not in telling(alone).sentence


def test_one_sentence_says_what_where_since_when_who_says_what_how_sure_and_what_next() -> None:
    assert telling(CHANGED).sentence == (
        "The partners of HQ tell different values. Where: relationship HQ of dhcp01.corp.example,"
        " dhcp02.corp.example. Since 2026-11-25 08:00:00 UTC (2 hours). MCLT: dhcp01.corp.example"
        " says PT1H, dhcp02.corp.example says PT1M, IPAM has PT1H. How sure: certain: both partners"
        " were read. Next: Read HQ on dhcp01.corp.example and dhcp02.corp.example now. Go on only"
        " if both answer, both are in state Normal, and the values still differ. Decide which MCLT"
        " of HQ is right, then run one. Commands: ipam-sync drift show 7"
    )


def test_where_the_partners_agree_the_old_value_and_the_new_one_are_shown() -> None:
    said = (("MCLT", (("a", "PT2H"), ("b", "PT2H"))),)
    assert telling(replace(OPENED, said=said)).values == ("MCLT: IPAM PT1H -> PT2H (a, b)",)


def test_what_only_ipam_has_is_told_too() -> None:
    assert (
        "Mode: IPAM has LoadBalance"
        in telling(replace(OPENED, ipam={"Mode": "LoadBalance"})).values
    )


def test_many_values_are_counted() -> None:
    ipam = {f"p{n}": "1" for n in range(30)}
    values = telling(replace(OPENED, said=(), ipam=ipam)).values
    assert (len(values), values[-1]) == (21, "and 10 more values")


def test_every_evidence_has_a_word() -> None:
    assert set(SURE) == set(Evidence)


def test_the_subject_says_how_loud_what_and_where() -> None:
    place = "HQ (dhcp01.corp.example, dhcp02.corp.example)"
    assert [TEXTS.subject(alert) for alert in LIFE] == [
        f"[WARNING] partner mismatch: {place}",
        f"[CRITICAL] partner mismatch: {place}",
        f"[ACKNOWLEDGED] partner mismatch: {place}",
        f"[CRITICAL] partner mismatch: {place}",
        f"[RESOLVED] partner mismatch: {place}",
    ]
    assert TEXTS.subject(UNREAD) == "[WARNING] server unread: dhcp03.corp.example"
    assert TEXTS.subject(replace(UNREAD, servers=())) == "[WARNING] server unread: the whole store"


def test_who_acknowledged_and_why_is_told() -> None:
    assert "Acknowledged by ann: new disks until Friday" in TEXTS.body(ACKNOWLEDGED, Medium.PLAIN)


def test_what_is_resolved_says_when_and_asks_for_nothing() -> None:
    text = TEXTS.body(RESOLVED, Medium.PLAIN)
    assert text.startswith("This is over: ")
    assert "resolved 2026-11-25 12:00:00 UTC after 4 hours" in text
    assert "Next" not in text


def test_a_digest_has_a_headline_with_counts_and_a_list() -> None:
    text = TEXTS.body(DIGEST, Medium.PLAIN)
    headline = "3 problems: 1 critical changed, 1 resolved, 1 warning opened"
    assert TEXTS.subject(DIGEST) == headline == text.split("\n")[0]
    assert text.count("\n- ") == 3


def test_a_large_digest_lists_the_first_and_counts_the_rest() -> None:
    many = Digest("d", tuple(replace(OPENED, finding=n) for n in range(MOST_MEMBERS + 7)), NOW)
    for medium in Medium:
        assert "and 7 more" in TEXTS.body(many, medium).replace("\\", "")


@pytest.mark.parametrize("medium", list(Medium))
def test_a_test_says_that_it_is_one(medium: Medium) -> None:
    alert = trial(NOW)
    assert TEXTS.subject(alert).startswith("[TEST]")
    assert "test of the channel" in TEXTS.body(alert, medium)
    assert TEXTS.subject(Digest("d", (alert,), NOW)).startswith("TEST:")


@pytest.mark.parametrize(
    ("time", "words"),
    [
        (timedelta(seconds=-5), "less than a minute"),
        (timedelta(seconds=59), "less than a minute"),
        (timedelta(minutes=1), "1 minute"),
        (timedelta(hours=25), "1 day"),
        (timedelta(days=3), "3 days"),
    ],
)
def test_durations_are_told_in_their_largest_unit(time: timedelta, words: str) -> None:
    assert lasting(time) == words


# ------------------------------------------------------------------------------ hostile names


@given(hostile_alerts())
def test_nothing_unprintable_gets_into_any_text(alert: Alert) -> None:
    for message in (alert, Digest("d", (alert, alert), NOW)):
        subject = TEXTS.subject(message)
        assert subject.isprintable()
        assert len(subject) <= 303
        for medium in Medium:
            assert TEXTS.body(message, medium).replace("\n", "").isprintable()


@given(hostile_alerts())
def test_a_name_makes_no_line_of_its_own(alert: Alert) -> None:
    lines = TEXTS.body(alert, Medium.PLAIN).rstrip("\n").split("\n")
    steps = [step.text.strip() for step in telling(alert).steps]
    ends = len(lines) - len(steps)
    assert [line.strip() for line in lines[ends:]] == steps
    starts = ("Event:", "Where:", "Since:", "Value:", "Sure:", "Note:", "Next", "See:")
    assert [line for line in lines[1:ends] if line and not line.startswith(starts)] == []


@given(hostile_alerts())
def test_html_has_our_tags_only(alert: Alert) -> None:
    for message in (alert, Digest("d", (alert,), NOW)):
        tags = tags_of(TEXTS.body(message, Medium.HTML))
        ours = {"p", "strong", "table", "tr", "th", "th.align=left", "td", "ul", "li", "br", "pre"}
        assert tags <= ours


@given(hostile_alerts())
def test_markdown_has_no_link_picture_code_or_html_of_the_network(alert: Alert) -> None:
    reader = MarkdownIt("gfm-like", {"linkify": False, "html": True})
    for message in (alert, Digest("d", (alert,), NOW)):
        tokens = reader.parse(TEXTS.body(message, Medium.MARKDOWN))
        inner = [child.type for token in tokens for child in token.children or ()]
        assert {t.type for t in tokens} <= {
            "paragraph_open",
            "paragraph_close",
            "inline",
            "bullet_list_open",
            "bullet_list_close",
            "list_item_open",
            "list_item_close",
        }
        assert set(inner) <= {"text", "text_special", "strong_open", "strong_close", "softbreak"}
        assert not re.search(r"(?<!\\)://", TEXTS.body(message, Medium.MARKDOWN))


def test_our_own_link_stays_one_in_every_medium() -> None:
    url = "https://ipam.corp.example/findings/7"
    for medium in Medium:
        assert url in TEXTS.body(OPENED, medium)


# ----------------------------------------------------------------------------- texts of one's own


def test_a_file_of_the_same_name_replaces_a_text_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "subject.txt").write_text("IPAM: {{ alert.what }}\n")
    texts = Texts(tmp_path)
    assert texts.subject(OPENED) == "IPAM: The partners of HQ tell different values."
    assert texts.body(OPENED, Medium.PLAIN) == TEXTS.body(OPENED, Medium.PLAIN)


def test_html_of_one_s_own_is_escaped_too(tmp_path: Path) -> None:
    (tmp_path / "body.html").write_text("<b>{{ alert.where }}</b>")
    text = Texts(tmp_path).body(replace(OPENED, relationship="<i>"), Medium.HTML)
    assert text.startswith("<b>relationship &lt;i&gt;")


def test_all_that_is_wrong_with_templates_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "body.txt").write_text("x\n{{ alert.what")
    (tmp_path / "subject.txt").write_text("{{ alert.wat }}")
    (tmp_path / "digest.txt").write_text("{{ digest.__class__.__mro__ }}")
    (tmp_path / "body.md").write_text("{% include 'foot.md' %}")
    with pytest.raises(TextsUnusable) as raised:
        Texts(tmp_path)
    assert [problem.split(tmp_path.as_posix() + "/")[1] for problem in raised.value.problems] == [
        "body.md includes foot.md, which is not there.",
        "body.txt, line 2: unexpected end of template, expected 'end of print statement'.",
        (
            "digest.txt fails on an example: access to attribute '__class__' of 'DigestText' object"
            " is unsafe."
        ),
        (
            "subject.txt fails on an example: 'worker.alerts.wording.Telling object' has no"
            " attribute 'wat'."
        ),
    ]


def test_an_alert_that_a_text_of_one_s_own_cannot_do_is_told_in_ours(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "body.txt").write_text("{{ alert.values[0] }}")
    texts = Texts(tmp_path)
    assert texts.body(OPENED, Medium.PLAIN).startswith("MCLT")
    assert UNREAD.said == ()
    assert texts.body(UNREAD, Medium.PLAIN) == TEXTS.body(UNREAD, Medium.PLAIN)
    (record,) = caplog.records
    assert (record.message, record.__dict__["facts"]["template"]) == ("text failed", "body.txt")


def test_a_directory_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(TextsUnusable, match="is no directory"):
        Texts(tmp_path / "none")
