"""The generated pages say what the code says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from reconcile.kinds.table import KINDS
from tests.reference.pages import PAGES

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_a_generated_page_is_up_to_date(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == PAGES[path](), "run make docs"


def test_every_kind_has_a_section_and_no_other() -> None:
    page = (ROOT / "docs/reference/findings.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (.*)$", page, flags=re.MULTILINE) == [str(kind) for kind in KINDS]


def test_every_link_of_the_reference_leads_to_a_heading() -> None:
    page = ROOT / "docs/reference/findings.md"
    for target, anchor in re.findall(r"\]\(([^)#]*)#([^)]*)\)", page.read_text(encoding="utf-8")):
        text = (page.parent / target).read_text(encoding="utf-8") if target else page.read_text()
        headings = re.findall(r"^#+ (.*)$", text, flags=re.MULTILINE)
        assert anchor in {re.sub(r"[^\w -]", "", h.lower()).replace(" ", "-") for h in headings}
