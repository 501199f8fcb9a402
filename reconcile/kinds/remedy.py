"""Build the remedy of a problem: the next step of its kind, with names filled in (rule R15)."""

from __future__ import annotations

from reconcile.kinds.table import KINDS
from reconcile.remedies.common import only
from reconcile.remedies.model import GUIDE, REFERENCE, Facts, Remedy, RemedyStep
from reconcile.remedies.own import ipam_sync
from reconcile.remedies.text import is_copyable


def build_remedy(facts: Facts) -> Remedy:
    """Build the remedy for a problem."""
    spec = KINDS[facts.kind]
    safe = all(map(is_copyable, facts.names))
    steps = spec.next_step(facts) if safe else _by_number(facts)
    if spec.guide is None:
        return Remedy(steps, facts.kind.value, REFERENCE)
    return Remedy(steps, spec.guide, GUIDE)


def _by_number(facts: Facts) -> tuple[RemedyStep, ...]:
    """Build the step for names that cannot be copied: the problem's number stands for them."""
    text = "A name here has characters that cannot be copied, so no command contains it."
    if facts.number is None:
        return only(text)
    return only(
        f"{text} Look at the problem by its number.", ipam_sync("drift show", str(facts.number))
    )
