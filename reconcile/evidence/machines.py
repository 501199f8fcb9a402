"""The machines behind the servers' names: which names are one machine, and which one speaks for it.

Rule R1: a server is known by its machine id.  Exports do not say one, so nothing follows from them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from reconcile.model.names import fold
from reconcile.model.nouns import Seen, Server, Sighting, Standing


def by_machine(servers: Iterable[Server]) -> Mapping[str, frozenset[int]]:
    """Return the enabled servers by the machine id that is remembered for each."""
    machines: defaultdict[str, set[int]] = defaultdict(set)
    for server in servers:
        if server.machine_id is not None and server.standing is Standing.ENABLED:
            machines[server.machine_id].add(server.id)
    return {machine: frozenset(same) for machine, same in machines.items()}


def duplicates(
    servers: Mapping[int, Server],
    machines: Mapping[str, frozenset[int]],
    sightings: Mapping[int, Sighting],
) -> Mapping[int, int]:
    """Servers that are no witnesses in this run, with the one that speaks for their machine.

    That is the one whose name in the inventory is what the machine calls itself, else the lowest,
    whoever of them was read: it must not change with whoever is down.  ``machines`` are those of
    ``by_machine``.
    """
    machine_of = _machines(sightings)
    of_machine: defaultdict[str, set[int]] = defaultdict(set)
    for server, machine in machine_of.items():
        server_entry = servers.get(server)
        if server_entry is not None and server_entry.standing is Standing.ENABLED:
            of_machine[machine].add(server)
    doubles: dict[int, int] = {}
    for machine, readers in of_machine.items():
        namesakes = readers | {
            s for s in machines.get(machine, ()) if machine_of.get(s, machine) == machine
        }
        if len(namesakes) > 1:
            own_names = _own_names(sightings, readers)
            speaker = min(namesakes, key=lambda s: (fold(servers[s].name) not in own_names, s))
            doubles |= {s: speaker for s in readers if s != speaker}
    return doubles


def machine_of(seen: Seen) -> str | None:
    """Return the machine id that a server reported, if any."""
    return None if seen.identity is None else seen.identity.machine_id


def _machines(sightings: Mapping[int, Sighting]) -> dict[int, str]:
    """Return the machine ids that this run read, by server."""
    readings = (s for s in sightings.values() if isinstance(s, Seen))
    return {s.server: machine for s in readings if (machine := machine_of(s)) is not None}


def _own_names(sightings: Mapping[int, Sighting], servers: Iterable[int]) -> frozenset[str]:
    """Return the names that the machine behind these servers gives itself."""
    read = (sightings[server] for server in servers)
    identities = [s.identity for s in read if isinstance(s, Seen) and s.identity is not None]
    return frozenset(
        fold(n) for identity in identities for n in (identity.dns_name, identity.computer_name) if n
    )
