"""Loading the world that a judgement rests on, and reading servers for a plan."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from collectors.base import Collector
from reconcile.evidence.impostors import genuine
from reconcile.evidence.inputs import JudgementInput
from reconcile.evidence.machines import duplicates
from reconcile.evidence.witness import neighbours
from reconcile.findings.servers import self_names
from reconcile.model.findings import Finding
from reconcile.model.names import NameMap
from reconcile.model.nouns import Seen, Server, Sighting, Skipped, SkipReason, Standing
from reconcile.model.record import Record
from worker.config.run_policy import RunPolicy
from worker.model.alerts import OpenFinding
from worker.model.maintenance import paused, resting
from worker.model.roster import Roster
from worker.model.runs import RunScope
from worker.runs.concurrency import DatabaseClock
from worker.runs.targets import Target
from worker.store.repositories.records import RecordRepository
from worker.store.unit_of_work import Store, Transaction


def read_servers(store: Store, collector: Collector, target: Target) -> dict[int, Sighting]:
    """Ask the members of a run, then the partners its targets tell (not their partners).

    No transaction is open while a server is being read.
    """
    with store.read() as reading:
        roster = reading.inventory.roster()
    servers = roster.servers
    members = [servers[m] for m in sorted(target.members) if m in servers]
    sightings = take_readings(store, collector, target, members)
    if target.servers is not None:
        target_sightings = [s for server, s in sightings.items() if server in target.servers]
        new = neighbours(with_learned_names(roster, sightings), target_sightings) - sightings.keys()
        missing = [servers[n] for n in sorted(new) if servers[n].standing is Standing.ENABLED]
        sightings |= take_readings(store, collector, target, missing)
    return sightings


def take_readings(
    store: Store, collector: Collector, target: Target, servers: list[Server]
) -> dict[int, Sighting]:
    """Read these servers. Each reading is dated by the database clock before it begins.

    Servers in maintenance are left out, unless a person named them.
    """
    clock = DatabaseClock(store)
    with store.read() as reading:
        names = reading.inventory.roster().names
        left_out = (
            resting(reading.maintenance.open_windows())
            - RunScope(target.servers, target.only).named
        )
    readable = {s.id: s for s in servers if s.id not in left_out}
    sightings: dict[int, Sighting] = {
        server: Skipped(server, SkipReason.MAINTENANCE)
        for server in collector.offers(s for s in servers if s.id in left_out)
    }
    for sighting in collector.look(readable.values(), clock):
        name = readable[sighting.server].name
        sightings[sighting.server] = genuine(sighting, names, name)
    return sightings


@dataclass(frozen=True, slots=True)
class Piece:
    """A batch of a run in progress: ``focus`` is judged now, the ``awaited`` later.

    See ``JudgementInput``. The run's own sightings are recorded already, so they are no earlier
    readings.
    """

    run: int
    focus: frozenset[int]
    awaited: frozenset[int]


def load_inputs(
    reading: Transaction,
    sightings: Mapping[int, Sighting],
    target: Target,
    run_policy: RunPolicy,
    piece: Piece | None = None,
) -> JudgementInput:
    """Load the stored values for a judgement, limited to the servers of the sightings."""
    roster = reading.inventory.roster()
    sightings = {k: s for k, s in sightings.items() if k in roster.servers}
    names = with_learned_names(roster, sightings)
    is_about_all = target.servers is None and piece is None
    judged = sightings.keys() | (_retired(roster) if is_about_all else set())
    records = (
        reading.records.load(judged)
        if piece is None
        else _records_near(reading.records, piece, judged)
    )
    nearby = judged | neighbours(names, _whose_partners_count(sightings, piece))
    nearby = nearby.union(*(r.partners for r in records))
    # Awaited servers are judged later, with a reading of this run instead of an earlier one.
    if piece is not None:
        nearby -= piece.awaited
    return JudgementInput(
        servers=roster.servers,
        names=names,
        names_before=roster.names,
        machines=roster.machines,
        sightings=sightings,
        previous=reading.readings.latest(
            nearby, sightings, besides=None if piece is None else piece.run
        ),
        records=records,
        now=reading.now(),
        entries=reading.operations.in_force(nearby),
        open_findings=_there(reading.findings.unresolved(None if is_about_all else nearby)),
        watches=reading.watches.since(nearby),
        rules=run_policy.rules,
        targets=target.servers,
        only=target.only,
        suspended=tuple(v.credential.name for v in reading.credentials.views() if v.suspended_at),
        focus=None if piece is None else piece.focus,
        awaited=frozenset() if piece is None else piece.awaited,
        paused=paused(reading.maintenance.open_windows()),
        rested=reading.maintenance.last_ends(
            [k for k, s in sightings.items() if not isinstance(s, Seen)]
        ),
    )


def _there(problems: Iterable[OpenFinding]) -> tuple[Finding, ...]:
    """Return the findings that their latest judgement found. A flapping one is open for longer."""
    return tuple(p.finding for p in problems if p.life.absent_since is None)


def _retired(known: Roster) -> set[int]:
    return {s.id for s in known.servers.values() if s.standing is Standing.RETIRED}


def _whose_partners_count(
    sightings: Mapping[int, Sighting], piece: Piece | None
) -> Iterable[Sighting]:
    """Partners of mere witnesses have to do with it only when everybody is heard."""
    if piece is None or not piece.awaited:
        return sightings.values()
    return (sightings[server] for server in piece.focus & sightings.keys())


def _records_near(
    records: RecordRepository, piece: Piece, heard: Collection[int]
) -> tuple[Record, ...]:
    """Return the records of the focus, and half-mapped ones that may be of the same pair."""
    own_records = {r.key: r for r in records.load(piece.focus)}
    halves = {r.key: r for r in records.half_mapped(heard)}
    return tuple(record for _, record in sorted({**halves, **own_records}.items()))


def with_learned_names(known: Roster, sightings: Mapping[int, Sighting]) -> NameMap:
    """All names, with those and the addresses that servers gave themselves in these sightings.

    A machine with several names in the inventory gives its own to the one that speaks for it.
    """
    learned = {
        server: names
        for server, sighting in sightings.items()
        if server in known.servers and (names := new_names(known.servers[server], sighting))
    }
    if not learned:
        return known.names
    doubles = duplicates(known.servers, known.machines, sightings)
    return known.names.taught({s: names for s, names in learned.items() if s not in doubles})


def new_names(server: Server, sighting: Sighting | None) -> tuple[str, ...]:
    """Return the names that a server reports of itself and the database does not have yet."""
    if not isinstance(sighting, Seen):
        return ()
    have = {a.text for a in server.aliases} | {server.name, *server.addresses}
    return tuple(sorted(self_names(sighting) - have))
