"""The decision about one pair, by the table of rule R2; read this beside docs/explanation/decisions.md."""

from __future__ import annotations

from reconcile.evidence.belief import SilentPartner, open_subjects
from reconcile.evidence.case import Case, last_story, side_name
from reconcile.evidence.inputs import JudgementInput
from reconcile.evidence.judgement import Judgement, Undecided
from reconcile.evidence.order import order, primary_by
from reconcile.evidence.pairing import Pair, PairSide
from reconcile.evidence.witness import (
    AbsenceDoubt,
    Gone,
    Silent,
    Tells,
    Unclear,
    Unproven,
    Witnesses,
)
from reconcile.judging.absence import judge_absence, removal, word
from reconcile.judging.health import health
from reconcile.judging.observations import observations, stale
from reconcile.judging.operations import operations
from reconcile.judging.quiet import is_unchanged
from reconcile.judging.scopes import told_scopes
from reconcile.kinds.relationships import DUPLICATE_RELATIONSHIP, ONE_SIDED
from reconcile.kinds.spec import ResolvedBy
from reconcile.kinds.table import kinds_resolved_by
from reconcile.model.findings import Finding, Kind
from reconcile.model.nouns import Operation, Value
from reconcile.model.record import Entry


def judge(
    pair: Pair,
    inputs: JudgementInput,
    witnesses: Witnesses,
    entries: tuple[Entry, ...],
    open_findings: tuple[Finding, ...],
) -> Judgement:
    """Judge one pair with its pending operations (``entries``) and open findings."""
    if not entries and is_unchanged(pair, inputs):
        return Judgement(pair, agreed=True)
    return judge_fully(pair, inputs, witnesses, entries, open_findings)


def judge_fully(
    pair: Pair,
    inputs: JudgementInput,
    witnesses: Witnesses,
    entries: tuple[Entry, ...],
    open_findings: tuple[Finding, ...],
) -> Judgement:
    """Judge one pair with every question asked."""
    if pair.record is not None and pair.double_of is not None:
        return _double(pair, inputs)
    if any(isinstance(s.witness, Unclear) for s in pair.sides):
        unclear = Judgement(pair, undecided=Undecided(everything=True, told=told_scopes(pair)))
        return _with_open(unclear, open_findings, ())
    tellers = [s for s in pair.sides if s.story is not None]
    if not tellers:
        assert pair.record is not None  # noqa: S101 - untold and unstored pairs do not exist
        judged = judge_absence(pair, pair.record, inputs)
        if _settles_existence(pair, judged):
            open_findings = tuple(f for f in open_findings if f.kind is not Kind.ONE_SIDED)
        elif any(f.kind is Kind.ONE_SIDED for f in open_findings):
            # One problem is one alert: the disagreement stays what it is.
            judged = Judgement(pair, judged.needs, (), judged.undecided)
        return _with_open(judged, open_findings, stale(pair, inputs))
    if len(tellers) == 1 and _one_sided(pair, witnesses, tellers[0], open_findings):
        findings = (_one_sided_finding(pair, inputs), *health(pair, inputs))
        return _with_open(
            Judgement(pair, undecided=Undecided(everything=True, told=told_scopes(pair))),
            open_findings,
            findings,
        )
    case = _case(pair, inputs, witnesses, entries, open_findings)
    return _told(case, witnesses, entries, open_findings)


def _one_sided(
    pair: Pair, witnesses: Witnesses, teller: PairSide, open_findings: tuple[Finding, ...]
) -> bool:
    """True if the other partner's word, now or its latest, is against the one that tells it."""
    silent_side = pair.sides[1] if teller is pair.sides[0] else pair.sides[0]
    if isinstance(silent_side.witness, (Gone, Unproven)):
        return True
    if not (isinstance(silent_side.witness, Silent) and isinstance(silent_side.witness.last, Gone)):
        return False
    if any(f.kind is Kind.ONE_SIDED for f in open_findings):
        return True
    assert teller.server is not None  # noqa: S101 - only known servers tell
    read, earlier_story = witnesses.before(teller.server, pair.key)
    if read and earlier_story is None:
        return False
    return pair.record is None or any(_missed(pair, f) for f in open_findings)


def _missed(pair: Pair, finding: Finding) -> bool:
    """True for an open finding that the whole relationship, not a scope of it, was missing."""
    subjects = {subject for subject, _ in finding.values}
    return finding.kind is Kind.ABSENCE_UNVERIFIED and pair.name in subjects


def _settles_existence(pair: Pair, judged: Judgement) -> bool:
    """True if the silent one's last word agrees with the one that does not tell it now."""
    witnesses = [s.witness for s in pair.sides]
    return bool(judged.findings) and not any(
        w == Unproven(AbsenceDoubt.REPLACED)
        or (isinstance(w, Silent) and not isinstance(w.last, Gone))
        for w in witnesses
    )


def _one_sided_finding(pair: Pair, inputs: JudgementInput) -> Finding:
    words = tuple(sorted((side_name(inputs, pair, i), word(pair.sides[i].witness)) for i in (0, 1)))
    return Finding(
        Kind.ONE_SIDED,
        pair.name,
        pair.servers,
        ONE_SIDED.sentence(pair.name, words),
        ((pair.name, words),),
    )


def _case(
    pair: Pair,
    inputs: JudgementInput,
    witnesses: Witnesses,
    entries: tuple[Entry, ...],
    open_findings: tuple[Finding, ...],
) -> Case:
    def news(index: int) -> bool:
        """Return whether a side's reading before this one named another primary."""
        side = pair.sides[index]
        if side.server is None or any(f.kind is Kind.ROLE_CONFLICT for f in open_findings):
            return False
        read, earlier_story = witnesses.before(side.server, pair.key)
        return read and primary_by(earlier_story, index) != primary_by(side.story, index)

    pair_order = order(pair, news=news, name=lambda s: side_name(inputs, pair, pair.sides.index(s)))
    pending: dict[str, Value] = {
        c.property: c.after
        for e in entries
        if e.planned.operation is Operation.UPDATE
        for c in e.planned.changes
    }
    return Case(pair, inputs, pair_order, _silence(pair, witnesses, open_findings), pending)


def _silence(
    pair: Pair, witnesses: Witnesses, open_findings: tuple[Finding, ...]
) -> SilentPartner | None:
    first_side, two = pair.sides
    if first_side.story is not None and two.story is not None:
        return None
    teller, silent_side = (first_side, two) if first_side.story is not None else (two, first_side)
    assert teller.server is not None  # noqa: S101 - only known servers tell
    read, earlier_story = witnesses.before(teller.server, pair.key)
    disputed = open_subjects(open_findings, Kind.PARTNER_MISMATCH) | open_subjects(
        open_findings, Kind.SCOPE_ONE_SIDED
    )
    missed = open_subjects(open_findings, Kind.ABSENCE_UNVERIFIED)
    return SilentPartner(last_story(silent_side), read, earlier_story, disputed, missed)


def _told(
    case: Case,
    witnesses: Witnesses,
    entries: tuple[Entry, ...],
    open_findings: tuple[Finding, ...],
) -> Judgement:
    planned = operations(case, witnesses, entries)
    judged = Judgement(
        case.pair,
        needs=planned.needs,
        findings=(*planned.findings, *observations(case)),
        undecided=planned.undecided,
        agreed=planned.agreed,
    )
    return _with_open(judged, open_findings, ())


def _with_open(
    judged: Judgement, open_findings: tuple[Finding, ...], more: tuple[Finding, ...]
) -> Judgement:
    """Keep open what this run could not judge: nobody who knows was read (R1)."""
    findings = judged.findings + more
    proven = not judged.undecided.everything
    silent = {
        s.server
        for s in judged.pair.sides
        if isinstance(s.witness, (Silent, Unclear))
        or (isinstance(s.witness, Unproven) and not proven)
    }
    words = [s.witness for s in judged.pair.sides]
    is_reported = any(isinstance(w, Tells) for w in words) and not any(
        isinstance(w, (Unclear, Unproven)) for w in words
    )
    # An empty reading that is not believed yet resolves nothing but what it says itself; what a
    # replaced machine lacks not even that.
    untold = not any(isinstance(w, Tells) for w in words)
    unheard = Silent in map(type, words) or (untold and Unproven(AbsenceDoubt.REPLACED) in words)
    recomputed = _RECOMPUTED if unheard else _RECOMPUTED | _OF_EXISTENCE
    fingerprints = {f.fingerprint for f in findings}
    lasting = tuple(
        f
        for f in open_findings
        if f.fingerprint not in fingerprints
        and not silent.isdisjoint(f.servers)
        and (f.kind in _OF_ONE_READING if is_reported else f.kind not in recomputed)
    )
    return Judgement(judged.pair, judged.needs, findings + lasting, judged.undecided, judged.agreed)


#: A story of one server showed it: only a reading of that server ends it.
_OF_ONE_READING = kinds_resolved_by(ResolvedBy.REPORTER)
#: Made anew in every run that judges the pair.
_RECOMPUTED = kinds_resolved_by(ResolvedBy.NEXT_JUDGEMENT)
_OF_EXISTENCE = kinds_resolved_by(ResolvedBy.EXISTENCE)


def _double(pair: Pair, inputs: JudgementInput) -> Judgement:
    """Two half-mapped rows turn out to be one relationship: the younger one goes, by a person."""
    assert pair.record is not None  # noqa: S101 - the caller knows
    assert pair.double_of is not None  # noqa: S101 - the caller knows
    finding = Finding(
        Kind.DUPLICATE_RELATIONSHIP,
        pair.name,
        tuple(sorted(pair.servers)),
        DUPLICATE_RELATIONSHIP.sentence(pair.name, records=(pair.record.key, pair.double_of)),
        ((pair.name, (("record", str(pair.record.key)), ("kept", str(pair.double_of)))),),
    )
    reason = f"the same relationship as record {pair.double_of}"
    need = removal(pair, pair.record, inputs, reason, alone=True)
    return Judgement(pair, needs=(need,), findings=(finding,))
