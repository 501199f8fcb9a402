"""The short way for the many pairs about which there is nothing to say.

Both partners tell, plainly and to the letter, what is stored, and all is Normal.  ``judge`` asks
this first; a property test holds it to what the long way says.
"""

from __future__ import annotations

from operator import attrgetter

from reconcile.evidence.inputs import JudgementInput
from reconcile.evidence.pairing import Pair
from reconcile.evidence.witness import Tells
from reconcile.model.names import How, Known
from reconcile.model.nouns import Mode, ServerType, State, Story
from reconcile.model.record import Record

_TOLD = attrgetter(
    "mode",
    "mclt_seconds",
    "auto_state_transition",
    "state_switch_interval_seconds",
    "enable_auth",
    "state",
    "scopes",
    "primary_name",
    "primary_ip",
    "secondary_name",
    "secondary_ip",
)
_STORED = attrgetter(
    "mode",
    "mclt_seconds",
    "auto_state_transition",
    "state_switch_interval_seconds",
    "shared_secret_enabled",
    "server1_state",
    "scopes",
    "server1_ps_name",
    "server1_ip",
    "server2_ps_name",
    "server2_ip",
)
_LOST = (How.STORED, How.STORED_AMBIGUOUS)


def is_unchanged(pair: Pair, inputs: JudgementInput) -> bool:
    """True only if the long way would find no need, no finding, and agreement."""
    record = pair.record
    first_witness, two = (side.witness for side in pair.sides)
    if record is None or not isinstance(first_witness, Tells) or not isinstance(two, Tells):
        return False
    first_story, second = first_witness.story, two.story
    return (
        not record.pending
        and pair.double_of is None
        and _TOLD(first_story) == _TOLD(second) == _STORED(record)
        and record.server2_state is record.server1_state is State.NORMAL
        and first_story.server_type is ServerType.PRIMARY
        and second.server_type is ServerType.SECONDARY
        and bool(record.scopes)
        and not first_story.unknown_values
        and not second.unknown_values
        and _percentage_stands(record, first_story, second)
        and _named(first_witness, record.server2_record_id)
        and _named(two, record.server1_record_id)
        and record.server1_name == inputs.name(record.server1_record_id)
        and record.server2_name == inputs.name(record.server2_record_id)
    )


def _named(told: Tells, partner: int | None) -> bool:
    resolution = told.partner
    return (
        isinstance(resolution, Known)
        and resolution.server == partner
        and resolution.how not in _LOST
    )


def _percentage_stands(record: Record, first: Story, second: Story) -> bool:
    stored = record.server1_percentage
    if record.mode is Mode.LOAD_BALANCE:
        return first.load_balance_percent == second.load_balance_percent == stored
    return first.reserve_percent == second.reserve_percent == stored
