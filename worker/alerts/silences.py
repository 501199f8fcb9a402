"""Which silence keeps something quiet: pure, for whoever tells and whoever shows."""

from __future__ import annotations

from collections.abc import Iterable

from worker.alerts.rules import Match, Matched
from worker.model.alerts import Silence


def silenced_by(told: Matched, silences: Iterable[Silence]) -> Silence | None:
    """The one of these that lasts longest, of those that fit."""
    fitting = (s for s in silences if fits(s, told))
    return max(fitting, key=lambda s: s.ends_at, default=None)


def fits(silence: Silence, told: Matched) -> bool:
    """Return whether a silence is about this. The store knows when it is in force."""
    match = Match(
        kind=frozenset() if silence.kind is None else frozenset({silence.kind}),
        matter=frozenset() if silence.matter is None else frozenset({silence.matter}),
        server=silence.server,
        relationship=silence.relationship,
        tag=silence.tag,
    )
    return match.fits(told)
