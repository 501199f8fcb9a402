"""The tables of docs/explanation/decisions.md, each row run against the core; people and tests read one page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import product
from typing import Final

import pytest

from tests.reconcile.decision_page import EXPECTED, ROOT, ROWS, Row
from tests.reconcile.decision_rows import (
    emptiness,
    main_table,
    other_proofs,
    pending_table,
    scope_table,
    silent_existence,
    silent_property,
    silent_scope,
)

STORE: Final = ("equal", "different", "without", "unread", "unmanaged")
SECTIONS: Final[dict[str, tuple[Callable[[Row], None], tuple[tuple[str, ...], ...] | None]]] = {
    "IPAM has it": (main_table, (STORE, (*STORE, "same"), ("has",))),
    "IPAM has it, and an operation is pending": (
        main_table,
        (STORE, (*STORE, "same"), ("pending",)),
    ),
    "IPAM does not have it": (main_table, (STORE, (*STORE, "same"), ("none",))),
    "Other pending operations": (pending_table, None),
    "Scopes": (scope_table, None),
    "A silent partner's latest reading: properties": (
        silent_property,
        (
            ("never", "agrees", "differs"),
            ("never", "agrees", "differs"),
            ("as A", "otherwise"),
            ("yes", "no"),
        ),
    ),
    "A silent partner's latest reading: scopes": (
        silent_scope,
        (
            ("has it", "lacks it"),
            ("never", "agrees", "differs"),
            ("never", "agrees", "differs"),
            ("has it", "lacks it"),
            ("no", "disagreement", "absence"),
        ),
    ),
    "A silent partner's latest reading: the relationship itself": (
        silent_existence,
        (
            ("tells", "without"),
            ("never", "tells", "without"),
            ("never", "tells", "without"),
            ("has", "none"),
            ("no", "disagreement", "absence"),
        ),
    ),
    "Emptiness must be said twice": (emptiness, None),
    "Other proofs of absence": (other_proofs, None),
}


def spelt_out(row: Row) -> Iterator[Row]:
    """The row once per meaning of its ``any``."""
    _, space = SECTIONS[row.section]
    choices = [
        space[i] if space is not None and word == "any" else (word,)
        for i, word in enumerate(row.words)
    ]
    given = [c for c in row.columns if c not in EXPECTED]
    for words in product(*choices):
        cells = dict(row.cells) | dict(zip(given, words, strict=True))
        yield replace(row, cells=tuple(cells.items()))


CASES: Final = [r for row in ROWS if row.section in SECTIONS for r in spelt_out(row)]


@pytest.mark.parametrize("row", [r for r in CASES if not r.impossible], ids=str)
def test_the_program_decides_what_the_page_says(row: Row) -> None:
    """Operations, findings and evidence of every possible row are what is written there."""
    SECTIONS[row.section][0](row)


def test_every_table_of_the_page_is_understood() -> None:
    """A section that no test reads, or one that is missing, is a mistake."""
    assert {r.section for r in ROWS} == set(SECTIONS)


@pytest.mark.parametrize("section", [s for s, (_, space) in SECTIONS.items() if space is not None])
def test_a_table_covers_each_combination_once(section: str) -> None:
    """Possible or listed as impossible: no combination is missing and none is there twice."""
    space = SECTIONS[section][1]
    assert space is not None
    covered = [r.words for r in CASES if r.section == section]
    assert sorted(covered) == sorted(product(*space))


def test_the_impossible_says_why() -> None:
    """An impossible row has a reason and expects nothing."""
    for row in ROWS:
        if row.impossible:
            assert len(row["operations"]) > len("impossible: ") + 10, str(row)
            assert (row["findings"], row["evidence"]) == ("-", "-"), str(row)


def test_the_page_is_never_read_by_the_product() -> None:
    """The program and the page are two witnesses: no module opens or quotes the page."""
    said_where = [
        path.relative_to(ROOT)
        for package in ("reconcile", "collectors", "worker")
        for path in sorted((ROOT / package).rglob("*.py"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if "decisions.md" in line and "read this beside" not in line
    ]
    assert said_where == []
