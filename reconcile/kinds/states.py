"""The kind of problems of states: whether partners serve a relationship as they should."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from reconcile.kinds.spec import KindSpec, ProblemGrade, ResolvedBy, Rise, Subject
from reconcile.model.findings import Kind, Matter, Severity
from reconcile.model.formatting import listed
from reconcile.model.nouns import State
from reconcile.remedies import servers

_IN_TRANSITION: Final = ProblemGrade(
    severity=Severity.INFO, confirmations=2, rise=Rise.AFTER_TRANSITION
)

_STATE_MEANINGS: Final[Mapping[State, str]] = {
    State.PARTNER_DOWN: "It serves all clients alone.",
    State.COMMUNICATIONS_INTERRUPTED: "The partners do not reach each other.",
    State.POTENTIAL_CONFLICT: "Both partners served alone.",
    State.RESOLUTION_INTERRUPTED: "The partners lost each other again while resolving conflicts.",
    State.UNKNOWN: "The server reports a state that ipam-sync does not know.",
}


def _state_not_normal(
    name: str, states: Sequence[tuple[str, State]], worst: State, set_manually: Sequence[str]
) -> str:
    """Say each side's state. On the servers ``set_manually`` a person ordered PartnerDown."""
    listing = " and ".join(f"{server} is in state {state}" for server, state in states)
    manually = (
        f" PartnerDown was set manually on {listed(set_manually)} (AutoStateTransition is off)."
        if set_manually
        else ""
    )
    meaning = _STATE_MEANINGS.get(worst, "It is on its way to Normal.")
    return f"{listing} for relationship {name}.{manually} {meaning}"


STATE_NOT_NORMAL: Final = KindSpec(
    kind=Kind.STATE_NOT_NORMAL,
    matter=Matter.HEALTH,
    subject=Subject.RELATIONSHIP,
    default=_IN_TRANSITION,
    grades={
        **{state: _IN_TRANSITION for state in State if state is not State.NORMAL},
        State.COMMUNICATIONS_INTERRUPTED: ProblemGrade(
            severity=Severity.WARNING, confirmations=2, rise=Rise.AFTER_INTERRUPTION
        ),
        State.POTENTIAL_CONFLICT: ProblemGrade(severity=Severity.WARNING),
        State.RESOLUTION_INTERRUPTED: ProblemGrade(severity=Severity.WARNING, confirmations=2),
        State.UNKNOWN: ProblemGrade(severity=Severity.WARNING, confirmations=2),
        State.PARTNER_DOWN: ProblemGrade(severity=Severity.CRITICAL),
    },
    resolved_by=ResolvedBy.PAIR,
    meaning="A partner reports another state than Normal.",
    sentence=_state_not_normal,
    next_step=servers.state_not_normal,
    guide="A state other than Normal",
)

ROWS: Final[tuple[KindSpec[...], ...]] = (STATE_NOT_NORMAL,)
