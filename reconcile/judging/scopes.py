"""Which scopes a relationship certainly has, certainly lost, and which are left alone."""

from __future__ import annotations

from dataclasses import dataclass

from reconcile.evidence.belief import Belief, believe
from reconcile.evidence.case import Case
from reconcile.evidence.pairing import Pair
from reconcile.model.finding_words import TELLS, TELLS_NOT
from reconcile.model.findings import Testimony
from reconcile.model.formatting import dotted
from reconcile.model.nouns import Scope

#: A shared empty set, because most pairs have no difference.
_NONE: frozenset[Scope] = frozenset()


@dataclass(frozen=True, slots=True)
class ScopeVerdict:
    """The scopes of a pair, sorted by what is known of them.

    ``common`` are certain. ``gone`` are stored, and no partner that counts reports them. ``left``
    are neither added nor removed. ``unverified`` are stored and not reported, and a partner that
    could still have them was not read. ``disputes`` name the claims of each partner.
    """

    common: frozenset[Scope]
    gone: frozenset[Scope]
    left: frozenset[Scope]
    unverified: frozenset[Scope]
    disputes: tuple[Testimony, ...]


def scope_verdict(case: Case, pending: frozenset[Scope]) -> ScopeVerdict:
    """Judge the scopes of a reported pair. ``pending`` are scopes that a pending operation adds."""
    first_story, two = case.pair.sides[0].story, case.pair.sides[1].story
    record = case.pair.record
    stored = frozenset[Scope]() if record is None else record.scopes
    if first_story is not None and two is not None:
        common = first_story.scopes & two.scopes
        if common == stored and first_story.scopes == two.scopes:
            return ScopeVerdict(common, _NONE, _NONE, _NONE, ())
        either = first_story.scopes | two.scopes
        disputed = either - common
        disputes = tuple(_said(case, s, s in first_story.scopes) for s in sorted(disputed))
        missing = stored - either
        if any(case.inputs.replaced(side.server) for side in case.pair.sides if side.server):
            return ScopeVerdict(common, _NONE, disputed, missing, disputes)
        return ScopeVerdict(common, missing, disputed, _NONE, disputes)
    return _one_sided(case, stored, pending)


def _one_sided(case: Case, stored: frozenset[Scope], pending: frozenset[Scope]) -> ScopeVerdict:
    story, silence = case.teller.story, case.silence
    assert story is not None  # noqa: S101 - the teller tells
    assert silence is not None  # noqa: S101 - there is one teller
    first_tells = case.pair.sides[0].story is not None
    last_scopes = story.scopes if silence.last is None else silence.last.scopes
    earlier_scopes = _NONE if silence.before is None else silence.before.scopes
    undecided: set[Scope] = set()
    disputed = {s for s in last_scopes - story.scopes if dotted(s) in silence.open}
    for scope in sorted(story.scopes - last_scopes):
        belief = believe(
            agrees=False,
            disputed=dotted(scope) in silence.open,
            news=silence.before_read and scope not in earlier_scopes,
            stored=(scope in stored or scope in pending) and dotted(scope) not in silence.missed,
        )
        if belief is not Belief.BELIEVED:
            undecided.add(scope)
        if belief is Belief.DISPUTED:
            disputed.add(scope)
    # A scope that is told no more needs proof anyway; an open disagreement says it already.
    # Of a record that is not created yet nothing can be missed.
    is_stored = case.pair.record is not None and not case.pair.record.pending
    missing = stored - story.scopes - disputed if is_stored else _NONE
    proven = _only_witness(case)
    return ScopeVerdict(
        common=story.scopes - undecided,
        gone=missing if proven else _NONE,
        left=frozenset(undecided | disputed),
        unverified=_NONE if proven else missing,
        disputes=tuple(
            _said(case, s, (s in story.scopes) == first_tells) for s in sorted(disputed)
        ),
    )


def _only_witness(case: Case) -> bool:
    """True if no other stored partner has a say in a removal (R3 looks at the row's partners)."""
    record = case.pair.record
    if record is None:
        return False
    other_partners = [s for s in record.partners if s != case.teller.server]
    teller = case.teller.server
    return not other_partners and not (teller is not None and case.inputs.replaced(teller))


def _said(case: Case, scope: Scope, first_tells: bool) -> Testimony:
    words = (TELLS, TELLS_NOT)
    first_word, two = words if first_tells else words[::-1]
    return case.both_say_words(dotted(scope), first_word, two)


def told_scopes(pair: Pair) -> frozenset[Scope] | None:
    """Every scope that a side tells in this run, None if no side tells the relationship."""
    stories = [s.story.scopes for s in pair.sides if s.story is not None]
    return frozenset().union(*stories) if stories else None
