"""How a sentence spells what each side reports."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeAlias

from reconcile.model.finding_words import NOTHING, SILENT, TELLS, TELLS_NOT, Why
from reconcile.model.formatting import span
from reconcile.remedies.powershell import duration_of

#: (server, what it reports), for each side.
Reports: TypeAlias = Sequence[tuple[str, str]]

#: Stored words of findings, as a sentence spells them.
_SPELLED: Final = {
    TELLS: "has it",
    TELLS_NOT: "does not have it",
    NOTHING: "reports none (unconfirmed)",
    Why.ELSEWHERE.value: "reports it with another partner",
}
_PLACES: Final = {TELLS: "on", TELLS_NOT: "missing on", SILENT: "not read on"}


def joined(reports: Reports) -> str:
    """Spell whether each side has the relationship: ``a has it, b was read without it``."""
    return ", ".join(f"{server} {_SPELLED.get(word, word)}" for server, word in reports)


def placed(reports: Reports) -> str:
    """Spell where a scope is: ``on a, missing on b``."""
    return ", ".join(
        f"{_PLACES[word]} {server}" if word in _PLACES else f"{server} {_SPELLED.get(word, word)}"
        for server, word in reports
    )


def differing(subject: str, reports: Reports) -> str:
    """Spell the values of a property: ``MCLT is 1 h on a, 30 min on b``."""
    values = ", ".join(f"{readable(value)} on {server}" for server, value in reports)
    return f"{subject} is {values}"


def readable(value: str) -> str:
    """Spell a duration in hours and minutes, and leave any other value as it is."""
    duration = duration_of(value)
    return value if duration is None else span(duration)
