"""The limits of the figures. A limit may only come closer to its target."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from tests.language import figures
from tests.language.figures import Figure
from tests.language.source import Source


@dataclass(frozen=True, slots=True)
class Limit:
    """How good a figure has to be today, and how good it is to become.

    ``percent`` is the most that is allowed, or the least if the target is ``at_least``. ``shortfall``
    says what the places of the figure have in common.
    """

    name: str
    title: str
    shortfall: str
    measure: Callable[[Iterable[Source]], Figure]
    percent: float
    target: float
    at_least: bool = False

    def allows(self, figure: Figure) -> bool:
        """Return whether the figure is no worse than the limit."""
        if self.at_least:
            return figure.percent >= self.percent
        return figure.percent <= self.percent


LIMITS: Final = (
    Limit(
        "pronouns",
        "docstrings that begin with a pronoun or a clause",
        "docstrings that begin with a pronoun or a clause",
        figures.pronoun_openings,
        percent=3,
        target=3,
    ),
    Limit(
        "semicolons",
        "docstrings with a semicolon in the first paragraph",
        "docstrings with a semicolon in the first paragraph",
        figures.semicolons,
        percent=2,
        target=2,
    ),
    Limit(
        "verbs",
        "function docstrings that begin with a verb",
        "function docstrings that do not begin with a verb",
        figures.verb_openings,
        percent=50,
        target=50,
        at_least=True,
    ),
    Limit(
        "names",
        "assigned names without a noun",
        "assigned names without a noun",
        figures.names_without_noun,
        percent=2,
        target=2,
    ),
    Limit(
        "comments",
        "comment lines, compared with lines of code",
        "long modules without a comment",
        figures.comment_lines,
        percent=2,
        target=2,
        at_least=True,
    ),
)

#: Class names that two classes have and that are still to be changed. This list may only shrink.
SHARED_CLASS_NAMES: Final[frozenset[str]] = frozenset()
