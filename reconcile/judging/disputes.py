"""What two partners tell differently, for people: findings about values, scopes and absences."""

from __future__ import annotations

from reconcile.evidence.case import Case, side_name
from reconcile.evidence.pairing import Pair
from reconcile.judging.absence import word
from reconcile.judging.scopes import ScopeVerdict
from reconcile.judging.truth import Truth
from reconcile.kinds.relationships import ABSENCE_UNVERIFIED, PARTNER_MISMATCH, SCOPE_ONE_SIDED
from reconcile.model.finding_words import TELLS_NOT
from reconcile.model.findings import Finding, Kind, Testimony
from reconcile.model.formatting import dotted_all, said
from reconcile.model.nouns import Scope
from reconcile.model.record import ATTRIBUTES


def disputes(case: Case, found: Truth, verdict: ScopeVerdict) -> tuple[Finding, ...]:
    """The findings about what two partners tell differently, or one no longer tells."""
    pair, findings = case.pair, []
    properties, scopes = _disputed(case, found, verdict)
    if properties:
        findings.append(
            Finding(
                Kind.PARTNER_MISMATCH,
                pair.name,
                pair.servers,
                PARTNER_MISMATCH.sentence(pair.name, properties, _stored(pair, properties)),
                properties,
            )
        )
    if scopes:
        findings.append(
            Finding(
                Kind.SCOPE_ONE_SIDED,
                pair.name,
                pair.servers,
                SCOPE_ONE_SIDED.sentence(pair.name, scopes),
                scopes,
            )
        )
    if verdict.unverified:
        findings.append(_unverified(case, verdict.unverified))
    return tuple(findings)


def _disputed(
    case: Case, found: Truth, verdict: ScopeVerdict
) -> tuple[tuple[Testimony, ...], tuple[Testimony, ...]]:
    """Return the disputes between the partners about properties and about scopes.

    While one partner is silent and the Mode is in dispute, nothing can be created. So nothing that
    the other reports is believed either. A property that is not in dispute yet does not become
    disputed by being reported again.
    """
    silence = case.silence
    if case.pair.record is not None or silence is None or "Mode" in found.values:
        return found.disputes, verdict.disputes
    properties = tuple(d for d in found.disputes if d[0] == "Mode" or d[0] in silence.open)
    return properties, tuple(d for d in verdict.disputes if d[0] in silence.open)


def _unverified(case: Case, scopes: frozenset[Scope]) -> Finding:
    words = tuple(
        sorted(
            (
                side_name(case.inputs, case.pair, i),
                TELLS_NOT if s.story is not None else word(s.witness),
            )
            for i, s in enumerate(case.pair.sides)
        )
    )
    replaced = [case.inputs.name(s) for s in case.pair.servers if case.inputs.replaced(s)]
    return Finding(
        Kind.ABSENCE_UNVERIFIED,
        case.pair.name,
        case.pair.servers,
        ABSENCE_UNVERIFIED.sentence(
            case.pair.name,
            words,
            reporter=side_name(case.inputs, case.pair, case.pair.sides.index(case.teller)),
            scopes=dotted_all(scopes),
            replaced=replaced,
        ),
        tuple((scope, words) for scope in dotted_all(scopes)),
    )


def _stored(pair: Pair, disputed: tuple[Testimony, ...]) -> dict[str, str]:
    """Return the database's values of the disputed properties."""
    if pair.record is None:
        return {}
    return {
        subject: said(subject, getattr(pair.record, ATTRIBUTES[subject]))
        for subject, _ in disputed
        if subject in ATTRIBUTES
    }
