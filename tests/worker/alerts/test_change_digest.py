"""What people read of changes: each by its relationship, from what to what, and how sure that is."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from markdown_it import MarkdownIt

from reconcile.model.nouns import Operation
from tests.worker.alerts.channels.test_webhook import PROMISE
from tests.worker.alerts.pages import tags_of
from tests.worker.alerts.samples import CHANGES, MCLT, applied, hostile_changes
from worker.alerts.change_digest import MOST_OPERATIONS, account
from worker.alerts.channels.lines import Lines
from worker.alerts.message import Changes, members
from worker.alerts.payloads import document, encoded
from worker.alerts.templates import Medium, Texts, TextsUnusable

TEXTS = Texts()


def test_the_text_has_each_change_under_its_relationship_from_what_to_what() -> None:
    assert TEXTS.subject(CHANGES) == "5 changes applied to 4 relationships"
    assert TEXTS.body(CHANGES, Medium.PLAIN) == (
        """\
5 changes applied to 4 relationships

From:     2026-11-25 08:00:00 UTC
Until:    2026-11-25 10:00:00 UTC

Relationship HQ (dhcp01.corp.example, dhcp02.corp.example)
- #11 updated by run 4, certain: both partners were read
  MCLT: PT1H -> PT2H
  AutoStateTransition: false -> true
- #12 scopes added by run 4, certain: both partners were read
  scopes + 10.1.0.0, 10.2.0.0

Relationship Lab (dhcp01.corp.example, dhcp02.corp.example)
- #13 scopes removed by run 4, certain: both partners were read
  scopes - 10.3.0.0

Relationship New (dhcp01.corp.example, dhcp02.corp.example)
- #14 created by run 4, likely: only one partner was read
  with Mode LoadBalance
  scopes + 10.4.0.0

Relationship Old (dhcp01.corp.example, dhcp02.corp.example)
- #15 deleted by run 4, certain: both partners were read
  had MCLT PT1H
"""
    )


def test_one_change_is_one() -> None:
    one = replace(CHANGES, operations=CHANGES.operations[:1])
    assert TEXTS.subject(one) == "1 change applied to 1 relationship"


@pytest.mark.parametrize("medium", list(Medium))
def test_every_medium_has_all_of_it(medium: Medium) -> None:
    text = TEXTS.body(CHANGES, medium).replace("\\", "").replace("&gt;", ">")
    for part in ("HQ", "#15 deleted", "MCLT: PT1H -> PT2H", "10.2.0.0", "only one partner"):
        assert part in text


@pytest.mark.parametrize("medium", list(Medium))
def test_what_is_too_much_is_counted_with_the_command_that_lists_it(medium: Medium) -> None:
    many = tuple(applied(n, Operation.UPDATE, MCLT) for n in range(1, MOST_OPERATIONS + 8))
    message = replace(CHANGES, operations=many, more=100)
    assert TEXTS.subject(message) == f"{MOST_OPERATIONS + 107} changes applied"
    text = TEXTS.body(message, medium)
    assert "and 107 more: ipam-sync operations list --status applied" in text
    assert text.count("updated by run") == MOST_OPERATIONS


def test_many_scopes_are_counted() -> None:
    scopes = tuple(range(0x0A000000, 0x0A000000 + 1000))
    one = replace(CHANGES, operations=(applied(1, Operation.ADD_SCOPES, scopes=scopes),))
    ((change,),) = (o.changes for g in account(one).groups for o in g.operations)
    assert change.endswith("10.0.0.7 and 992 more")
    (told,) = document(one)["changes"]
    assert (len(told["scopes_added"]), told["more_scopes"]) == (200, 800)


def test_nothing_is_wrong_where_something_was_changed() -> None:
    assert members(CHANGES) == ()


# ---------------------------------------------------------------------------------- for programs


def test_programs_get_old_and_new_values_and_what_stands_behind_them() -> None:
    told = json.loads(encoded(document(CHANGES)))
    PROMISE.validate(told)
    assert (told["digest"], told["alerts"], told["more_changes"]) == (False, [], 0)
    assert told["changes"][0] == {
        "key": "applied-11",
        "event": "applied",
        "number": 11,
        "run": 4,
        "at": "2026-11-25T10:00:00Z",
        "operation": "FailoverUpdate",
        "relationship": "HQ",
        "servers": ["dhcp01.corp.example", "dhcp02.corp.example"],
        "properties": [
            {"name": "MCLT", "before": "PT1H", "after": "PT2H"},
            {"name": "AutoStateTransition", "before": False, "after": True},
        ],
        "scopes_added": [],
        "scopes_removed": [],
        "more_scopes": 0,
        "evidence": "both",
        "reason": "Both tell it.",
        "text": "#11 updated: MCLT: PT1H -> PT2H; AutoStateTransition: false -> true."
        " certain: both partners were read.",
    }
    scopes = [(c["scopes_added"], c["scopes_removed"]) for c in told["changes"]]
    assert scopes[1:4] == [
        (["10.1.0.0", "10.2.0.0"], []),
        ([], ["10.3.0.0"]),
        (["10.4.0.0"], []),
    ]


def test_the_log_has_a_line_for_each_change_and_one_that_there_are_more(tmp_path: Path) -> None:
    file = tmp_path / "changes.jsonl"
    Lines("log", file).deliver(CHANGES)
    Lines("log", file).deliver(replace(CHANGES, operations=CHANGES.operations[:1], more=7))
    told = [json.loads(line) for line in file.read_text().splitlines()]
    assert [line.get("number") for line in told] == [11, 12, 13, 14, 15, 11, None]
    assert told[-1] == {
        "key": "applied-3",
        "at": "2026-11-25T10:00:00Z",
        "summary": "8 changes applied",
        "more_changes": 7,
    }


# -------------------------------------------------------------------------------- hostile names


@given(hostile_changes())
def test_nothing_unprintable_gets_into_any_text_and_no_promise_is_broken(changes: Changes) -> None:
    subject = TEXTS.subject(changes)
    assert subject.isprintable()
    assert len(subject) <= 303
    for medium in Medium:
        assert TEXTS.body(changes, medium).replace("\n", "").isprintable()
    body = encoded(document(changes))
    PROMISE.validate(json.loads(body))
    assert body.decode("ascii").isprintable()


@given(hostile_changes())
def test_a_name_makes_no_line_of_its_own(changes: Changes) -> None:
    lines = TEXTS.body(changes, Medium.PLAIN).split("\n")
    starts = ("From:", "Until:", "Relationship ", "- #", "  Server1PSName:", "  scopes ", "and ")
    others = ("  with Server1PSName", "  had Server1PSName")
    assert [x for x in lines[1:] if x and not x.startswith((*starts, *others))] == []


@given(hostile_changes())
def test_html_has_our_tags_only(changes: Changes) -> None:
    tags = tags_of(TEXTS.body(changes, Medium.HTML))
    assert tags <= {"p", "strong", "ul", "li", "br"}


@given(hostile_changes())
def test_markdown_has_no_link_picture_code_or_html_of_the_network(changes: Changes) -> None:
    reader = MarkdownIt("gfm-like", {"linkify": False, "html": True})
    text = TEXTS.body(changes, Medium.MARKDOWN)
    tokens = reader.parse(text)
    ours = {"paragraph", "bullet_list", "list_item"}
    assert {re.sub("_(open|close)$", "", t.type) for t in tokens} <= {*ours, "inline"}
    inner = {child.type for token in tokens for child in token.children or ()}
    assert inner <= {"text", "text_special", "strong_open", "strong_close", "softbreak"}
    assert not re.search(r"(?<!\\)://", text)


# ----------------------------------------------------------------------------- texts of one's own


def test_a_text_of_one_s_own_replaces_ours_and_is_tried_first(tmp_path: Path) -> None:
    (tmp_path / "changes_subject.txt").write_text("IPAM: {{ changes.headline }}")
    (tmp_path / "changes.md").write_text(
        "{% for g in changes.groups %}{{ g.relationship }} {% endfor %}"
    )
    texts = Texts(tmp_path)
    assert texts.subject(CHANGES) == "IPAM: 5 changes applied to 4 relationships"
    assert texts.body(CHANGES, Medium.MARKDOWN) == "HQ Lab New Old\n"
    (tmp_path / "changes.html").write_text("{{ changes.wat }}")
    with pytest.raises(TextsUnusable, match=r"changes\.html fails on an example"):
        Texts(tmp_path)
