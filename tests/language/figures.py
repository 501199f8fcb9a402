"""The figures of the language, each with the places that make it worse."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tests.language.source import Function, Place, Source
from tests.language.words import begins_with_pronoun_or_clause, begins_with_verb, has_no_noun
from tests.structure import code_lines

#: From this many lines of code on, a module without a comment is named.
_LONG_WITHOUT_COMMENT: Final = 100


@dataclass(frozen=True, slots=True)
class Figure:
    """How much of a whole was counted, and where the code falls short."""

    counted: int
    total: int
    places: tuple[Place, ...]

    @property
    def percent(self) -> float:
        """Return the counted part of the whole in percent. Nothing of nothing is nothing."""
        return 100 * self.counted / self.total if self.total else 0.0


def pronoun_openings(sources: Iterable[Source]) -> Figure:
    """Count docstrings that begin with a pronoun or a clause."""
    return _docstrings(sources, begins_with_pronoun_or_clause)


def semicolons(sources: Iterable[Source]) -> Figure:
    """Count docstrings with a semicolon in the first paragraph."""
    return _docstrings(sources, lambda text: ";" in text.split("\n\n")[0])


def verb_openings(sources: Iterable[Source]) -> Figure:
    """Count docstrings of functions that begin with a verb."""
    places: list[Place] = []
    total = 0
    for source in sources:
        for node, text in source.docstrings():
            if isinstance(node, Function):
                total += 1
                if not begins_with_verb(text):
                    places.append(_at(source, node, text))
    return Figure(total - len(places), total, tuple(places))


def names_without_noun(sources: Iterable[Source]) -> Figure:
    """Count assignments to names that say nothing about what the value is."""
    total = 0
    places: list[Place] = []
    for source in sources:
        for name in source.assigned_names():
            total += 1
            if has_no_noun(name.id):
                places.append(source.place(name.lineno, name.id))
    return Figure(len(places), total, tuple(places))


def comment_lines(sources: Iterable[Source]) -> Figure:
    """Count lines of comment, as a part of the lines of code."""
    comments = code = 0
    places: list[Place] = []
    for source in sources:
        own = source.comment_lines()
        lines = code_lines(source.text)
        comments += own
        code += lines
        if not own and lines >= _LONG_WITHOUT_COMMENT:
            places.append(source.place(1, f"{lines} lines of code without a comment"))
    return Figure(comments, code, tuple(places))


def shared_class_names(sources: Iterable[Source]) -> Mapping[str, Sequence[Place]]:
    """Return the places of each class name that more than one class has.

    An underscore in front makes no other name of it.
    """
    places: dict[str, list[Place]] = {}
    for source in sources:
        for node in source.classes():
            place = source.place(node.lineno, f"class {node.name}")
            places.setdefault(node.name.strip("_"), []).append(place)
    return {name: found for name, found in sorted(places.items()) if len(found) > 1}


def _docstrings(sources: Iterable[Source], bad: Callable[[str], bool]) -> Figure:
    rows = list(_judged(sources, bad))
    places = tuple(place for place, is_bad in rows if is_bad)
    return Figure(len(places), len(rows), places)


def _judged(sources: Iterable[Source], bad: Callable[[str], bool]) -> Iterator[tuple[Place, bool]]:
    for source in sources:
        for node, text in source.docstrings():
            yield _at(source, node, text), bad(text)


def _at(source: Source, node: Function | ast.ClassDef, docstring: str) -> Place:
    return source.place(node.lineno, f"{node.name}: {docstring.splitlines()[0]}")
