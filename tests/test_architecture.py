"""What the import contracts of pyproject.toml cannot say: the pure core, rooms, chains, bases."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.structure import Checkout, imported

_ROOT = Path(__file__).parents[1]
_CORE = _ROOT / "reconcile"
_MODULES = sorted(_CORE.rglob("*.py"))

# A value can be asked for these without an import that a contract could forbid: the clock, by the
# classes of `datetime`, and input and output, by what is built in.
_CLOCK = frozenset({"now", "today", "utcnow"})
_BUILT_IN = frozenset({"__import__", "breakpoint", "eval", "exec", "input", "open", "print"})


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


@pytest.fixture(scope="module")
def checkout() -> Checkout:
    return Checkout(_ROOT)


def test_the_packages_of_worker_are_the_rooms_of_its_import_contract(checkout: Checkout) -> None:
    """Nothing lies beside the rooms but the composition root."""
    entries = checkout.worker_entries
    assert [name for name in entries if name.endswith(".py")] == ["bootstrap.py"]
    assert len(entries) == len({e.partition(".")[0] for e in entries}) <= 20


def test_no_chain_of_imports_is_longer_than_twenty_modules(checkout: Checkout) -> None:
    assert len(checkout.longest_chain) <= 20, " > ".join(checkout.longest_chain)


def test_the_unit_of_work_has_at_most_three_bases(checkout: Checkout) -> None:
    unit, *bases = checkout.unit_of_work
    assert unit.name == "UnitOfWork"
    assert len(bases) <= 3


def test_no_class_of_the_store_is_a_bag_of_everything(checkout: Checkout) -> None:
    large = {name: n for name, n in checkout.store_methods.items() if n > 20}
    assert large == {}


def test_a_chain_and_a_base_would_be_counted(tmp_path: Path) -> None:
    files = {
        "reconcile/a.py": "",
        "collectors/b.py": "from reconcile import a\n",
        "worker/c/d.py": "import collectors.b\n",
        "worker/store/uow.py": "class Base: ...\nclass UnitOfWork(Base):\n    def go(self): ...\n",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    figures = Checkout(tmp_path).figures()
    assert (figures.chain, figures.unit_of_work_bases, figures.unit_of_work_methods) == (3, 1, 1)
    assert (figures.worker_entries, figures.code_lines) == (2, 5)
