"""Writing down the life of problems, and what is to be told of them, in the transaction of the fact."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from reconcile.findings.life import Drift, begin, go_on
from reconcile.findings.subjects import in_ipam
from reconcile.kinds.severity import severity
from reconcile.kinds.table import AT_CLOSE
from reconcile.model.findings import Event, Finding, Severity
from reconcile.model.nouns import Evidence, Seen, Sighting
from reconcile.model.record import Record
from worker.config.run_policy import RunPolicy
from worker.model.alerts import NewEvent, OpenFinding, Snapshot
from worker.store.unit_of_work import UnitOfWork

#: What is told waits so long at most for its run to close, which may find a cause of it.
_AT_MOST: Final = timedelta(minutes=2)
#: Critical problems do not wait for a slow run to close.
_CRITICAL_AT_MOST: Final = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Fact:
    """The evidence of a run: the ``present`` problems, their witnesses, and the records."""

    run: int
    present: Collection[Finding]
    run_policy: RunPolicy
    sightings: Mapping[int, Sighting] = field(default_factory=dict)
    records: Iterable[Record] = ()


def keep_findings(uow: UnitOfWork, fact: Fact, life: Drift, known: Collection[OpenFinding]) -> None:
    """Write the life of problems. A problem that persists unchanged is not touched (R10)."""
    current_time = uow.now()
    ids = {p.finding.fingerprint: p.id for p in known}
    earlier_openings = (
        uow.findings.openings({f.fingerprint for f in life.opened}) if life.opened else {}
    )
    seen_at = {f.fingerprint: _read_at(f, fact.sightings) or current_time for f in fact.present}
    first_steps = [
        begin(
            f,
            current_time,
            earlier_openings.get(f.fingerprint, ()),
            read_at=seen_at.get(f.fingerprint),
        )
        for f in life.opened
    ]
    lives = {p.finding.fingerprint: p.life for p in known}
    unheard = {p.finding.fingerprint for p in known if _is_unheard(p.finding, fact.sightings)}
    ended = tuple(f for f in life.resolved if f.fingerprint not in unheard)
    steps = go_on(
        replace(life, resolved=ended), seen_at, lives, current_time, fact.run_policy.patience
    )
    if first_steps:
        ids |= uow.findings.begin(fact.run, first_steps)
    if steps:
        uow.findings.save((ids[step.finding.fingerprint], step) for step in steps)
    uow.outbox.add(
        [
            _news(uow, fact, ids[step.finding.fingerprint], step.finding, step.event)
            for step in (*first_steps, *steps)
            if step.event is not None
        ]
    )


def _news(uow: UnitOfWork, fact: Fact, key: int, finding: Finding, event: Event) -> NewEvent:
    is_critical = severity(finding, fact.run_policy.severities) is Severity.CRITICAL
    return NewEvent(
        key,
        event,
        Snapshot(finding, _evidence(finding, fact.sightings), in_ipam(finding, fact.records)),
        uow.now() + (_CRITICAL_AT_MOST if is_critical else _AT_MOST),
        fact.run,
    )


def _read_at(finding: Finding, sightings: Mapping[int, Sighting]) -> datetime | None:
    """Return when the latest reading of the finding's servers began, or None without a reading."""
    read = (sightings.get(server) for server in finding.servers)
    return max((s.read_at for s in read if isinstance(s, Seen)), default=None)


def _is_unheard(finding: Finding, sightings: Mapping[int, Sighting]) -> bool:
    """True if partners were asked and none was read: what flaps is no calmer by that."""
    sightings_of = [sightings[server] for server in finding.servers if server in sightings]
    read = any(isinstance(sighting, Seen) for sighting in sightings_of)
    return finding.relationship is not None and bool(sightings_of) and not read


def _evidence(finding: Finding, sightings: Mapping[int, Sighting]) -> Evidence:
    """Return how many of the finding's servers were read.

    Findings of the store itself are certain.
    """
    if finding.kind in AT_CLOSE:
        return Evidence.BOTH
    read = [isinstance(sightings.get(server), Seen) for server in finding.servers]
    if all(read):
        return Evidence.BOTH
    return Evidence.ONE_SIDE if any(read) else Evidence.NONE
