"""Whether the partners of a relationship serve it as they should: states, and for how long."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from reconcile.evidence.case import last_story, side_name
from reconcile.evidence.inputs import JudgementInput
from reconcile.evidence.pairing import Pair
from reconcile.evidence.witness import Silent
from reconcile.kinds.spec import Rise
from reconcile.kinds.states import STATE_NOT_NORMAL
from reconcile.model.findings import Finding, Kind
from reconcile.model.names import fold_relationship
from reconcile.model.nouns import Mode, Seen, ServerRole, State

#: The worse comes first; anything else but Normal is on its way and comes after these.
_WORST: Final = (
    State.PARTNER_DOWN,
    State.POTENTIAL_CONFLICT,
    State.RESOLUTION_INTERRUPTED,
    State.COMMUNICATIONS_INTERRUPTED,
    State.UNKNOWN,
)

#: For how long an interrupted communication is no more than a warning.  A hot standby has
#: no more than its reserve to serve from.
_INTERRUPTED: Final = timedelta(minutes=30)
#: The same for a hot standby, for that reason.
_STANDBY_INTERRUPTED: Final = timedelta(minutes=15)


def health(pair: Pair, inputs: JudgementInput) -> tuple[Finding, ...]:
    """A side that is not in state Normal, by its own word or, if it is silent, its last one."""
    states = {index: _state(pair, index) for index in range(len(pair.sides))}
    odd_states = {i: s for i, s in states.items() if s is not None and s is not State.NORMAL}
    if not odd_states:
        return ()
    words = sorted((side_name(inputs, pair, index), state) for index, state in odd_states.items())
    worst = min(odd_states.values(), key=_rank)
    return (
        Finding(
            Kind.STATE_NOT_NORMAL,
            pair.name,
            pair.servers,
            STATE_NOT_NORMAL.sentence(
                pair.name, words, worst, _set_manually(pair, inputs, odd_states)
            ),
            tuple(("State", ((server_word, str(state)),)) for server_word, state in words),
            grade=worst,
            patience=_patience(pair, inputs, odd_states, worst),
        ),
    )


def said_now(finding: Finding, inputs: JudgementInput) -> bool:
    """False if only the last word of who is silent now, or tells no such relationship any more, says
    so: that is no new reading of it.
    """
    if finding.kind is not Kind.STATE_NOT_NORMAL:
        return True
    name = fold_relationship(finding.relationship or "")
    read_names = {
        inputs.name(key)
        for key in finding.servers
        if isinstance(reading := inputs.sightings.get(key), Seen)
        and any(fold_relationship(story.name) == name for story in reading.stories)
    }
    return any(witness in read_names for _, words in finding.values for witness, _ in words)


@dataclass(frozen=True, slots=True)
class _SwitchTerms:
    """The rules by which a side leaves a state. None means not reported.

    ``interval`` is the time in seconds after which an interruption becomes PartnerDown by itself.
    """

    switches_itself: bool | None
    interval: int | None
    is_standby: bool


def _terms(pair: Pair, index: int) -> _SwitchTerms:
    """By the word of the side whose state it is, else by the record: there Server1 is active."""
    story, record = pair.sides[index].story or last_story(pair.sides[index]), pair.record
    if story is not None:
        standby = story.mode is Mode.HOT_STANDBY and story.server_role is ServerRole.STANDBY
        interval = story.state_switch_interval_seconds
        return _SwitchTerms(story.auto_state_transition, interval, standby)
    if record is not None:
        standby = record.mode is Mode.HOT_STANDBY and index == 1
        interval = record.state_switch_interval_seconds
        return _SwitchTerms(record.auto_state_transition, interval, standby)
    return _SwitchTerms(None, None, is_standby=False)


def _patience(
    pair: Pair, inputs: JudgementInput, odd: Mapping[int, State], worst: State
) -> int | None:
    """After how many seconds it is louder: nobody waits for more than half of the time that is
    left before a server goes to PartnerDown.
    """
    match STATE_NOT_NORMAL.grade(worst).rise:
        case Rise.NEVER:
            return None
        case Rise.AFTER_TRANSITION:
            return int(inputs.rules.transition_warning_after.total_seconds())
        case Rise.AFTER_INTERRUPTION:
            threshold = inputs.rules.interrupted_critical_after
            if threshold is not None:
                return int(threshold.total_seconds())
            return min(_until_critical(_terms(pair, i)) for i, s in odd.items() if s is worst)


def _until_critical(terms: _SwitchTerms) -> int:
    usual = _STANDBY_INTERRUPTED if terms.is_standby else _INTERRUPTED
    seconds = int(usual.total_seconds())
    return seconds if terms.interval is None else min(seconds, terms.interval // 2)


def _set_manually(pair: Pair, inputs: JudgementInput, odd: Mapping[int, State]) -> list[str]:
    """Return the servers in PartnerDown that do not go there by themselves."""
    return sorted(
        side_name(inputs, pair, index)
        for index, state in odd.items()
        if state is State.PARTNER_DOWN and _terms(pair, index).switches_itself is False
    )


def _state(pair: Pair, index: int) -> State | None:
    story = pair.sides[index].story
    return _last_state(pair, index) if story is None else story.state


def _last_state(pair: Pair, index: int) -> State | None:
    """Return the last known state of a silent side, or None. Unknown counts as no state."""
    side, record = pair.sides[index], pair.record
    if not isinstance(side.witness, Silent):
        return None
    if record is not None:
        state = record.server2_state if index else record.server1_state
    else:
        story = last_story(side)
        state = State.UNKNOWN if story is None else story.state
    return None if state is State.UNKNOWN else state


def _rank(state: State) -> int:
    return _WORST.index(state) if state in _WORST else len(_WORST)
