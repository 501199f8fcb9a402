"""What histories exercise, read off what they leave: a share of them must have each of these."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

from tests.worker.runs.natural_dump import Dump

#: By name: the section of a dump, and what one of its lines matches.
_LEFT_BEHIND: Final = {
    "breaker opened": ("due", r": ([3-9]) failures"),
    "skipped in maintenance": ("sightings", "'maintenance'"),
    "server not read": ("sightings", "'unreachable'"),
    "operation held by the removal limit": ("entries", "'hold': 'guard'"),
    "operation held for one witness": ("entries", "'hold': 'one_witness'"),
    "removal limit exceeded": ("runs", "'refused': '"),
    "delete applied by policy": (
        "entries",
        r"^FailoverDelete.*'applied'.*'decided_by': 'ipam-sync'",
    ),
    "scopes removed by policy": (
        "entries",
        r"^FailoverRemoveScopes.*'applied'.*'decided_by': 'ipam-sync'",
    ),
    "applied by a person": ("entries", "'status': 'applied'.*'decided_by': 'ada'"),
    "rejected by a person": ("entries", "'status': 'rejected'"),
    "superseded": ("entries", "'status': 'superseded'"),
    "move": ("findings", "^blocked"),
    "contested create": ("entries", r"^FailoverCreate.*} \[\"\["),
    "partners disagree": ("findings", "^partner_mismatch"),
    "scope on one partner": ("findings", "^scope_one_sided"),
    "relationship on one partner": ("findings", "^one_sided"),
    "absence not proven": ("findings", "^absence_unverified"),
    "sudden emptiness": ("findings", "^empty_read_unconfirmed"),
    "name nobody knows": ("findings", "^unmapped_name"),
    "state not normal": ("findings", "^state_not_normal"),
    "server down": ("findings", "^server_down"),
    "problem resolved": ("findings", "'resolved': True"),
    "server disabled": ("servers", " disabled "),
    "server retired": ("servers", " retired "),
    "alias by a person": ("servers", r"\(person0\)"),
    "relationship paused": ("runs", "'paused': [1-9]"),
    "run by the schedule": ("runs", ": schedule "),
    "run about a server": ("runs", ": cli server "),
    "run about a relationship": ("runs", ": cli relationship "),
}
#: What happens to readings and messages, see ``doors``.
_HAPPENED: Final = ("lost", "doubled", "late", "swept", "second reading", "changed second reading")


class Coverage:
    """How many histories exercise what."""

    def __init__(self) -> None:
        self.histories = 0
        self.counts: Counter[str] = Counter()

    def add(self, dump: Dump, happened: Counter[str]) -> None:
        """Count a history by what it left in the store, and by what happened in it."""
        self.histories += 1
        self.counts.update(_marks(dump, happened))

    def shares(self) -> dict[str, float]:
        """Return the share of histories by what they exercise, the rarest first."""
        names = sorted((*_LEFT_BEHIND, *_HAPPENED), key=lambda name: self.counts[name])
        return {name: self.counts[name] / max(1, self.histories) for name in names}


def _marks(dump: Dump, happened: Counter[str]) -> Iterator[str]:
    for name, (section, pattern) in _LEFT_BEHIND.items():
        if any(re.search(pattern, line) for line in dump[section]):
            yield name
    yield from (name for name in _HAPPENED if happened[name])
