"""From one truth to the operations that IPAM's database needs for a told pair."""

from __future__ import annotations

from dataclasses import dataclass, field

from reconcile.evidence.case import Case, side_name
from reconcile.evidence.judgement import Undecided
from reconcile.evidence.witness import Unmanaged, Witnesses
from reconcile.judging.absence import word
from reconcile.judging.diff import create, diff, swap
from reconcile.judging.disputes import disputes
from reconcile.judging.scopes import ScopeVerdict, scope_verdict, told_scopes
from reconcile.judging.truth import Truth, truth
from reconcile.kinds.relationships import EMPTY_READ_UNCONFIRMED
from reconcile.model.findings import Finding, Kind
from reconcile.model.formatting import dotted_all, listed
from reconcile.model.names import Ambiguous
from reconcile.model.nouns import Evidence, Mode, Operation, Scope, Value
from reconcile.model.record import (
    ATTRIBUTES,
    STATE_PROPERTIES,
    Entry,
    Hold,
    Party,
    Planned,
    PropertyChange,
    Record,
)


@dataclass(frozen=True, slots=True)
class PairDecision:
    """The operations and findings of a reported pair.

    ``agreed`` is true if both partners reported exactly the stored values.
    """

    needs: tuple[Planned, ...] = ()
    findings: tuple[Finding, ...] = ()
    undecided: Undecided = field(default=Undecided())
    agreed: bool = False


def operations(case: Case, witnesses: Witnesses, entries: tuple[Entry, ...]) -> PairDecision:
    """Decide what a pair needs that at least one side tells and no other read side denies."""
    values = truth(case)
    verdict = scope_verdict(case, _adding(entries))
    findings = disputes(case, values, verdict)
    record = case.pair.record
    if record is None:
        return PairDecision(_creates(case, values, verdict), findings)
    if record.pending:
        return _pending_create(case, record, _PairConclusion(values, verdict, findings), entries)
    updates = _updates(case, record, values)
    added = _planned(case, Operation.ADD_SCOPES, scopes=verdict.common - record.scopes)
    gone, unconfirmed = _confirmed_gone(case, record, verdict, witnesses)
    removed = _planned(case, Operation.REMOVE_SCOPES, scopes=gone)
    needs = (*updates, *added, *removed)
    agreed = (
        case.silence is None
        and all(n.state_only for n in needs)
        and not values.disputes
        and not verdict.left
    )
    return PairDecision(
        needs,
        findings + unconfirmed,
        _undecided(case, values, verdict, verdict.gone - gone),
        agreed and not unconfirmed,
    )


def _adding(entries: tuple[Entry, ...]) -> frozenset[Scope]:
    return frozenset(
        s for e in entries if e.planned.operation is Operation.ADD_SCOPES for s in e.planned.scopes
    )


def _undecided(
    case: Case, found: Truth, verdict: ScopeVerdict, unconfirmed: frozenset[Scope]
) -> Undecided:
    return Undecided(
        told=told_scopes(case.pair),
        order=not case.order.certain,
        properties=frozenset(ATTRIBUTES.keys() - found.values.keys()),
        scopes=verdict.left | verdict.unverified | unconfirmed,
    )


def _creates(case: Case, found: Truth, verdict: ScopeVerdict) -> tuple[Planned, ...]:
    """A Create needs a Mode ([MS-IPAMM2] 3.1.4.16) and a partner that is not ambiguous (R7)."""
    ambiguous = any(
        isinstance(s.witness, Unmanaged) and isinstance(s.witness.name, Ambiguous)
        for s in case.pair.sides
    )
    # A Create that guessed a partner or a mode would be wrong for good.
    if ambiguous or not isinstance(found.values.get("Mode"), Mode):
        return ()
    name = case.primary.story or case.secondary.story or case.teller.story
    assert name is not None  # noqa: S101 - at least one side tells
    columns: dict[str, Value] = {**found.values, "RelationshipName": name.name}
    return (_create(case, columns, verdict.common),)


def _create(case: Case, wanted: dict[str, Value], scopes: frozenset[Scope]) -> Planned:
    primary = case.order.primary
    return Planned(
        operation=Operation.CREATE,
        record=None,
        relationship=str(wanted["RelationshipName"]),
        server1=_party(case, primary),
        server2=_party(case, 1 - primary),
        changes=create(wanted),
        scopes=tuple(sorted(scopes)),
        evidence=_evidence(case),
        reason=f"{_told_by(case)}; IPAM has no record of it",
        witnesses=_witnesses(case),
    )


@dataclass(frozen=True, slots=True)
class _PairConclusion:
    found: Truth
    verdict: ScopeVerdict
    findings: tuple[Finding, ...]


def _pending_create(
    case: Case, record: Record, conclusion: _PairConclusion, entries: tuple[Entry, ...]
) -> PairDecision:
    """A Create that still waits: confirmed as it is, or asked for anew with other values."""
    found, verdict, findings = conclusion.found, conclusion.verdict, conclusion.findings
    creates = tuple(e.planned for e in entries if e.planned.operation is Operation.CREATE)
    stored: dict[str, Value] = {p: getattr(record, a) for p, a in ATTRIBUTES.items()}
    reported = dict(found.values)
    if case.silence is None:
        # A disputed value is left out of the Create, not taken from one side.
        reported |= dict.fromkeys(subject for subject, _ in found.disputes)
    scopes = verdict.common | (verdict.left & record.scopes if case.silence else frozenset())
    changes = swap(record, reported) if case.swapped else diff(record, reported)
    values_after = stored | {c.property: c.after for c in changes}
    config = [c for c in changes if c.property not in STATE_PROPERTIES]
    undecided = _undecided(case, found, verdict, frozenset())
    if not isinstance(values_after.get("Mode"), Mode):
        return PairDecision((), findings, undecided)
    if config or scopes != record.scopes or not creates:
        return PairDecision((_create(case, values_after, scopes),), findings, undecided)
    return PairDecision((*creates, *_update(case, changes)), findings, undecided)


def _updates(case: Case, record: Record, found: Truth) -> tuple[Planned, ...]:
    """Return one Update for the configuration and one for states, because states are facts."""
    if case.swapped:
        return _update(case, swap(record, found.values))
    changes = diff(record, found.values)
    config = tuple(c for c in changes if c.property not in STATE_PROPERTIES)
    states = tuple(c for c in changes if c.property in STATE_PROPERTIES)
    return (*_update(case, config), *_update(case, states))


def _update(case: Case, changes: tuple[PropertyChange, ...]) -> tuple[Planned, ...]:
    return _planned(case, Operation.UPDATE, changes=changes) if changes else ()


def _planned(
    case: Case,
    operation: Operation,
    changes: tuple[PropertyChange, ...] = (),
    scopes: frozenset[Scope] = frozenset(),
) -> tuple[Planned, ...]:
    record = case.pair.record
    if record is None or not (changes or scopes):
        return ()
    is_single_witness = operation is Operation.REMOVE_SCOPES and len(record.partners) == 1
    return (
        Planned(
            operation=operation,
            record=record.key,
            relationship=record.relationship_name,
            server1=_party(case, 0),
            server2=_party(case, 1),
            changes=changes,
            scopes=tuple(sorted(scopes)),
            evidence=_evidence(case),
            reason=_reason(case, operation),
            witnesses=_witnesses(case),
            hold=Hold.ONE_WITNESS if is_single_witness else Hold.NONE,
        ),
    )


def _confirmed_gone(
    case: Case, record: Record, verdict: ScopeVerdict, witnesses: Witnesses
) -> tuple[frozenset[Scope], tuple[Finding, ...]]:
    """Return the scopes to remove, and the findings about removals that are not confirmed yet.

    The last scopes of a relationship must be gone for long enough (R3).
    """
    reported_scopes = [s.story.scopes for s in case.pair.sides if s.story is not None]
    if not verdict.gone or any(reported_scopes):
        return verdict.gone, ()
    tellers = [s.server for s in case.pair.sides if s.story is not None and s.server is not None]
    if all(witnesses.confirmed(server, case.pair.key) for server in tellers):
        return verdict.gone, ()
    finding = Finding(
        Kind.EMPTY_READ_UNCONFIRMED,
        case.pair.name,
        case.pair.servers,
        EMPTY_READ_UNCONFIRMED.sentence(case.pair.name, "scopes", case.inputs.rules.confirm_after),
        (("Scopes", (("IPAM", listed(dotted_all(record.scopes))),)),),
    )
    return frozenset(), (finding,)


def _party(case: Case, index: int) -> Party:
    return Party(case.pair.sides[index].server, side_name(case.inputs, case.pair, index))


def _evidence(case: Case) -> Evidence:
    return Evidence.BOTH if case.silence is None else Evidence.ONE_SIDE


def _witnesses(case: Case) -> tuple[int, ...]:
    return tuple(
        sorted(s.server for s in case.pair.sides if s.story is not None and s.server is not None)
    )


def _told_by(case: Case) -> str:
    if case.silence is None:
        return "both partners tell it"
    other_side = case.pair.sides[1] if case.teller is case.pair.sides[0] else case.pair.sides[0]
    names = [
        side_name(case.inputs, case.pair, case.pair.sides.index(s))
        for s in (case.teller, other_side)
    ]
    return f"{names[0]} tells it and {names[1]} {word(other_side.witness)}"


def _reason(case: Case, operation: Operation) -> str:
    if operation is Operation.REMOVE_SCOPES:
        return "no partner of the record tells these scopes any more"
    return _told_by(case)
