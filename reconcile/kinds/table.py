"""The table of kinds, and the sets that follow from its columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from reconcile.kinds import decisions, relationships, servers, states
from reconcile.kinds.spec import KindSpec, ResolvedBy
from reconcile.model.findings import Kind

#: The row of every kind, in the order of the reference page.
KINDS: Final[Mapping[Kind, KindSpec[...]]] = {
    spec.kind: spec for spec in (*relationships.ROWS, *states.ROWS, *servers.ROWS, *decisions.ROWS)
}

#: Kinds that are found when a run closes.
AT_CLOSE: Final = frozenset(kind for kind, spec in KINDS.items() if spec.at_close)


def kinds_resolved_by(*evidence: ResolvedBy) -> frozenset[Kind]:
    """Return the kinds that this evidence ends."""
    return frozenset(kind for kind, spec in KINDS.items() if spec.resolved_by in evidence)
