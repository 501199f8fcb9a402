"""The ratchet: a figure that gets worse fails the lint."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.language.__main__ import report, worst
from tests.language.figures import Figure
from tests.language.limits import LIMITS, SHARED_CLASS_NAMES, Limit
from tests.language.source import Source

ROOT = Path(__file__).parents[2]

#: Good by every figure: a comment, a verb, nouns, one class of a name.
GOOD = '# A reason.\nclass Row:\n    """A row."""\ndef load(rows):\n    """Load rows."""\n'


@pytest.fixture(params=LIMITS, ids=lambda limit: limit.name)
def limit(request: pytest.FixtureRequest) -> Limit:
    assert isinstance(request.param, Limit)
    return request.param


def test_a_limit_lies_between_the_figure_of_the_plan_and_its_target(limit: Limit) -> None:
    if limit.at_least:
        assert limit.percent <= limit.target
    else:
        assert limit.percent >= limit.target


def test_a_figure_at_its_limit_is_good_and_one_beyond_it_is_not(limit: Limit) -> None:
    whole = replace(limit, percent=50)
    worse = 49 if limit.at_least else 51
    assert whole.allows(Figure(50, 100, ()))
    assert not whole.allows(Figure(worse, 100, ()))


def test_good_code_passes_with_one_line_for_each_figure() -> None:
    lines, good = report([Source("worker/rows.py", GOOD)])
    assert good
    assert len([line for line in lines if "target" in line]) == len(LIMITS) + 1


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ('def load():\n    """Those that wait."""\n', "a pronoun or a clause"),
        ('def load():\n    """Load; then save."""\n', "a semicolon"),
        ('def load():\n    """The rows."""\n', "begin with a verb"),
        ("told = 1\n", "without a noun"),
        ("row = 1\n", "comment lines"),
    ],
)
def test_code_that_is_worse_fails_and_the_figure_is_named(text: str, title: str) -> None:
    lines, good = report([Source("worker/rows.py", text)])
    assert not good
    assert any(line.startswith("WORSE") and title in line for line in lines)


def test_a_second_class_of_a_name_fails_at_both_places() -> None:
    lines, good = report([Source("worker/a.py", GOOD), Source("worker/b.py", GOOD)])
    assert not good
    assert [line for line in lines if line.startswith("WORSE")] == [
        "WORSE: worker/a.py:2: class Row: the name is taken",
        "WORSE: worker/b.py:2: class Row: the name is taken",
    ]


def test_a_name_that_is_unique_by_now_is_to_be_taken_off_the_list() -> None:
    lines, _ = report([Source("worker/rows.py", GOOD)])
    assert lines[-1].endswith(" ".join(sorted(SHARED_CLASS_NAMES)))


def test_the_worst_are_listed_for_a_folder_and_a_figure() -> None:
    sources = [
        Source("worker/runs/a.py", "told = 1\n"),
        Source("worker/runs_of_others/b.py", "told = 1\n"),
    ]
    assert list(worst(sources, ["worker/runs/"], "names")) == [
        "assigned names without a noun: 1 places",
        "  worker/runs/a.py:1: told",
    ]


def test_the_worst_of_everything_have_a_heading_for_each_figure() -> None:
    headings = [line for line in worst([Source("worker/a.py", GOOD)]) if not line.startswith(" ")]
    assert len(headings) == len(LIMITS) + 1


def test_lint_runs_the_ratchet() -> None:
    recipe = (
        (ROOT / "Makefile").read_text(encoding="utf-8").partition("\nlint:")[2].split("\n\n")[0]
    )
    assert "\t$(BIN)/python -m tests.language\n" in recipe + "\n"
