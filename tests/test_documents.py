"""What the pages for contributors name exists: files, names of code, make targets, links, terms."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.documents import (
    PAGES,
    ROOT,
    anchors,
    dotted_names,
    links,
    make_targets,
    names_in_examples,
    paths,
    product_names,
    resolves,
)

GLOSSARY = ROOT / "docs/explanation/glossary.md"
MARKDOWN = sorted(
    (ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")),
) + sorted((ROOT / "docs").rglob("*.md"))


def of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_file_that_a_page_names_exists(page: Path) -> None:
    assert [p for p in paths(of(page)) if not any(ROOT.glob(p.rstrip("/")))] == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_module_class_and_function_that_a_page_names_exists(page: Path) -> None:
    assert [name for name in dotted_names(of(page)) if not resolves(name)] == []


def test_the_examples_of_contributing_use_names_that_exist() -> None:
    used = names_in_examples(of(ROOT / "CONTRIBUTING.md"))
    assert {"KindSpec", "only", "ipam_sync"} <= used
    assert used - product_names(ROOT) == set()


@pytest.mark.parametrize("page", MARKDOWN, ids=name_of)
def test_every_make_target_of_a_page_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", of(ROOT / "Makefile"), flags=re.MULTILINE))
    assert [t for t in make_targets(of(page)) if t not in targets] == []


@pytest.mark.parametrize("page", MARKDOWN, ids=name_of)
def test_every_link_of_a_page_leads_to_a_file_and_a_heading(page: Path) -> None:
    broken = []
    for target, anchor in links(of(page)):
        path = page.parent / target if target else page
        if not path.exists() or (anchor and anchor not in anchors(of(path))):
            broken.append(f"{target}#{anchor}")
    assert broken == []


def test_there_are_names_and_files_to_look_at() -> None:
    architecture = of(ROOT / "docs/explanation/architecture.md")
    assert len(list(dotted_names(architecture))) > 30
    assert len(list(paths(architecture))) > 10


@pytest.mark.parametrize(
    ("name", "exists"),
    [
        ("worker.runs.engine", True),
        ("worker.runs.engine.Engine.read", True),
        ("worker.runs.engine.Engine.leave", False),
        ("worker.runs.motor", False),
        ("worker.engine.Engine", False),
    ],
)
def test_a_name_that_does_not_exist_would_be_noticed(name: str, exists: bool) -> None:
    assert resolves(name) is exists


def test_a_file_a_target_and_a_link_are_recognised() -> None:
    text = "See `worker/gone.py`, `worker/cli/NAME.py`, run `make nothing` or [this](a.md#part).\n"
    assert list(paths(text)) == ["worker/gone.py", "worker/cli"]
    assert list(make_targets(text)) == ["nothing"]
    assert list(links(text)) == [("a.md", "part")]


def terms() -> list[str]:
    return re.findall(r"^\| ([^|`]+?) \| .*\|$", of(GLOSSARY), flags=re.MULTILINE)[1:]


def test_the_terms_of_the_glossary_are_unique_and_sorted() -> None:
    found = terms()
    assert found == sorted(set(found), key=str.casefold)
    assert len(found) > 60


def product_words() -> str:
    """Return the code and the pages, without the glossary, as words in small letters."""
    files: Iterator[Path] = (
        p
        for package in ("reconcile", "collectors", "worker")
        for p in (ROOT / package).rglob("*.py")
    )
    texts = [of(p) for p in files] + [of(p) for p in MARKDOWN if p != GLOSSARY]
    split = re.sub(r"(?<=[a-z])(?=[A-Z])|[_\s-]+", " ", " ".join(texts))
    return re.sub(r"\s+", " ", split).casefold()


def test_every_term_of_the_glossary_occurs_in_the_code_or_the_pages() -> None:
    words = product_words()
    missing = [t for t in terms() if not re.search(rf"\b{re.escape(t.replace('-', ' '))}", words)]
    assert missing == []
