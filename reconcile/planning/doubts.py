"""What is worth a second look before it is recorded: new disagreements and new removals."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from reconcile.evidence.inputs import JudgementInput
from reconcile.model.findings import Finding, Kind
from reconcile.planning.tracker import NeededOperation

#: These kinds compare two readings, so a change between the readings can cause them.
_DISAGREEMENTS = frozenset({Kind.PARTNER_MISMATCH, Kind.SCOPE_ONE_SIDED, Kind.ONE_SIDED})


@dataclass(frozen=True, slots=True)
class MixedReadings:
    """A conclusion that rests on readings of these servers made at different times."""

    subject: str
    servers: frozenset[int]


def doubtful(
    found: Iterable[Finding], needs: Iterable[NeededOperation], inputs: JudgementInput
) -> tuple[MixedReadings, ...]:
    """New disagreements (other values than an open one has) and removals not recorded yet."""
    open_values = {f.fingerprint: f.values for f in inputs.open_findings}
    findings = (
        MixedReadings(f.fingerprint, frozenset(f.servers))
        for f in found
        if f.kind in _DISAGREEMENTS and open_values.get(f.fingerprint) != f.values
    )
    removals = (
        MixedReadings(f"{n.planned.operation}|{n.planned.record}", frozenset(n.planned.witnesses))
        for n in needs
        if n.entry is None and n.planned.destructive
    )
    return (*findings, *removals)
