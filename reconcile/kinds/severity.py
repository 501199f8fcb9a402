"""The severity of a problem: the row of its kind, its age, and what people set."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from reconcile.kinds.table import KINDS
from reconcile.model.findings import LOUDEST_FIRST, Finding, Severity

#: Keys of the setting: every kind, and every grade of a kind as ``kind.grade``.
OVERRIDABLE: Final = frozenset(
    key for kind, spec in KINDS.items() for key in (kind, *(f"{kind}.{g}" for g in spec.grades))
)


def severity(
    finding: Finding, overrides: Mapping[str, Severity], *, outlasted: bool = False
) -> Severity:
    """Return the severity of a finding. People's overrides come first, the finer key before the kind.

    A finding that ``outlasted`` its patience is one step more severe than the default.  An
    override holds for any age: people who lowered a severity are not woken up half an hour later.
    """
    for key in (f"{finding.kind}.{finding.grade}", finding.kind):
        if key in overrides:
            return overrides[key]
    base = KINDS[finding.kind].grade(finding.grade).severity
    return LOUDEST_FIRST[max(0, LOUDEST_FIRST.index(base) - 1)] if outlasted else base


def severity_at(
    finding: Finding, overrides: Mapping[str, Severity], age: timedelta = timedelta(0)
) -> Severity:
    """Return the severity of a finding of this age."""
    patience = finding.patience
    outlasted = patience is not None and age >= timedelta(seconds=patience)
    return severity(finding, overrides, outlasted=outlasted)
