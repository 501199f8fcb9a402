"""State that modules hold: what outlives every object, and is shared by all that run in a process."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

#: Classes of libraries whose instances change, by the last part of their names.
_CONTAINERS: Final = {"Counter", "OrderedDict", "defaultdict", "deque", "dict", "list", "set"}
_LOCKS: Final = {"Condition", "ContextVar", "Event", "Lock", "Queue", "RLock", "Semaphore", "local"}
_METRICS: Final = {"CollectorRegistry", "Gauge", "Histogram", "Info", "Summary"}
_CHANGING: Final = frozenset(_CONTAINERS | _LOCKS | _METRICS)
#: Methods of containers that change them.
_ADDITIONS: Final = {"add", "append", "appendleft", "extend", "insert", "setdefault", "update"}
_REMOVALS: Final = {"clear", "discard", "pop", "popitem", "popleft", "remove"}
_CHANGES: Final = frozenset(_ADDITIONS | _REMOVALS | {"reverse", "sort"})
_CACHES: Final = frozenset({"cache", "lru_cache"})
#: Bases of values, and of command groups, which declare what the command line has.
_VALUES: Final = frozenset({"Enum", "StrEnum", "IntEnum", "NamedTuple", "Protocol", "Group"})
_FROZEN: Final = "frozen=True"


def changing_classes(trees: Iterable[ast.Module]) -> frozenset[str]:
    """Return the names of classes in these modules whose instances can change."""
    every = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    return frozenset(node.name for node in every if not _is_value(node))


def _is_value(node: ast.ClassDef) -> bool:
    """Return whether instances are values, or have no attributes that the class sets."""
    if any(_FROZEN in ast.unparse(decorator) for decorator in node.decorator_list):
        return True
    if any(_last_name(base) in _VALUES for base in node.bases):
        return True
    return not node.decorator_list and not any(
        isinstance(part, ast.Attribute)
        and isinstance(part.ctx, ast.Store)
        and isinstance(part.value, ast.Name)
        and part.value.id == "self"
        for part in ast.walk(node)
    )


def state_of(tree: ast.Module, classes: frozenset[str]) -> Iterator[str]:
    """Return the names of the state of a module, and ``global`` for each such statement.

    State is an empty container, an instance that can change (``classes`` are those of the
    product), anything that the module changes itself, and what a function caches.
    """
    bound = dict(_bound(tree.body))
    for name, value in bound.items():
        if _begins_empty(value) or _makes(value, _CHANGING | classes):
            yield name
    for node in ast.walk(tree):
        if isinstance(node, ast.Global):
            yield "global"
        elif isinstance(node, ast.FunctionDef) and any(map(_is_cache, node.decorator_list)):
            yield node.name
        elif (changed := _changed(node)) in bound:
            yield changed


def _bound(body: Iterable[ast.stmt]) -> Iterator[tuple[str, ast.expr]]:
    for node in body:
        match node:
            case ast.Assign(targets=targets, value=value):
                yield from ((t.id, value) for t in targets if isinstance(t, ast.Name))
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                yield name, value
            case ast.If(test=test) if "__name__" in ast.unparse(test):
                pass  # the program itself, which nobody imports
            case ast.If() | ast.Try() | ast.With():
                yield from _bound(n for n in ast.iter_child_nodes(node) if isinstance(n, ast.stmt))
            case _:
                pass


def _begins_empty(value: ast.expr) -> bool:
    return (isinstance(value, ast.Dict) and not value.keys) or (
        isinstance(value, ast.List) and not value.elts
    )


def _makes(value: ast.expr, classes: frozenset[str]) -> bool:
    return isinstance(value, ast.Call) and _last_name(value.func) in classes


def _is_cache(decorator: ast.expr) -> bool:
    return _last_name(decorator.func if isinstance(decorator, ast.Call) else decorator) in _CACHES


def _changed(node: ast.AST) -> str:
    """Return the name whose object a node changes, or nothing."""
    match node:
        case ast.Subscript(value=ast.Name(id=name), ctx=ast.Store() | ast.Del()):
            return name
        case ast.Attribute(value=ast.Name(id=name), ctx=ast.Store() | ast.Del()):
            return name
        case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr=act)) if act in _CHANGES:
            return name
        case _:
            return ""


def _last_name(node: ast.expr) -> str:
    if isinstance(node, ast.Subscript):  # of a generic class
        return _last_name(node.value)
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def states(root: Path, packages: Iterable[str]) -> Mapping[str, frozenset[str]]:
    """Return the state that modules of these packages hold, by the path of the module."""
    paths = sorted(path for package in packages for path in (root / package).rglob("*.py"))
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in paths}
    classes = changing_classes(trees.values())
    found = {
        path.relative_to(root).as_posix(): frozenset(state_of(tree, classes))
        for path, tree in trees.items()
    }
    return {path: names for path, names in found.items() if names}
