"""Every PowerShell text that people paste, or that is sent: its grammar, and whether it is accepted."""

from __future__ import annotations

import re

import pytest

from collectors.base import EXPORT_COMMAND, INSTALL_TOOLS, LIST_RELATIONSHIPS
from collectors.scripts import packaged
from tests.collectors.scripts.syntax import tree
from tests.powershell.acceptance import refused, refused_scripts
from tests.printed.pages import pages
from tests.printed.product import ROOT, product_texts
from tests.reconcile.remedy_examples import rendered_commands

SCRIPTS = sorted((ROOT / "collectors" / "scripts").glob("*.ps1"))
#: What errors of the collectors print.
OF_ERRORS = (EXPORT_COMMAND, INSTALL_TOOLS, LIST_RELATIONSHIPS)
_CMDLET = re.compile(r"\b[A-Z][a-z]+-(?:Dhcp|Windows|Cim|Win|Net|Service)\w+")


def blocks() -> list[str]:
    """Every block of PowerShell in README and docs/."""
    return [block for page in pages() for block in page.blocks("powershell")]


def printed() -> list[str]:
    """Every command that people paste."""
    return [*rendered_commands(), *blocks(), *OF_ERRORS]


def misread(text: str) -> bool:
    """True if the grammar does not understand all of a text."""
    return tree(text).has_error


def test_the_grammar_understands_every_printed_command_and_script() -> None:
    assert [text for text in printed() if misread(text)] == []
    assert [path.name for path in SCRIPTS if misread(path.read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize("text", ["Get-DhcpServerv4Failover -Name 'R", "foreach ($s in 'a') {"])
def test_the_grammar_notices_what_is_left_open(text: str) -> None:
    assert misread(text)


def test_the_pages_have_powershell() -> None:
    assert blocks()


def test_a_cmdlet_in_a_sentence_is_one_of_the_checked_commands() -> None:
    checked = {name for text in printed() for name in _CMDLET.findall(text)}
    named = {name for text in product_texts() for name in _CMDLET.findall(text)}
    assert named - checked == set()


@pytest.mark.powershell
def test_powershell_accepts_every_printed_command() -> None:
    assert refused(printed()) == []


@pytest.mark.powershell
def test_powershell_5_1_has_what_the_scripts_use() -> None:
    texts = [path.read_text(encoding="utf-8") for path in SCRIPTS]
    assert packaged("failover").source in texts
    assert refused_scripts(texts) == []
