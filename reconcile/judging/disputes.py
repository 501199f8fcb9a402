"""What two partners tell differently, for people: findings about values, scopes and absences."""

from __future__ import annotations

from reconcile.evidence.case import Case, side_name
from reconcile.judging.absence import word
from reconcile.judging.scopes import ScopeVerdict
from reconcile.judging.truth import Truth
from reconcile.model.finding_words import TELLS_NOT
from reconcile.model.findings import Finding, Kind, Said
from reconcile.model.formatting import dotted_all, listed
from reconcile.model.nouns import Scope


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
                f"The partners of {pair.name} do not tell the same: "
                f"{'; '.join(_both(s) for s in properties)}. IPAM keeps what it has.",
                properties,
            )
        )
    if scopes:
        findings.append(
            Finding(
                Kind.SCOPE_ONE_SIDED,
                pair.name,
                pair.servers,
                f"Scopes of {pair.name} on one partner only: "
                f"{listed((_both(s) for s in scopes), 3)}. They are neither added nor "
                "removed until both partners agree.",
                scopes,
            )
        )
    if verdict.unverified:
        findings.append(_unverified(case, verdict.unverified))
    return tuple(findings)


def _disputed(
    case: Case, found: Truth, verdict: ScopeVerdict
) -> tuple[tuple[Said, ...], tuple[Said, ...]]:
    """What the partners dispute about properties and about scopes.

    While one is silent and the Mode is in dispute nothing can be created, so nothing is believed
    of the other either: what is no dispute yet does not become one by being told again.
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
                side_name(case.world, case.pair, i),
                TELLS_NOT if s.story is not None else word(s.witness),
            )
            for i, s in enumerate(case.pair.sides)
        )
    )
    replaced = [case.world.name(s) for s in case.pair.servers if case.world.replaced(s)]
    why = (
        f"{' and '.join(replaced)} is another machine than before, which nobody confirmed"
        if replaced
        else "its partner was not read"
    )
    return Finding(
        Kind.ABSENCE_UNVERIFIED,
        case.pair.name,
        case.pair.servers,
        f"{side_name(case.world, case.pair, case.pair.sides.index(case.teller))} no longer has "
        f"{listed(dotted_all(scopes))} in {case.pair.name}, and {why}. "
        "Nothing is removed until both partners say so.",
        tuple((scope, words) for scope in dotted_all(scopes)),
    )


def _both(said: Said) -> str:
    what, words = said
    return f"{what} ({', '.join(f'{who}: {value}' for who, value in words)})"
