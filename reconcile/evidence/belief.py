"""When one partner is silent: is the other one believed? (R2, the paragraph below its table).

A silent partner's latest reading still speaks.  What contradicts it is believed only as news.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from reconcile.model.findings import Finding, Kind
from reconcile.model.nouns import Story


class Belief(Enum):
    """Results of a check of something that only one partner reports."""

    BELIEVED = "believed"
    LEFT_ALONE = "left alone"
    DISPUTED = "left alone and a disagreement"


@dataclass(frozen=True, slots=True)
class SilentPartner:
    """The case of one teller: what the silent one said last, what the teller said before.

    ``last`` None: the silent one never told this relationship.  ``before_read`` tells whether
    the teller has a previous reading; ``before`` is what it told in it (None: not this one).
    ``open`` holds the subjects (properties, scopes) that are in dispute already, ``missed`` those
    that one was read without while the other was silent.
    """

    last: Story | None
    before_read: bool
    before: Story | None
    open: frozenset[str]
    missed: frozenset[str] = frozenset()


def believe(*, agrees: bool, disputed: bool, news: bool, stored: bool) -> Belief:
    """Judge one value: does the silent one's last word agree, is a dispute open, is it news,
    and does the store (or a pending operation) have it already?
    """
    if agrees:
        return Belief.BELIEVED
    if disputed:
        return Belief.DISPUTED
    if news:
        return Belief.BELIEVED
    return Belief.LEFT_ALONE if stored else Belief.DISPUTED


def open_subjects(findings: tuple[Finding, ...], kind: Kind) -> frozenset[str]:
    """Return the subjects of the open findings of a kind: property names, or scopes with dots."""
    return frozenset(subject for f in findings if f.kind is kind for subject, _ in f.values)
