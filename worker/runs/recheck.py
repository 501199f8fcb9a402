"""A disagreement is looked at twice (rule R2): the partner that was read earlier, once more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from collectors.base import Collector
from reconcile.model.findings import Finding
from reconcile.model.nouns import Seen, Sighting
from reconcile.planning.doubts import doubtful
from reconcile.planning.plan import Plan, draft
from worker.config.run_policy import RunPolicy
from worker.runs.load import load_inputs, take_readings
from worker.runs.targets import Target
from worker.store.unit_of_work import Store

#: At most so many further readings per server and run; then the finding stands as it is.
FURTHER_READINGS = 3


@dataclass(frozen=True, slots=True)
class Looked:
    """The final sightings. ``unsettled`` are fingerprints of disagreements between readings.

    Further readings could not be brought any closer together.
    """

    sightings: Mapping[int, Sighting]
    unsettled: frozenset[str] = frozenset()


def look_twice(
    store: Store,
    collector: Collector,
    sightings: dict[int, Sighting],
    target: Target,
    run_policy: RunPolicy,
) -> Looked:
    """Read again what a new disagreement or removal would rest on, where that is possible."""
    if not collector.rereads:
        return Looked(sightings)
    read_again: Counter[int] = Counter()
    settled: set[str] = set()
    unsettled: set[str] = set()
    while True:
        with store.read() as reading:
            inputs = load_inputs(reading, sightings, target, run_policy)
            servers = {s.id: s for s in reading.inventory.servers()}
        drafted = draft(inputs).plan
        doubts = doubtful(drafted.findings, drafted.needs, inputs)
        doubts = tuple(d for d in doubts if d.subject not in settled)
        settled |= {d.subject for d in doubts}
        older = {d.subject: earlier(d.servers, sightings) for d in doubts}
        exhausted = {s for s in older.values() if read_again[s] >= FURTHER_READINGS}
        unsettled |= {subject for subject, server in older.items() if server in exhausted}
        rereads = sorted((set(older.values()) & servers.keys()) - exhausted)
        if not rereads:
            return Looked(sightings, frozenset(unsettled))
        read_again.update(rereads)
        new_sightings = take_readings(
            store, collector, target, [servers[server] for server in rereads]
        )
        sightings = sightings | {k: s for k, s in new_sightings.items() if isinstance(s, Seen)}


def with_distance(plan: Plan, looked: Looked) -> Plan:
    """The plan whose unsettled findings say how far apart the readings were."""
    if not looked.unsettled:
        return plan
    return replace(plan, findings=tuple(_with_distance(f, looked) for f in plan.findings))


def _with_distance(finding: Finding, looked: Looked) -> Finding:
    readings = [
        s for server in finding.servers if isinstance(s := looked.sightings.get(server), Seen)
    ]
    if finding.fingerprint not in looked.unsettled or not readings:
        return finding
    times = [s.read_at for s in readings]
    distance = (max(times) - min(times)).total_seconds()
    return replace(
        finding,
        detail=f"{finding.detail} The readings are {distance:.1f} s apart: one of the servers was "
        f"read {FURTHER_READINGS} times more in this run, and another difference came up each time.",
    )


#: Not a server: a doubt whose servers were all not read.
_NOBODY: Final = 0


def earlier(servers: frozenset[int], sightings: Mapping[int, Sighting]) -> int:
    """Return the server whose reading is older, or 0 if none of them was read."""
    readings = [s for server in servers if isinstance(s := sightings.get(server), Seen)]
    return min(readings, key=lambda s: (s.read_at, s.server)).server if readings else _NOBODY
