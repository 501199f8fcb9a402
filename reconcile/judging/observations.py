"""What the stories of a told pair show besides operations: names, odd values, roles, age."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from reconcile.evidence.case import Case, last_story, side_name
from reconcile.evidence.inputs import JudgementInput
from reconcile.evidence.pairing import Pair
from reconcile.evidence.witness import Tells
from reconcile.judging.health import health
from reconcile.kinds.decisions import AMBIGUOUS_NAME, UNMAPPED_NAME
from reconcile.kinds.relationships import (
    RELATIONSHIP_EMPTY,
    ROLE_CONFLICT,
    STALE_EVIDENCE,
    UNKNOWN_VALUE,
)
from reconcile.model.findings import Finding, Kind
from reconcile.model.names import Ambiguous, How, Known, Unknown
from reconcile.model.nouns import Seen, Story


def observations(case: Case) -> tuple[Finding, ...]:
    """Findings about a pair that at least one side tells."""
    findings = [*_names(case), *_unknown_words(case), *health(case.pair, case.inputs)]
    findings.extend(f for f in (_empty(case), _role_conflict(case)) if f is not None)
    return tuple(findings)


def _empty(case: Case) -> Finding | None:
    stories = [side.story or last_story(side) for side in case.pair.sides]
    if any(story is not None and story.scopes for story in stories):
        return None
    return Finding(
        Kind.RELATIONSHIP_EMPTY,
        case.pair.name,
        case.pair.servers,
        RELATIONSHIP_EMPTY.sentence(case.pair.name),
    )


def _role_conflict(case: Case) -> Finding | None:
    if not case.order.conflict:
        return None
    words = tuple(
        sorted((side_name(case.inputs, case.pair, i), word) for i, word in case.order.conflict)
    )
    return Finding(
        Kind.ROLE_CONFLICT,
        case.pair.name,
        case.pair.servers,
        ROLE_CONFLICT.sentence(case.pair.name, words),
        (("role", words),),
    )


def _unknown_words(case: Case) -> Iterator[Finding]:
    for side in case.pair.sides:
        if side.story is None or not side.story.unknown_values or side.server is None:
            continue
        name = case.inputs.name(side.server)
        odd_words = side.story.unknown_values
        yield Finding(
            Kind.UNKNOWN_VALUE,
            case.pair.name,
            (side.server,),
            UNKNOWN_VALUE.sentence(case.pair.name, name, odd_words),
            tuple((p, ((name, w),)) for p, w in odd_words),
        )


def _names(case: Case) -> Iterator[Finding]:
    """Names of partners that match no server, or several: the worklist of R7."""
    for side in case.pair.sides:
        if side.server is None or not isinstance(side.witness, Tells):
            continue
        match side.witness.partner:
            case Unknown() | Known(_, How.STORED):
                yield _unmapped(case, side.server, side.witness.story)
            case Ambiguous(_, candidates):
                yield _ambiguous(case, side.server, side.witness.story, candidates)
            case Known(partner, How.STORED_AMBIGUOUS):
                yield _ambiguous(case, side.server, side.witness.story, (partner,))
            case Known():
                pass


def _unmapped(case: Case, asker: int, story: Story) -> Finding:
    name = case.inputs.name(asker)
    return Finding(
        Kind.UNMAPPED_NAME,
        case.pair.name,
        (asker,),
        UNMAPPED_NAME.sentence(story.name, name, story.partner),
        ((story.partner, ((name, story.name),)),),
    )


def _ambiguous(case: Case, asker: int, story: Story, candidates: tuple[int, ...]) -> Finding:
    name = case.inputs.name(asker)
    names = sorted(case.inputs.name(c) for c in candidates)
    return Finding(
        Kind.AMBIGUOUS_NAME,
        case.pair.name,
        (asker,),
        AMBIGUOUS_NAME.sentence(story.name, name, story.partner, names),
        ((story.partner, tuple((case.inputs.name(c), "candidate") for c in candidates)),),
    )


def stale(pair: Pair, inputs: JudgementInput) -> tuple[Finding, ...]:
    """A stored relationship whose partners were asked, and none was read for too long."""
    times = [_read_at(inputs, s) for s in pair.servers]
    known_times = [t for t in times if t is not None]
    if not known_times or inputs.now - max(known_times) <= inputs.rules.evidence_age:
        return ()
    latest = max(known_times)
    return (
        Finding(
            Kind.STALE_EVIDENCE,
            pair.name,
            pair.servers,
            STALE_EVIDENCE.sentence(pair.name, latest),
            (("last read", (("IPAM", latest.isoformat(timespec="seconds")),)),),
        ),
    )


def _read_at(inputs: JudgementInput, server: int) -> datetime | None:
    reading = inputs.sightings.get(server)
    if not isinstance(reading, Seen):
        reading = inputs.previous.get(server)
    return None if reading is None else reading.read_at
