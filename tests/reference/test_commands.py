from __future__ import annotations

import re
from functools import cache

import click
import pytest

from tests.reference.commands import commands, commands_page
from worker.cli import main

COMMANDS = dict(commands(main))


@cache
def page() -> str:
    return commands_page()


def section(*path: str) -> str:
    heading = f"## ipam-sync {' '.join(path)}\n"
    return page().partition(f"\n{heading}")[2].partition("\n## ")[0]


def test_every_command_and_every_group_has_a_section() -> None:
    headings = re.findall(r"^## (.*)$", page(), flags=re.MULTILINE)
    assert headings == ["ipam-sync", *(f"ipam-sync {' '.join(path)}" for path in COMMANDS)]


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_a_command_has_its_usage_an_example_and_all_its_options(path: tuple[str, ...]) -> None:
    text = section(*path)
    name = f"ipam-sync {' '.join(path)}"
    assert text.lstrip().startswith(f"```text\n{name} ")
    assert re.search(rf"Examples?:\s+{name}\b", text)
    options = [p for p in COMMANDS[path].params if isinstance(p, click.Option)]
    assert all(f"{option.opts[0]}" in text for option in options)


def test_an_option_has_its_default_in_a_column_of_its_own() -> None:
    (row,) = re.findall(r"^\| `--port.*$", section("exporter"), flags=re.MULTILINE)
    assert row.endswith("| `9783` |")
    assert "default" not in row


def test_the_exit_codes_are_on_the_page() -> None:
    text = page()
    assert "\nExit codes:\n  0 " in text
    assert "Ends with 0, or with 2" in section("plan")


def test_every_link_of_the_overview_leads_to_a_section() -> None:
    text = page()
    anchors = {h.lower().replace(" ", "-") for h in re.findall(r"^## (.*)$", text, re.MULTILINE)}
    assert set(re.findall(r"\]\(#([^)]*)\)", text)) <= anchors
