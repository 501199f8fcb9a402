"""Every command of ipam-sync that a text advises runs as printed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from tests.printed.executing import UnknownPlaceholder, execute, filled
from tests.printed.pages import Page, pages
from tests.printed.prepared import prepared_site
from tests.printed.product import ROOT, alert_templates, built_commands, product_texts
from tests.printed.sentences import commands_within
from tests.worker.cli.site import Site

#: A decision about everything that is held is nothing to copy from a text.
_QUOTED = re.compile(r'"(ipam-sync [^"]*)"')
TOO_MUCH = re.compile(r"--all\s+--destructive|--destructive\s+--all")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with prepared_site(tmp_path_factory.mktemp("printed")) as site:
        yield site


def shipped_texts() -> Iterator[str]:
    """Yield rules and dashboards, which name commands in quotation marks."""
    for path in sorted((ROOT / "docs").rglob("*")):
        if path.suffix in {".json", ".yml"}:
            yield " ".join(path.read_text(encoding="utf-8").replace('\\"', '"').split())


def printed() -> list[str]:
    """Return every command that the product, its pages and its dashboards print, each once."""
    commands = {c for page in pages() for c in page.commands()}
    texts = (*product_texts(), *alert_templates())
    commands |= {c for text in texts for c in commands_within(text)}
    commands |= set(built_commands())
    commands |= {c for text in shipped_texts() for c in _QUOTED.findall(text)}
    return sorted(commands)


@pytest.mark.parametrize("command", printed())
def test_a_printed_command_runs(command: str, prepared: Site, tmp_path: Path) -> None:
    """Each on an installation of its own, for many of them change it."""
    execute(prepared.copied_to(tmp_path), command)


def test_a_new_command_of_a_page_is_executed_without_being_listed() -> None:
    page = Page(
        "README.md", "Look:\n\n```sh\nipam-sync runs list   # all\n```\nor `ipam-sync\nplan`."
    )
    assert list(page.commands()) == ["ipam-sync runs list", "ipam-sync plan"]


def test_a_placeholder_that_nobody_fills_is_an_error() -> None:
    with pytest.raises(UnknownPlaceholder):
        filled("ipam-sync servers check WHATEVER")
    with pytest.raises(UnknownPlaceholder):
        filled("ipam-sync servers check {somebody}")


@pytest.mark.parametrize(
    "command",
    [
        "ipam-sync servers check",
        "ipam-sync servers chek dhcp01",
        "ipam-sync relationships show Nobody",
        "ipam-sync operations apply --kind FailoverRemoveScopes",
        "ipam-sync operations reject --run 3",
        "ipam-sync worker --role everything",
    ],
)
def test_a_command_that_does_not_do_what_it_says_is_noticed(
    command: str, prepared: Site, tmp_path: Path
) -> None:
    with pytest.raises((AssertionError, click.UsageError)):
        execute(prepared.copied_to(tmp_path), command)


@pytest.mark.parametrize(
    ("text", "commands"),
    [
        ("See: ipam-sync servers list", ["ipam-sync servers list"]),
        ("See ipam-sync runs list, and what the workers say.", ["ipam-sync runs list"]),
        ("ipam-sync up needs Linux.", ["ipam-sync up"]),
        ("this ipam-sync needs revision 3.", []),
        ("make a backup and run `ipam-sync db upgrade`.", ["ipam-sync db upgrade"]),
        (
            "Try: ipam-sync drift ack 3 --note 'new disk' --until 2d. Then wait.",
            ["ipam-sync drift ack 3 --note 'new disk' --until 2d"],
        ),
        (
            "ipam-sync servers check NAME, or ipam-sync servers disable {name}",
            ["ipam-sync servers check NAME", "ipam-sync servers disable {name}"],
        ),
    ],
)
def test_a_command_ends_where_the_sentence_goes_on(text: str, commands: list[str]) -> None:
    assert list(commands_within(text)) == commands


def test_nobody_is_advised_to_decide_about_everything_that_is_held() -> None:
    texts = [*product_texts(), *shipped_texts(), *(page.text for page in pages())]
    assert [text for text in texts if TOO_MUCH.search(text)] == []
