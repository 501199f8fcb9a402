"""Removal needs proof (rule R3): a stored relationship that nobody tells in this run."""

from __future__ import annotations

from reconcile.evidence.case import side_name
from reconcile.evidence.inputs import JudgementInput
from reconcile.evidence.judgement import Judgement, Undecided
from reconcile.evidence.pairing import Pair
from reconcile.evidence.witness import (
    AbsenceDoubt,
    Gone,
    Silent,
    Tells,
    Unclear,
    Unmanaged,
    Unproven,
    Witness,
)
from reconcile.judging.diff import whole
from reconcile.kinds.relationships import ABSENCE_UNVERIFIED
from reconcile.model.finding_words import SILENT, TELLS
from reconcile.model.findings import Finding, Kind
from reconcile.model.nouns import Evidence, Operation
from reconcile.model.record import Hold, Party, Planned, Record

#: Reports on a relationship or scope.  Remedies look for them in the values of findings.


def judge_absence(pair: Pair, record: Record, inputs: JudgementInput) -> Judgement:
    """The partners stored in the row are the witnesses, not what names resolve to today."""
    stored = tuple(i for i, s in enumerate(pair.sides) if s.server in record.partners)
    witnesses = [pair.sides[i].witness for i in stored]
    if record.pending and all(_lacks(w) for w in witnesses):
        return Judgement(pair)
    if all(isinstance(w, Gone) for w in witnesses):
        return Judgement(pair, needs=(_delete(pair, record, inputs, stored),))
    undecided = Undecided(everything=True)
    if all(isinstance(w, Silent) for w in witnesses) or not any(
        isinstance(w, Silent) for w in witnesses
    ):
        return Judgement(pair, undecided=undecided)
    words = tuple(sorted((side_name(inputs, pair, i), word(pair.sides[i].witness)) for i in stored))
    finding = Finding(
        Kind.ABSENCE_UNVERIFIED,
        pair.name,
        pair.servers,
        ABSENCE_UNVERIFIED.sentence(pair.name, words),
        ((pair.name, words),),
    )
    return Judgement(pair, findings=(finding,), undecided=undecided)


def _lacks(witness: Witness) -> bool:
    """True if a Create that waits is no longer needed on this word: that takes no proof."""
    return isinstance(witness, Gone) or witness == Unproven(AbsenceDoubt.EMPTY)


def word(witness: Witness) -> str:
    """Return the testimony about the relationship as words within a sentence."""
    match witness:
        case Tells():
            return TELLS
        case Gone(why):
            return str(why)
        case Unproven(why):
            return str(why)
        case Unclear():
            return "tells it more than once"
        case Silent():
            return SILENT
        case Unmanaged():
            return "is not known to IPAM"


def _delete(pair: Pair, record: Record, inputs: JudgementInput, stored: tuple[int, ...]) -> Planned:
    words = (f"{side_name(inputs, pair, i)} {word(pair.sides[i].witness)}" for i in stored)
    return removal(pair, record, inputs, " and ".join(words), alone=len(stored) == 1)


def removal(
    pair: Pair, record: Record, inputs: JudgementInput, reason: str, *, alone: bool
) -> Planned:
    """Return the FailoverDelete of the record. With one witness ``alone`` it waits for a person."""
    return Planned(
        operation=Operation.DELETE,
        record=record.key,
        relationship=record.relationship_name,
        server1=Party(record.server1_record_id, side_name(inputs, pair, 0)),
        server2=Party(record.server2_record_id, side_name(inputs, pair, 1)),
        changes=whole(record),
        scopes=tuple(sorted(record.scopes)),
        evidence=Evidence.ONE_SIDE if alone else Evidence.BOTH,
        reason=reason,
        witnesses=tuple(p for p in record.partners if not inputs.retired(p)),
        hold=Hold.ONE_WITNESS if alone else Hold.NONE,
    )
