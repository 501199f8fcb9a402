"""The figures are counted from the code as it is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.language import figures
from tests.language.figures import Figure
from tests.language.source import Place, Source, read_sources

MODULE = '''\
"""A module; its docstring is no function's."""

# Why here: a reason.
LIMIT = 3  # a remark beside code is no line of comment


class Row:
    """What is kept; and more."""

    def store(self):
        """Store the row.

        The second paragraph may have one; nobody minds.
        """
        told = seen = self
        for sighting, _known in told:
            with seen as one, sighting:
                count = [said for said in (late := one)]


async def due():
    """Those whose turn it is."""


def silent():
    return 1
'''


@pytest.fixture
def source() -> Source:
    return Source("worker/rows.py", MODULE)


def test_docstrings_of_functions_and_classes_are_judged_by_their_opening(source: Source) -> None:
    figure = figures.pronoun_openings([source])
    assert (figure.counted, figure.total) == (2, 3)
    assert [str(p) for p in figure.places] == [
        "worker/rows.py:7: Row: What is kept; and more.",
        "worker/rows.py:21: due: Those whose turn it is.",
    ]


def test_a_semicolon_counts_in_the_first_paragraph_only(source: Source) -> None:
    figure = figures.semicolons([source])
    assert (figure.counted, figure.total) == (1, 3)
    assert figure.places == (Place("worker/rows.py", 7, "Row: What is kept; and more."),)


def test_functions_count_as_begun_by_a_verb_and_the_others_are_listed(source: Source) -> None:
    figure = figures.verb_openings([source])
    assert (figure.counted, figure.total) == (1, 2)
    assert [place.line for place in figure.places] == [21]


def test_every_way_to_give_a_name_is_counted(source: Source) -> None:
    figure = figures.names_without_noun([source])
    assert sorted(place.text for place in figure.places) == [
        "_known",
        "one",
        "said",
        "seen",
        "told",
    ]
    assert figure.total == 9


def test_lines_of_comment_are_compared_with_lines_of_code(source: Source) -> None:
    figure = figures.comment_lines([source])
    assert (figure.counted, figure.total, figure.places) == (1, 10, ())


def test_a_long_module_without_a_comment_is_listed() -> None:
    long = Source("worker/long.py", "LIMIT = 1\n" * 100)
    figure = figures.comment_lines([long])
    assert [str(p) for p in figure.places] == [
        "worker/long.py:1: 100 lines of code without a comment"
    ]


def test_a_class_name_is_shared_whatever_underscores_it_has() -> None:
    sources = [
        Source("worker/a.py", "class Row: ...\nclass Only: ...\n"),
        Source("reconcile/b.py", "def f():\n    class _Row: ...\n"),
    ]
    assert figures.shared_class_names(sources) == {
        "Row": [Place("worker/a.py", 1, "class Row"), Place("reconcile/b.py", 2, "class _Row")]
    }


def test_nothing_of_nothing_is_no_percentage() -> None:
    assert Figure(0, 0, ()).percent == 0


def test_the_sources_are_those_of_the_three_packages(tmp_path: Path) -> None:
    for name in ("worker/runs/engine.py", "reconcile/a.py", "collectors/b.py", "tests/c.py"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("", encoding="utf-8")
    found = [source.path for source in read_sources(tmp_path)]
    assert found == ["reconcile/a.py", "collectors/b.py", "worker/runs/engine.py"]
