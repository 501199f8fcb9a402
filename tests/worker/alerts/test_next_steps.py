"""The remedy in every text of an alert: commands come through whole and unchanged."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape

import pytest
from markdown_it import MarkdownIt

from reconcile.model.findings import Event
from reconcile.remedies.model import Facts
from tests.reconcile.remedy_examples import HOSTILE, UNCOPYABLE, examples
from tests.worker.alerts.samples import OPENED, RESOLVED
from worker.alerts.message import Alert, trial
from worker.alerts.next_steps import remedy_of
from worker.alerts.payloads import alert_document
from worker.alerts.templates import Medium, Texts
from worker.alerts.wording import telling

TEXTS = Texts()


def alert(facts: Facts) -> Alert:
    return replace(
        OPENED,
        kind=facts.kind,
        relationship=facts.relationship,
        servers=facts.servers,
        said=facts.values,
        grade=facts.grade,
        about=facts.about,
        ipam=facts.stored,
    )


def commands(alert: Alert) -> list[str]:
    remedy = remedy_of(alert)
    return [] if remedy is None else [command.text for command in remedy.commands]


@pytest.mark.parametrize("name", HOSTILE)
def test_every_medium_has_every_command_as_it_is(name: str) -> None:
    reader = MarkdownIt("gfm-like", {"linkify": False})
    for facts in examples(name):
        told = alert(facts)
        plain = [line.strip() for line in TEXTS.body(told, Medium.PLAIN).splitlines()]
        page = TEXTS.body(told, Medium.HTML)
        verbatim = [unescape(text) for text in re.findall("<pre>(.*?)</pre>", page)]
        tokens = reader.parse(TEXTS.body(told, Medium.MARKDOWN))
        shown = ["".join(c.content for c in t.children or ()) for t in tokens if t.children]
        assert [c for c in commands(told) if c not in plain] == []
        assert verbatim == commands(told)
        assert [c for c in commands(told) if c not in shown] == []


@pytest.mark.parametrize("name", HOSTILE)
def test_one_line_never_holds_a_part_of_a_command(name: str) -> None:
    for facts in examples(name, name, f"{name[:250]}.b"):
        assert not telling(alert(facts)).next.endswith("...")


@pytest.mark.parametrize("name", UNCOPYABLE)
def test_no_medium_has_a_command_with_a_name_that_cannot_be_copied(name: str) -> None:
    for facts in examples(name):
        told = alert(facts)
        if facts.relationship == name:
            assert commands(told) == ["ipam-sync drift show 7"]
            assert "ipam-sync drift show 7" in TEXTS.body(told, Medium.PLAIN)


def test_programs_get_the_steps_with_the_shell_of_each_command() -> None:
    document = alert_document(OPENED)
    assert document["next"] == telling(OPENED).next
    assert document["remedy"]["heading"] == "Partners disagree about a value"
    read, decide = document["remedy"]["steps"]
    assert [c["shell"] for c in read["commands"]] == ["powershell", "powershell"]
    assert [o["loss"] for o in decide["options"]] == [
        "This replaces 2 h there.",
        "This replaces 1 h there.",
    ]


@pytest.mark.parametrize("over", [RESOLVED, trial(OPENED.at, event=Event.OPENED)])
def test_what_is_over_or_a_test_has_no_next_step(over: Alert) -> None:
    assert (telling(over).next, telling(over).steps) == ("", ())
    document = alert_document(over)
    assert (document["next"], document["remedy"]) == ("", None)
