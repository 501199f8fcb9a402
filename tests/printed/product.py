"""Texts and commands of the product's modules, with a mark where a value is filled in."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click

from tests.printed.sentences import resolve

ROOT: Final = Path(__file__).parent.parent.parent
_PACKAGES: Final = ("reconcile", "collectors", "worker")
_TAG: Final = re.compile(r"<[^>]*>")


def product_texts() -> Iterator[str]:
    """Yield every string of the product that is no docstring.

    A value in an f-string is shown by its source in braces.
    """
    for tree in _trees():
        yield from _texts(tree, _docstrings(tree))


def alert_templates() -> Iterator[str]:
    """Yield the texts of alerts that the product ships, without the markup of HTML."""
    for path in sorted((ROOT / "worker" / "alerts" / "templates").glob("*.*")):
        yield _TAG.sub("", path.read_text(encoding="utf-8"))


def _trees() -> Iterator[ast.Module]:
    for package in _PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield ast.parse(path.read_text(encoding="utf-8"))


def built_commands() -> Iterator[str]:
    """Yield every command that the product builds by ``ipam_sync``.

    A value is shown by what click calls it: ``ipam-sync servers show NAME``.
    """
    for tree in _trees():
        for node in ast.walk(tree):
            match node:
                case ast.Call(
                    ast.Name("ipam_sync"), [ast.Constant(str() as path), *operands], options
                ):
                    yield shlex.join(_built(path, operands, options))
                case _:
                    pass


def _built(path: str, operands: list[ast.expr], options: list[ast.keyword]) -> Iterator[str]:
    command, _ = resolve(path.split())
    yield from ("ipam-sync", *path.split())
    for option in options:
        if option.arg is not None:
            yield f"--{option.arg}"
            yield from () if _is_none(option.value) else (_value(option.value, option.arg),)
    arguments = [p.name or "" for p in command.params if isinstance(p, click.Argument)]
    for number, operand in enumerate(operands):
        yield _value(operand, arguments[min(number, len(arguments) - 1)])


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _value(node: ast.expr, name: str) -> str:
    return str(node.value) if isinstance(node, ast.Constant) else name.upper()


def _texts(node: ast.AST, left_out: frozenset[int]) -> Iterator[str]:
    match node:
        case ast.JoinedStr():
            yield "".join(_part(part) for part in node.values)
        case ast.Constant(value=str() as text) if id(node) not in left_out:
            yield text
        case _:
            for child in ast.iter_child_nodes(node):
                yield from _texts(child, left_out)


def _part(part: ast.expr) -> str:
    match part:
        case ast.Constant(value=str() as text):
            return text
        case ast.FormattedValue(value=value):
            return f"{{{ast.unparse(value)}}}"
        case _:
            raise TypeError(ast.dump(part))


def _docstrings(tree: ast.Module) -> frozenset[int]:
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
    )
