"""The pages for people who work on the project, and what they name: files, names of code, targets."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from textwrap import dedent
from typing import Final

from tests.language.source import read_sources

ROOT: Final = Path(__file__).parents[1]
#: Pages that name files and code. Each has to exist.
PAGES: Final = (
    ROOT / "CONTRIBUTING.md",
    ROOT / "SECURITY.md",
    ROOT / "docs/explanation/architecture.md",
    ROOT / "docs/explanation/glossary.md",
    *sorted((ROOT / "docs/explanation/adr").glob("*.md")),
)
_FENCE: Final = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)
_CODE: Final = re.compile(r"`([^`]+)`")
_PYTHON: Final = re.compile(r"^ *```python\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_LINK: Final = re.compile(r"\]\(([^)#]*)(#[^)]*)?\)")
_PACKAGES: Final = ("reconcile", "collectors", "worker", "tests", "docs", "requirements")
#: A name that the reader chooses.
_CHOSEN: Final = re.compile(r"(?<![A-Za-z])[A-Z]{3,}(?![A-Za-z]|\.md)")
_FOLDED: Final = re.compile(r"[^\w -]")


def quoted(text: str) -> Iterator[str]:
    """Yield what a page writes as code within its sentences."""
    for code in _CODE.findall(_FENCE.sub("", text)):
        yield " ".join(code.split())


def paths(text: str) -> Iterator[str]:
    """Yield the files and folders of the project that a page names.

    Capital letters stand for a name that the reader chooses. Of `worker/cli/NAME.py` the folder is
    yielded.
    """
    for code in quoted(text):
        first, slash, _ = code.partition("/")
        named = first in _PACKAGES if slash else code.endswith((".md", ".toml", ".yaml"))
        if named and " " not in code:
            yield code.rpartition("/")[0] if _CHOSEN.search(code) else code


def dotted_names(text: str) -> Iterator[str]:
    """Yield the modules, classes and functions that a page names in full."""
    for code in quoted(text):
        if re.fullmatch(r"(?:reconcile|collectors|worker|tests)(?:\.\w+)+", code):
            yield code


def names_in_examples(text: str) -> set[str]:
    """Return the names that the examples in Python use, and none of them defines."""
    used: set[str] = set()
    defined: set[str] = set()
    for fence in _PYTHON.findall(text):
        tree = ast.parse(_statement(dedent(fence)))
        names = [n for n in ast.walk(tree) if isinstance(n, ast.Name)]
        used |= {n.id for n in names if _is_read(n)}
        defined |= {n.id for n in names if not _is_read(n)}
        defined |= {a.arg for a in ast.walk(tree) if isinstance(a, ast.arg)}
        defined |= {f.name for f in ast.walk(tree) if isinstance(f, ast.FunctionDef)}
    return used - defined - vars(builtins).keys()


def _is_read(name: ast.Name) -> bool:
    return isinstance(name.ctx, ast.Load)


def _statement(example: str) -> str:
    """Return an example that is an entry of a dictionary as a statement."""
    return f"{{{example}}}" if example.startswith('"') else example


def product_names(root: Path) -> set[str]:
    """Return every name that the product imports, assigns or defines in a module."""
    found: set[str] = set()
    for source in read_sources(root):
        for node in source.nodes:
            match node:
                case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.alias(name=name):
                    found.add(name)
                case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
                    found.add(name)
                case _:
                    pass
    return found


def make_targets(text: str) -> Iterator[str]:
    """Yield the targets that a page has people make."""
    for line in (
        *quoted(text),
        *(line for fence in _FENCE.findall(text) for line in fence.split("\n")),
    ):
        if match := re.match(r" *make ([a-z][a-z-]*)", line):
            yield match[1]


def links(text: str) -> Iterator[tuple[str, str]]:
    """Yield (file, anchor) of every link within the project."""
    for target, anchor in _LINK.findall(_FENCE.sub("", text)):
        if not re.match(r"[a-z]+:", target):
            yield target, anchor.removeprefix("#")


def anchors(text: str) -> set[str]:
    """Return the anchors of the headings of a page."""
    headings = re.findall(r"^#+ (.*)$", _FENCE.sub("", text), flags=re.MULTILINE)
    return {_FOLDED.sub("", heading.lower()).replace(" ", "-") for heading in headings}


def resolves(name: str) -> bool:
    """Return whether a dotted name is a module, or something in one."""
    parts = name.split(".")
    for count in range(len(parts), 0, -1):
        try:
            found: object = import_module(".".join(parts[:count]))
        except ModuleNotFoundError:
            continue
        for part in parts[count:]:
            if not hasattr(found, part):
                return False
            found = getattr(found, part)
        return True
    return False
