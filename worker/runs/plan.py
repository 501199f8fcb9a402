"""The plan that a run would record, with the guard's decision on it."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from collectors.base import Collector
from reconcile.evidence.inputs import JudgementInput
from reconcile.findings.drift import drift
from reconcile.model.findings import Kind
from reconcile.model.record import Hold
from reconcile.planning.guard import Counts, Ledger, guard, refused_finding, still_held, taken
from reconcile.planning.plan import Plan, complete, draft
from reconcile.planning.tracker import NeededOperation
from worker.config.run_policy import RunPolicy
from worker.model.run_report import OperationLine, Preview, fate
from worker.operations.freshness import ages
from worker.runs.load import load_inputs, read_servers
from worker.runs.outages import foresee_outages
from worker.runs.recheck import look_twice, with_distance
from worker.runs.record import concerned
from worker.runs.targets import RunRequest, find_target
from worker.store.unit_of_work import Store, Transaction

#: A plan says anew whether they are there.
_JUDGED_HERE: Final = {Kind.PLAN_REFUSED, Kind.SERVER_DOWN}


def plan(store: Store, collector: Collector, request: RunRequest, run_policy: RunPolicy) -> Preview:
    """Return what a run would record now. Nothing is written."""
    with store.read() as reading:
        target = find_target(reading, request)
    sightings = read_servers(store, collector, target)
    reread = look_twice(store, collector, sightings, target, run_policy)
    with store.read() as reading:
        inputs = load_inputs(reading, reread.sightings, target, run_policy)
        drafted = draft(inputs)
        planned = complete(drafted, reading.records.holders(drafted.takes))
        return _preview(reading, inputs, with_distance(planned, reread), run_policy)


def _preview(
    reading: Transaction, inputs: JudgementInput, plan: Plan, run_policy: RunPolicy
) -> Preview:
    """Return what is needed now, recorded already or not, and the findings of now."""
    ledger = reading.operations.ledger()
    refusal = guard(_with_needs(ledger, inputs, plan), run_policy.limits)
    needs = [_held(n) if refusal is not None else n for n in plan.needs]
    held = [n.planned for n in plan.needs if n.planned.hold is Hold.GUARD]
    refusal = refusal or still_held(ledger, held, run_policy.limits)
    lines = tuple(
        OperationLine(
            n.planned,
            fate(n.planned, applied=False, recorded=n.entry is not None),
            n.entry,
            n.entry is None,
        )
        for n in needs
    )
    refused = () if refusal is None else (refused_finding(refusal),)
    open_findings = [f for f in inputs.open_findings if f.kind not in _JUDGED_HERE]
    life = drift((*plan.findings, *refused), open_findings, plan.judged)
    downs = foresee_outages(reading, inputs, life.now, concerned(inputs), run_policy)
    findings = tuple(sorted((*life.now, *downs), key=lambda f: f.fingerprint))
    return Preview(
        sightings=inputs.sightings,
        pairs=sum(map(len, plan.judged.pairs.values())),
        lines=lines,
        findings=findings,
        refusal=refusal,
        overtaken=len(plan.overtaken),
        names={s.id: s.name for s in inputs.servers.values()},
        paused=plan.paused,
        ages=ages(reading, findings),
    )


def _with_needs(ledger: Ledger, inputs: JudgementInput, plan: Plan) -> Ledger:
    """Return the ledger as it would be if the plan were recorded."""
    new = sum((taken(p) for p in plan.new), Counts())
    withdrawn = set(plan.superseded)
    withdrawn_counts = sum(
        (taken(e.planned) for e in inputs.entries if e.number in withdrawn), Counts()
    )
    return replace(ledger, pending=ledger.pending - withdrawn_counts + new)


def _held(need: NeededOperation) -> NeededOperation:
    if not need.planned.destructive or need.planned.hold is not Hold.NONE:
        return need
    return replace(need, planned=replace(need.planned, hold=Hold.GUARD))
