"""What the import contracts of pyproject.toml cannot say about the pure core."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

_CORE = Path(__file__).parents[1] / "reconcile"
_MODULES = sorted(_CORE.rglob("*.py"))

# A value can be asked for these without an import that a contract could forbid: the clock, by the
# classes of `datetime`, and input and output, by what is built in.
_CLOCK = frozenset({"now", "today", "utcnow"})
_BUILT_IN = frozenset({"__import__", "breakpoint", "eval", "exec", "input", "open", "print"})


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=str(module)):
                yield module
            case _:
                pass


def impure_words(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(attr=word) if word in _CLOCK and _is_a_class_of_datetime(node.value):
                yield word
            case ast.Name(id=word, ctx=ast.Load()) if word in _BUILT_IN:
                yield word
            case _:
                pass


def _is_a_class_of_datetime(node: ast.expr) -> bool:
    return isinstance(node, ast.Name | ast.Attribute) and ast.unparse(node).split(".")[-1] in (
        "date",
        "datetime",
    )


def test_there_is_a_core_to_look_at() -> None:
    assert len(_MODULES) > 10


@pytest.mark.parametrize("path", _MODULES, ids=lambda path: path.stem)
def test_the_core_imports_the_standard_library_and_itself_only(path: Path) -> None:
    allowed = sys.stdlib_module_names | {"reconcile"}
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert [name for name in imported(tree) if name.split(".")[0] not in allowed] == []


@pytest.mark.parametrize("path", _MODULES, ids=lambda path: path.stem)
def test_the_core_asks_no_clock_and_opens_nothing(path: Path) -> None:
    assert list(impure_words(ast.parse(path.read_text(encoding="utf-8")))) == []


@pytest.mark.parametrize(
    ("source", "word"),
    [
        ("datetime.now(UTC)", "now"),
        ("datetime.datetime.utcnow()", "utcnow"),
        ("open('x')", "open"),
        ("clock = date.today", "today"),
    ],
)
def test_the_clock_and_the_file_would_be_seen(source: str, word: str) -> None:
    assert list(impure_words(ast.parse(source))) == [word]


def test_the_clock_of_the_world_is_a_value() -> None:
    assert list(impure_words(ast.parse("world.now"))) == []
