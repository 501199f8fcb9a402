"""One pair under judgement, with the questions that its parts ask again and again."""

from __future__ import annotations

from dataclasses import dataclass

from reconcile.evidence.belief import Belief, SilentPartner, believe
from reconcile.evidence.inputs import JudgementInput
from reconcile.evidence.order import Order
from reconcile.evidence.pairing import Pair, PairSide
from reconcile.evidence.witness import Silent, Tells, Unmanaged
from reconcile.model.findings import Testimony
from reconcile.model.formatting import said
from reconcile.model.nouns import Story, Value
from reconcile.model.record import ATTRIBUTES


@dataclass(frozen=True, slots=True)
class Case:
    """A pair that at least one partner tells.

    ``silence`` is None where both tell it; ``pending`` are the values that pending operations
    would write, by property.
    """

    pair: Pair
    inputs: JudgementInput
    order: Order
    silence: SilentPartner | None
    pending: dict[str, Value]

    @property
    def swapped(self) -> bool:
        """True if a stored order is to change."""
        return self.pair.record is not None and self.order.primary == 1

    @property
    def primary(self) -> PairSide:
        """The side that is Server1 by the order found."""
        return self.pair.sides[self.order.primary]

    @property
    def secondary(self) -> PairSide:
        """The side that is Server2 by the order found."""
        return self.pair.sides[1 - self.order.primary]

    @property
    def teller(self) -> PairSide:
        """The side that tells, the first if both do."""
        one, two = self.pair.sides
        return one if one.story is not None else two

    def stored(self, property: str) -> Value:
        """Return the value in the record, or None if it has none or there is no record."""
        record = self.pair.record
        return None if record is None else getattr(record, ATTRIBUTES[property])

    def believe(self, property: str, value: Value, *, agrees: bool, news: bool) -> Belief:
        """Whether the only teller is believed about a property (both tell it: always)."""
        if self.silence is None:
            return Belief.BELIEVED
        return believe(
            agrees=agrees,
            disputed=property in self.silence.open,
            news=self.silence.before_read and news,
            stored=self._has(property, value),
        )

    def _has(self, property: str, value: Value) -> bool:
        """True if the record has the value, or a pending operation would write it."""
        if self.pair.record is None:
            return False
        return value == self.stored(property) or (
            property in self.pending and self.pending[property] == value
        )

    def both_say(self, property: str, one: Value, two: Value) -> Testimony:
        """Return what each side reports of a property, in the order of the sides."""
        return self.both_say_words(property, said(property, one), said(property, two))

    def both_say_words(self, what: str, one: str, two: str) -> Testimony:
        """Return what each side reports in words that are no values of a property, by name."""
        first_name, second = (side_name(self.inputs, self.pair, i) for i in (0, 1))
        return (what, tuple(sorted(((first_name, one), (second, two)))))


def side_name(inputs: JudgementInput, pair: Pair, index: int) -> str:
    """IPAM's name of a side, else the text that the other side printed for it."""
    side = pair.sides[index]
    if side.server is not None:
        return inputs.name(side.server)
    if isinstance(side.witness, Unmanaged) and side.witness.name.text:
        return side.witness.name.text
    record = pair.record
    if record is not None:
        stored = record.server2_ps_name if index else record.server1_ps_name
        return stored or "an unmapped partner"
    return "an unmapped partner"


def last_story(side: PairSide) -> Story | None:
    """The story of a silent side's latest reading."""
    silent = side.witness
    if isinstance(silent, Silent) and isinstance(silent.last, Tells):
        return silent.last.story
    return None
