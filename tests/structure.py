"""Figures of a checkout's structure: rooms, import chains, the unit of work, lines of code.

    python -m tests.structure [CHECKOUT]

Everything is read from the syntax trees, so an older checkout is measured in the same way.
"""

from __future__ import annotations

import ast
import io
import json
import sys
import tokenize
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

PACKAGES: Final = ("reconcile", "collectors", "worker")
#: What the unit of work was called before it had repositories, too.
_UNITS_OF_WORK: Final = ("UnitOfWork", "SqlUnitOfWork")
_NO_CODE: Final = frozenset(
    {
        tokenize.COMMENT,
        tokenize.NL,
        tokenize.NEWLINE,
        tokenize.INDENT,
        tokenize.DEDENT,
        tokenize.ENCODING,
        tokenize.ENDMARKER,
    }
)
_DOCUMENTED: Final = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of a checkout.

    ``arrows`` count the pairs of rooms of which one imports the other. ``chain`` is the number of
    modules in the longest chain of imports. ``unit_of_work_bases`` count without ``object``.
    """

    worker_entries: int
    rooms: int
    arrows: int
    chain: int
    unit_of_work_bases: int
    unit_of_work_methods: int
    largest_store_class_methods: int
    code_lines: int


class Checkout:
    """The product modules of a directory, by dotted name."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.trees: Mapping[str, ast.Module] = {
            _module(path.relative_to(root)): ast.parse(path.read_text(encoding="utf-8"))
            for path in self._paths()
        }

    def _paths(self) -> list[Path]:
        return [p for package in PACKAGES for p in sorted((self._root / package).rglob("*.py"))]

    def figures(self) -> Figures:
        """Measure everything."""
        classes = self.unit_of_work
        return Figures(
            worker_entries=len(self.worker_entries),
            rooms=len({room(module) for module in self.trees}),
            arrows=len(self.arrows),
            chain=len(self.longest_chain),
            unit_of_work_bases=len(classes) - 1,
            unit_of_work_methods=len({name for c in classes for name in _public_methods(c)}),
            largest_store_class_methods=max(self.store_methods.values(), default=0),
            code_lines=sum(code_lines(p.read_text(encoding="utf-8")) for p in self._paths()),
        )

    @property
    def worker_entries(self) -> list[str]:
        """Return what ``ls worker`` shows of the product, in its order."""
        entries = (path.name for path in (self._root / "worker").iterdir())
        return sorted(name for name in entries if not name.startswith(("__", "Dockerfile")))

    @cached_property
    def imports(self) -> Mapping[str, frozenset[str]]:
        """Return which product modules each module imports."""
        return {
            module: frozenset(
                target
                for name in imported(tree)
                if (target := self._nearest(name)) is not None and target != module
            )
            for module, tree in self.trees.items()
        }

    def _nearest(self, name: str) -> str | None:
        """Return the module of a dotted name, which may be that of something in a module."""
        while name and name not in self.trees:
            name = name.rpartition(".")[0]
        return name or None

    @cached_property
    def arrows(self) -> frozenset[tuple[str, str]]:
        """Return (room, imported room)."""
        between = (
            (room(module), room(target))
            for module, targets in self.imports.items()
            for target in targets
        )
        return frozenset((one, other) for one, other in between if one != other)

    @cached_property
    def longest_chain(self) -> tuple[str, ...]:
        """Return the longest chain of imports. A module in a circle counts once."""
        chains: dict[str, tuple[str, ...]] = {}

        def chain(module: str, above: frozenset[str]) -> tuple[str, ...]:
            if module not in chains:
                below = self.imports[module] - above - {module}
                tails = (chain(m, above | {module}) for m in sorted(below))
                chains[module] = (module, *max(tails, key=len, default=()))
            return chains[module]

        return max((chain(m, frozenset()) for m in sorted(self.trees)), key=len)

    @property
    def store_methods(self) -> Mapping[str, int]:
        """Return how many public methods each class of the store has by itself."""
        return {name: len(set(_public_methods(c))) for name, c in self._classes.items()}

    @cached_property
    def _classes(self) -> Mapping[str, ast.ClassDef]:
        return {
            node.name: node
            for module, tree in self.trees.items()
            if module.startswith("worker.store")
            for node in tree.body
            if isinstance(node, ast.ClassDef)
        }

    @cached_property
    def unit_of_work(self) -> tuple[ast.ClassDef, ...]:
        """Return the class of the unit of work and all its bases."""
        name = next(name for name in reversed(_UNITS_OF_WORK) if name in self._classes)
        found: dict[str, ast.ClassDef] = {}
        waiting = [name]
        while waiting:
            name = waiting.pop()
            if name in self._classes and name not in found:
                found[name] = self._classes[name]
                waiting += [ast.unparse(base) for base in found[name].bases]
        return tuple(found.values())


def room(module: str) -> str:
    """Return the room of a module: the package and the folder below it."""
    parts = module.split(".")
    return ".".join(parts[:2]) if len(parts) > 2 or parts[0] == "worker" else parts[0]


def imported(tree: ast.AST) -> Iterator[str]:
    """Yield the dotted names that a module imports."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=str(module), names=names):
                yield from (f"{module}.{alias.name}" for alias in names)
            case _:
                pass


def _module(path: Path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def _public_methods(class_: ast.ClassDef) -> Iterable[str]:
    return (
        node.name
        for node in class_.body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
    )


def code_lines(text: str) -> int:
    """Count the lines of a module that hold code: no comment, no docstring, no blank line."""
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in _NO_CODE:
            lines.update(range(token.start[0], token.end[0] + 1))
    return len(lines - _docstring_lines(ast.parse(text)))


def _docstring_lines(tree: ast.Module) -> set[int]:
    lines: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, _DOCUMENTED) and (ast.get_docstring(node) is not None):
            first = node.body[0]
            lines.update(range(first.lineno, (first.end_lineno or first.lineno) + 1))
    return lines


def main() -> None:
    """Print the figures of a checkout as JSON."""
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path()
    sys.stdout.write(json.dumps(asdict(Checkout(root).figures()), indent=2) + "\n")


if __name__ == "__main__":
    main()
