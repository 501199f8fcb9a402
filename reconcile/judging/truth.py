"""One truth out of two stories: which value each property has, as far as it is certain.

What is in dispute or without evidence is left out of ``values``: it is neither written nor
cleared.
"""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter
from typing import Final

from reconcile.evidence.belief import Belief
from reconcile.evidence.case import Case
from reconcile.judging.parties import side_values
from reconcile.judging.percentage import share
from reconcile.model.finding_words import PERCENTAGE
from reconcile.model.findings import Testimony
from reconcile.model.nouns import Mode, Story, Value

#: The properties that both partners tell alike and that are compared as they are.
SHARED: Final[tuple[str, ...]] = (
    "Mode",
    "MCLT",
    "AutoStateTransition",
    "StateSwitchInterval",
    "SharedSecretEnabled",
)
#: Their values in a story, in this order.
shared_of = attrgetter(
    "mode", "mclt_seconds", "auto_state_transition", "state_switch_interval_seconds", "enable_auth"
)


@dataclass(frozen=True, slots=True)
class Truth:
    """The certain values of a relationship without its scopes, and the partners' disputes."""

    values: dict[str, Value]
    disputes: tuple[Testimony, ...]


def truth(case: Case) -> Truth:
    """Make one truth of a pair that at least one side tells."""
    values: dict[str, Value] = {}
    disputes: list[Testimony] = []
    first_story, two = case.pair.sides[0].story, case.pair.sides[1].story
    if first_story is not None and two is not None:
        _shared_by_both(case, first_story, two, values, disputes)
    else:
        _shared_by_one(case, values, disputes)
    mode = values.get("Mode")
    if isinstance(mode, Mode):
        percent = share(case, mode)
        if percent.value is not None:
            values[PERCENTAGE] = percent.value
        if percent.dispute is not None:
            disputes.append(percent.dispute)
    values.update(side_values(case))
    return Truth(values, tuple(disputes))


def _shared_by_both(
    case: Case, one: Story, two: Story, values: dict[str, Value], disputes: list[Testimony]
) -> None:
    for property, x, y in zip(SHARED, shared_of(one), shared_of(two), strict=True):
        if x == y:
            if x is not None or property != "Mode":
                values[property] = x
        elif property != "Mode" or (x is not None and y is not None):
            disputes.append(case.both_say(property, x, y))


def _shared_by_one(case: Case, values: dict[str, Value], disputes: list[Testimony]) -> None:
    teller = case.teller.story
    assert teller is not None  # noqa: S101 - the teller tells
    assert case.silence is not None  # noqa: S101 - there is one teller
    last_story, earlier_story = case.silence.last, case.silence.before
    current_values = shared_of(teller)
    last_values = current_values if last_story is None else shared_of(last_story)
    earlier = (None,) * len(current_values) if earlier_story is None else shared_of(earlier_story)
    for property, value, last_value, earlier_value in zip(
        SHARED, current_values, last_values, earlier, strict=True
    ):
        if property == "Mode" and value is None:
            continue
        news = earlier_story is None or earlier_value != value
        belief = case.believe(property, value, agrees=value == last_value, news=news)
        if belief is Belief.BELIEVED:
            values[property] = value
        elif belief is Belief.DISPUTED:
            disputes.append(_against_last(case, property, value, last_value))


def _against_last(case: Case, property: str, value: Value, last: Value) -> Testimony:
    first_tells = case.pair.sides[0].story is not None
    return case.both_say(property, *((value, last) if first_tells else (last, value)))
