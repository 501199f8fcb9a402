"""What somebody probably meant who wrote a word that is not known; for settings and inventory."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The end of a sentence about an unknown word: the nearest known one, if one is near."""
    matches = get_close_matches(word, sorted(known), n=1)
    return f"; did you mean {matches[0]}?" if matches else "."
