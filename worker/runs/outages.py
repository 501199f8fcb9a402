"""Servers that are down by the word of their partners: judged and written when a run closes.

A plan foresees what the close of its run would find.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from reconcile.evidence.inputs import JudgementInput
from reconcile.findings.down import CONCERNED, Down, Scene, down
from reconcile.findings.drift import whole
from reconcile.model.findings import Finding, Kind
from reconcile.model.nouns import Seen
from worker.config.run_policy import RunPolicy
from worker.model.alerts import OpenFinding
from worker.model.maintenance import paused, resting
from worker.runs.findings import Fact, keep_findings
from worker.store.repositories.findings import FindingRepository
from worker.store.unit_of_work import Transaction, UnitOfWork


def settle_outages(
    uow: UnitOfWork, run: int, about: Collection[int] | None, run_policy: RunPolicy
) -> tuple[Down, ...]:
    """Open, keep and end ``server_down`` of the servers ``about`` which the run was (None: all).

    Each one explains other problems. An unread server that the run was not about stays as it was.
    """
    # One query decides for nearly every run that nothing is down.
    problems = uow.findings.unresolved(kinds={Kind.SERVER_UNREAD, Kind.SERVER_DOWN})
    if not problems:
        return ()
    down_findings = [p for p in problems if p.finding.kind is Kind.SERVER_DOWN]
    findings = [p.finding for p in problems if _is_there(p)]
    unread = _unread(findings)
    judged = unread if about is None else unread.intersection(about)
    downs = tuple(down(_scene(uow, unread, judged, run_policy), judged)) if judged else ()
    other_texts = [
        f
        for f in findings
        if f.kind is Kind.SERVER_DOWN and (unread - judged).issuperset(f.servers)
    ]
    down_now = [d.finding for d in downs]
    life = whole([*down_now, *other_texts], (p.finding for p in down_findings))
    keep_findings(uow, Fact(run, down_now, run_policy), life, down_findings)
    _explain(uow.findings, downs, {finding.fingerprint for finding in other_texts})
    return downs


def foresee_outages(
    reading: Transaction,
    inputs: JudgementInput,
    findings: Iterable[Finding],
    about: Collection[int] | None,
    run_policy: RunPolicy,
) -> tuple[Finding, ...]:
    """Return the outages that the close of a run with these ``findings`` would find.

    A relationship that it would create is no witness yet.
    """
    stored = reading.findings.unresolved(kinds={Kind.SERVER_UNREAD, Kind.SERVER_DOWN})
    present = [problem.finding for problem in stored if _is_there(problem)]
    other_findings = (
        () if about is None else [f for f in present if set(f.servers).isdisjoint(about)]
    )
    new_findings = [f for f in findings if f.kind is not Kind.SERVER_DOWN]
    unread = _unread([*new_findings, *other_findings])
    judged = unread if about is None else unread.intersection(about)
    if not judged:
        return ()
    down_findings = (f for f in present if f.kind is Kind.SERVER_DOWN)
    scene = _scene(reading, unread, judged, run_policy)
    readings = {
        key: reading_ for key, reading_ in inputs.sightings.items() if isinstance(reading_, Seen)
    }
    scene = replace(
        scene, latest={**scene.latest, **readings}, problems=(*new_findings, *down_findings)
    )
    return tuple(outage.finding for outage in down(scene, judged))


def _unread(findings: Iterable[Finding]) -> frozenset[int]:
    return frozenset(s for f in findings if f.kind is Kind.SERVER_UNREAD for s in f.servers)


def _explain(
    findings: FindingRepository, downs: Iterable[Down], elsewhere: Collection[str]
) -> None:
    """Mark the problems that outages explain, and unmark the others.

    An outage that was not judged in this run explains what it did before.
    """
    open_now = (p for p in findings.unresolved(kinds={Kind.SERVER_DOWN}) if p.is_open)
    causes = {problem.finding.fingerprint: problem.id for problem in open_now}
    cause_before = {problem.id: problem.caused_by for problem in findings.explained()}
    kept_causes = {causes[text] for text in elsewhere if text in causes}
    cause_of = {key: cause if cause in kept_causes else None for key, cause in cause_before.items()}
    for outage in downs:
        if (cause := causes.get(outage.finding.fingerprint)) is not None:
            candidates = findings.unresolved(outage.finding.servers)
            cause_of |= {
                p.id: cause for p in candidates if p.finding.fingerprint in outage.explains
            }
    findings.set_causes(
        {key: cause for key, cause in cause_of.items() if cause_before.get(key) != cause}
    )


def _scene(
    reading: Transaction, unread: frozenset[int], judged: frozenset[int], run_policy: RunPolicy
) -> Scene:
    """Everything stored that speaks of these servers."""
    roster, windows = reading.inventory.roster(), reading.maintenance.open_windows()
    records = reading.records.load(judged)
    nearby = judged.union(*(r.partners for r in records))
    return Scene(
        servers={key: server.name for key, server in roster.servers.items()},
        names=roster.names,
        unread=unread,
        records=records,
        latest=reading.readings.latest(nearby, {}),
        problems=tuple(
            p.finding for p in reading.findings.unresolved(judged, CONCERNED) if _is_there(p)
        ),
        now=reading.now(),
        evidence_age=run_policy.rules.evidence_age,
        resting=resting(windows),
        paused=paused(windows),
    )


def _is_there(problem: OpenFinding) -> bool:
    """Not one that only flaps: that was not there when it was judged last."""
    return problem.life.absent_since is None
