"""Server1Percentage: the primary's share, or the reserve as reported ([MS-IPAMM2] 2.2.4.104).

What a secondary prints for load balance is disputed among the sources: the same number and its
own share both agree with the primary's word, and the primary's word is what counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from reconcile.evidence.belief import Belief
from reconcile.evidence.case import Case, last_story
from reconcile.evidence.inputs import PercentReading
from reconcile.model.finding_words import PERCENTAGE
from reconcile.model.findings import Testimony
from reconcile.model.nouns import Mode, ServerType, Story

#: Both partners' shares of a load balance add up to this.
_WHOLE: Final = 100
#: Only this value means the same whoever's share it is.
_HALF: Final = 50


@dataclass(frozen=True, slots=True)
class PercentageShare:
    """The certain value (None: no evidence) or what the partners dispute."""

    value: int | None = None
    dispute: Testimony | None = None


def share(case: Case, mode: Mode) -> PercentageShare:
    """The percentage of a told pair whose mode is certain."""
    primary = _percent(case.primary.story, mode)
    secondary = _percent(case.secondary.story, mode)
    if primary is not None and secondary is not None:
        if _alike(mode, primary, secondary):
            return PercentageShare(primary)
        return PercentageShare(dispute=_dispute(case, primary, secondary))
    if primary is not None:
        return _of_primary(case, mode, primary)
    if secondary is not None:
        return _of_secondary(case, mode, secondary)
    return PercentageShare()


def _of_primary(case: Case, mode: Mode, told: int) -> PercentageShare:
    """Return the percentage that only the primary reports now.

    A silent secondary may have reported another one before.
    """
    last_percent = _percent(last_story(case.secondary), mode)
    match _belief(case, mode, told, told, last_percent):
        case Belief.BELIEVED:
            return PercentageShare(told)
        case Belief.DISPUTED:
            return PercentageShare(dispute=_dispute(case, told, last_percent))
        case Belief.LEFT_ALONE:
            return PercentageShare()


def _of_secondary(case: Case, mode: Mode, told: int) -> PercentageShare:
    """Only the secondary gives a number: evidence if it can mean one thing only."""
    last_percent = _percent(last_story(case.primary), mode)
    value = _primary_share(case, mode, told, last_percent)
    if value is None and (case.silence is None or PERCENTAGE not in case.silence.open):
        return PercentageShare()
    match _belief(case, mode, told, value, last_percent):
        case Belief.BELIEVED:
            return PercentageShare(value)
        case Belief.DISPUTED:
            return PercentageShare(dispute=_dispute(case, last_percent, told))
        case Belief.LEFT_ALONE:
            return PercentageShare()


def _belief(case: Case, mode: Mode, told: int, value: int | None, last: int | None) -> Belief:
    earlier_percent = case.silence.before if case.silence is not None else None
    return case.believe(
        PERCENTAGE,
        value,
        agrees=last is None or _alike(mode, told, last),
        news=_percent(earlier_percent, mode) != told,
    )


def _primary_share(case: Case, mode: Mode, told: int, last: int | None) -> int | None:
    """The primary's share as far as the secondary's word alone tells it."""
    if mode is Mode.HOT_STANDBY or told == _HALF:
        return told
    # What was told or stored under another order is the share of the old primary. A server before
    # 2012 R2 does not report the order, so its earlier word may be about any.
    spoke = last_story(case.primary)
    if spoke is not None and spoke.server_type is not ServerType.PRIMARY:
        last = None
    for candidate in () if case.swapped else (last, case.stored(PERCENTAGE)):
        if isinstance(candidate, int) and _alike(mode, told, candidate):
            return candidate
    match case.inputs.rules.percent_reading:
        case PercentReading.OWN_SHARE:
            return _WHOLE - told
        case PercentReading.PRIMARY_SHARE:
            return told
        case PercentReading.UNSET:
            return None


def _percent(story: Story | None, mode: Mode) -> int | None:
    if story is None or story.mode is not mode:
        return None
    is_balance = mode is Mode.LOAD_BALANCE
    return story.load_balance_percent if is_balance else story.reserve_percent


def _alike(mode: Mode, one: int, two: int) -> bool:
    return one == two or (mode is Mode.LOAD_BALANCE and one + two == _WHOLE)


def _dispute(case: Case, primary: int | None, secondary: int | None) -> Testimony:
    in_order = (primary, secondary) if case.order.primary == 0 else (secondary, primary)
    return case.both_say(PERCENTAGE, *in_order)
