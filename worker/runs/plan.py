"""The plan that ``sync`` would record, with the guard's word on it; writes nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from reconcile.evidence.world import World
from reconcile.findings.drift import drift
from reconcile.model.findings import Finding, Kind
from reconcile.model.formatting import listed
from reconcile.model.record import Hold
from reconcile.planning.guard import Counts, Refusal, guard, still_held, taken
from reconcile.planning.plan import Plan
from reconcile.planning.tracker import Need
from worker.config.run_policy import Conduct
from worker.model.run_report import Line, Preview, fate
from worker.model.runs import Ledger
from worker.operations.freshness import ages
from worker.runs.outages import foresee_outages
from worker.runs.record import concerned
from worker.store.protocols.unit_of_work import Reading

#: A plan says anew whether they are there.
_JUDGED_HERE: Final = {Kind.PLAN_REFUSED, Kind.SERVER_DOWN}


def preview(reading: Reading, world: World, plan: Plan, conduct: Conduct) -> Preview:
    """What is needed now, recorded already or not, and everything that is true now."""
    refusal = _refusal(reading.ledger(), world, plan, conduct)
    needs = [_held(n) if refusal is not None else n for n in plan.needs]
    refusal = refusal or _earlier_refusal(reading.ledger(), plan, conduct)
    lines = tuple(
        Line(
            n.planned,
            fate(n.planned, applied=False, recorded=n.entry is not None),
            n.entry,
            n.entry is None,
        )
        for n in needs
    )
    refused = () if refusal is None else (refused_finding(refusal),)
    before = [f for f in world.open_findings if f.kind not in _JUDGED_HERE]
    life = drift((*plan.findings, *refused), before, plan.judged)
    downs = foresee_outages(reading, world, life.now, concerned(world), conduct)
    findings = tuple(sorted((*life.now, *downs), key=lambda f: f.fingerprint))
    return Preview(
        sightings=world.sightings,
        pairs=sum(map(len, plan.judged.pairs.values())),
        lines=lines,
        findings=findings,
        refusal=refusal,
        overtaken=len(plan.overtaken),
        names={s.id: s.name for s in world.servers.values()},
        paused=plan.paused,
        ages=ages(reading, findings),
    )


def _refusal(ledger: Ledger, world: World, plan: Plan, conduct: Conduct) -> Refusal | None:
    new = sum((taken(p) for p in plan.new), Counts())
    withdrawn = set(plan.superseded)
    gone = sum((taken(e.planned) for e in world.entries if e.number in withdrawn), Counts())
    pending = Counts(ledger.pending_relationships, ledger.pending_scopes)
    return guard(
        Counts(ledger.relationships, ledger.scope_memberships),
        Counts(ledger.applied_relationships, ledger.applied_scopes),
        pending - gone + new,
        conduct.limits,
    )


def _earlier_refusal(ledger: Ledger, plan: Plan, conduct: Conduct) -> Refusal | None:
    held = [n.planned for n in plan.needs if n.planned.hold is Hold.GUARD]
    if not held:
        return None
    return still_held(
        Counts(ledger.relationships, ledger.scope_memberships),
        Counts(ledger.applied_relationships, ledger.applied_scopes),
        sum(map(taken, held), Counts()),
        conduct.limits,
    )


def _held(need: Need) -> Need:
    if not need.planned.destructive or need.planned.hold is not Hold.NONE:
        return need
    return replace(need, planned=replace(need.planned, hold=Hold.GUARD))


def refused_finding(refusal: Refusal) -> Finding:
    """The finding about a plan that refused itself; its subject is the store as a whole."""
    wanted = (
        ("relationships", str(refusal.wanted.relationships)),
        ("scope memberships", str(refusal.wanted.scopes)),
    )
    return Finding(
        Kind.PLAN_REFUSED,
        None,
        (),
        f"{refusal.why[:1].upper()}{refusal.why[1:]}; all removals are held: "
        f"{listed(f'{what}: {n}' for what, n in wanted if n != '0')}. {refusal.remedy}",
        (("held", wanted),),
    )
