"""What a run concludes about one pair: operations needed, findings, and what stays undecided."""

from __future__ import annotations

from dataclasses import dataclass, field

from reconcile.evidence.pairing import Pair
from reconcile.model.findings import Finding
from reconcile.model.nouns import Scope
from reconcile.model.record import Planned


@dataclass(frozen=True, slots=True)
class Undecided:
    """The parts of a pair that this run cannot judge.

    Pending operations about them are neither confirmed nor dropped. ``everything`` stands for the
    existence of the relationship and all below it. ``order`` stands for the choice of Server1.
    ``told`` are the scopes that a partner reports in this run (None: no partner reports the
    relationship). A recorded removal of a scope that is reported again is withdrawn, judged or not.
    """

    everything: bool = False
    told: frozenset[Scope] | None = None
    order: bool = False
    properties: frozenset[str] = frozenset()
    scopes: frozenset[Scope] = frozenset()


@dataclass(frozen=True, slots=True)
class Judgement:
    """The outcome for one pair.  ``agreed``: both partners told exactly what is stored."""

    pair: Pair
    needs: tuple[Planned, ...] = ()
    findings: tuple[Finding, ...] = ()
    undecided: Undecided = field(default=Undecided())
    agreed: bool = False
