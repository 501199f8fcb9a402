"""The modules of a checkout, with what the figures of the language count in them."""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from tests.structure import PACKAGES

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef
_BINDINGS: Final = (
    ast.Assign,
    ast.AnnAssign,
    ast.For,
    ast.NamedExpr,
    ast.withitem,
    ast.comprehension,
)


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a module, with what stands there."""

    path: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.text}"


class Source:
    """A module: its path in the checkout and its syntax tree."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.text = text
        self.nodes = list(ast.walk(ast.parse(text)))

    def place(self, line: int, text: str) -> Place:
        """Return a place in this module."""
        return Place(self.path, line, text)

    def classes(self) -> Iterator[ast.ClassDef]:
        """Yield the classes, nested ones included."""
        return (node for node in self.nodes if isinstance(node, ast.ClassDef))

    def docstrings(self) -> Iterator[tuple[Function | ast.ClassDef, str]]:
        """Yield each function and class that has a docstring, with the docstring."""
        for node in self.nodes:
            if isinstance(node, Function | ast.ClassDef) and (text := ast.get_docstring(node)):
                yield node, text

    def assigned_names(self) -> Iterator[ast.Name]:
        """Yield the names that assignments, loops and contexts give to values."""
        for node in self.nodes:
            if isinstance(node, _BINDINGS):
                for target in _targets(node):
                    yield from (n for n in ast.walk(target) if isinstance(n, ast.Name))

    def comment_lines(self) -> int:
        """Count the lines that hold a comment and nothing else."""
        tokens = tokenize.generate_tokens(io.StringIO(self.text).readline)
        return sum(t.type == tokenize.COMMENT and t.line.lstrip().startswith("#") for t in tokens)


def read_sources(root: Path) -> list[Source]:
    """Read the modules of the product below a checkout."""
    return [
        Source(path.relative_to(root).as_posix(), path.read_text(encoding="utf-8"))
        for package in PACKAGES
        for path in sorted((root / package).rglob("*.py"))
    ]


def _targets(node: ast.AST) -> list[ast.expr]:
    match node:
        case ast.Assign(targets=targets):
            return targets
        case ast.withitem(optional_vars=target):
            return [] if target is None else [target]
        case (
            ast.AnnAssign(target=target)
            | ast.For(target=target)
            | ast.NamedExpr(target=target)
            | ast.comprehension(target=target)
        ):
            return [target]
        case _:
            return []
