"""The servers of the inventory, by all that they are looked up by; made once for each version of it.

Every step of a run needs them: made anew each time, they would cost more than the step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from reconcile.evidence.machines import by_machine
from reconcile.model.names import NameMap
from reconcile.model.nouns import Provenance, Server


@dataclass(frozen=True, slots=True)
class Roster:
    """``names`` are all names of these servers; ``machines`` see ``reconcile.evidence.machines``."""

    servers: Mapping[int, Server]
    names: NameMap
    machines: Mapping[str, frozenset[int]]


class _Latest:
    """The store gives the same tuple until the inventory changes."""

    def __init__(self) -> None:
        self.made: tuple[tuple[Server, ...], Roster] | None = None


_LATEST: Final = _Latest()


def roster(servers: tuple[Server, ...]) -> Roster:
    """Of these servers; for the same tuple made once."""
    made = _LATEST.made
    if made is None or made[0] is not servers:
        names = None if made is None else _taught(made[1].names, made[0], servers)
        made = (
            servers,
            Roster({s.id: s for s in servers}, names or NameMap(servers), by_machine(servers)),
        )
        _LATEST.made = made
    return made[1]


def _taught(
    names: NameMap, before: tuple[Server, ...], servers: tuple[Server, ...]
) -> NameMap | None:
    """The names, if nothing but what servers say of themselves has come since; else None."""
    if len(before) != len(servers):
        return None
    changed = [(old, new) for old, new in zip(before, servers, strict=True) if old is not new]
    told: dict[int, list[str]] = {}
    for old, new in changed:
        added = new.aliases[len(old.aliases) :]
        kept = replace(new, aliases=new.aliases[: len(old.aliases)], machine_id=old.machine_id)
        if kept != old or any(alias.provenance is not Provenance.SELF for alias in added):
            return None
        told[new.id] = [alias.text for alias in added]
    return names.taught(told)
