"""The servers of the inventory, indexed by everything that they are looked up by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from reconcile.evidence.machines import by_machine
from reconcile.model.names import NameMap
from reconcile.model.nouns import Provenance, Server


@dataclass(frozen=True, slots=True)
class Roster:
    """A version of the inventory.

    ``names`` are all names of ``servers``. ``machines`` are the servers by machine id.
    """

    servers: Mapping[int, Server]
    names: NameMap
    machines: Mapping[str, frozenset[int]]

    @staticmethod
    def of(servers: tuple[Server, ...]) -> Roster:
        """Index these servers."""
        return _indexed(servers, NameMap(servers))

    def renewed(self, servers: tuple[Server, ...]) -> Roster:
        """Index a later version of the inventory.

        The index of names is kept if servers only reported more names of their own. In a first
        run every server does, and a new index for each of them would cost more than the run.
        """
        names = _with_reported_names(self.names, tuple(self.servers.values()), servers)
        return _indexed(servers, names or NameMap(servers))


def _indexed(servers: tuple[Server, ...], names: NameMap) -> Roster:
    return Roster({s.id: s for s in servers}, names, by_machine(servers))


def _with_reported_names(
    names: NameMap, before: tuple[Server, ...], servers: tuple[Server, ...]
) -> NameMap | None:
    """Return the names with those that servers reported since, or None after another change."""
    if len(before) != len(servers):
        return None
    reported: dict[int, list[str]] = {}
    for old, new in zip(before, servers, strict=True):
        if old is new:
            continue
        added = new.aliases[len(old.aliases) :]
        known_part = replace(
            new, aliases=new.aliases[: len(old.aliases)], machine_id=old.machine_id
        )
        if known_part != old or any(alias.provenance is not Provenance.SELF for alias in added):
            return None
        reported[new.id] = [alias.text for alias in added]
    return names.taught(reported)
