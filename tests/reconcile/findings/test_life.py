"""The life of a problem: confirmed before it is open, over by evidence only, damped while it flaps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.findings.drift import Judged, drift
from reconcile.findings.life import Life, LifeStep, Patience, begin, go_on
from reconcile.kinds.table import KINDS
from reconcile.model.findings import Event, Finding, Kind
from reconcile.model.nouns import State

START = datetime(2026, 3, 1, 6, 0, tzinfo=UTC)
INTERRUPTED = Finding(
    Kind.STATE_NOT_NORMAL,
    "HQ",
    (1, 2),
    "dhcp01 is in state CommunicationsInterrupted.",
    (("State", (("dhcp01", "CommunicationsInterrupted"),)),),
    grade=State.COMMUNICATIONS_INTERRUPTED,
)
DOWN = replace(INTERRUPTED, grade=State.PARTNER_DOWN)
MISMATCH = Finding(Kind.PARTNER_MISMATCH, "HQ", (1, 2), "They differ.", (("MCLT", ()),))
PATIENCE = Patience(
    apart=timedelta(minutes=10), flaps=3, window=timedelta(hours=24), calm=timedelta(hours=1)
)


def other(finding: Finding, word: str) -> Finding:
    """The same problem with other values."""
    return replace(finding, values=((word, ()),))


@dataclass
class Problem:
    """One problem through judgements, as ``worker.runs.findings`` leads it: what is kept, what is told.

    Judged ``late`` after its reading began.
    """

    now: datetime = START
    finding: Finding | None = None
    life: Life | None = None
    openings: tuple[datetime, ...] = ()
    told: list[tuple[Event, datetime]] = field(default_factory=list)
    late: timedelta = timedelta()

    def later(self, **time: float) -> Problem:
        self.now += timedelta(**time)
        return self

    def seen(self, finding: Finding, *, heard: bool = True) -> Problem:
        """It is there; not ``heard``: only what was said before says so."""
        return self._judged([finding], covered=True, heard=heard)

    def gone(self) -> Problem:
        """Whoever would show it was read, and it is not there."""
        return self._judged([], covered=True)

    def unjudged(self) -> Problem:
        return self._judged([], covered=False)

    @property
    def events(self) -> list[Event]:
        return [event for event, _ in self.told]

    @property
    def is_open(self) -> bool:
        return self.life is not None and self.life.confirmed_at is not None

    def _judged(self, now: list[Finding], *, covered: bool, heard: bool = True) -> Problem:
        pairs = {"hq": (frozenset({1, 2}),)} if covered else {}
        before = [] if self.finding is None else [self.finding]
        change = drift(now, before, Judged(pairs, frozenset()))
        lives = {} if self.life is None else {before[0].fingerprint: self.life}
        read_at = self.now - self.late
        present = {f.fingerprint: read_at for f in now} if heard else {}
        steps = [begin(f, self.now, self.openings, read_at=read_at) for f in change.opened]
        for step in (*steps, *go_on(change, present, lives, self.now, PATIENCE)):
            self._becomes(step)
        return self

    def _becomes(self, step: LifeStep) -> None:
        if step.life is None:
            assert self.life is not None
            self.openings = self.life.openings
        self.life = step.life
        self.finding = None if step.life is None else step.finding
        if step.event is not None:
            self.told.append((step.event, self.now))


class TestConfirmation:
    """It opens when so many readings, far enough apart, saw it."""

    def test_most_problems_are_open_at_once(self) -> None:
        assert Problem().seen(MISMATCH).events == [Event.OPENED]

    @pytest.mark.parametrize(
        "kind", [kind for kind, spec in KINDS.items() if spec.default.confirmations > 1]
    )
    def test_what_may_be_a_flicker_is_open_when_it_is_seen_again(self, kind: Kind) -> None:
        finding = replace(MISMATCH, kind=kind)
        problem = Problem().seen(finding)
        assert (problem.events, problem.is_open) == ([], False)
        problem.later(minutes=10).seen(finding)
        assert (problem.events, problem.is_open) == ([Event.OPENED], True)

    @pytest.mark.parametrize("grade", [State.PARTNER_DOWN, State.POTENTIAL_CONFLICT])
    def test_a_state_that_is_no_flicker_is_open_at_once(self, grade: State) -> None:
        assert Problem().seen(replace(INTERRUPTED, grade=grade)).events == [Event.OPENED]

    def test_a_flicker_wakes_nobody(self) -> None:
        problem = Problem().seen(INTERRUPTED).later(minutes=20).gone()
        assert (problem.events, problem.life) == ([], None)

    def test_readings_soon_after_each_other_are_one(self) -> None:
        problem = Problem().seen(INTERRUPTED)
        for _ in range(9):
            assert problem.later(minutes=1).seen(INTERRUPTED).events == []
        assert problem.later(minutes=1).seen(INTERRUPTED).events == [Event.OPENED]

    def test_one_reading_is_one_however_late_it_is_judged_again(self) -> None:
        problem = Problem().seen(INTERRUPTED).later(minutes=15)
        problem.late = timedelta(minutes=14)
        assert problem.seen(INTERRUPTED).events == []
        problem.late = timedelta(minutes=4)
        assert problem.later(minutes=1).seen(INTERRUPTED).events == [Event.OPENED]

    def test_readings_are_as_far_apart_as_they_began(self) -> None:
        problem = Problem(late=timedelta(minutes=6)).seen(INTERRUPTED)
        problem.late = timedelta()
        assert problem.later(minutes=5).seen(INTERRUPTED).events == [Event.OPENED]

    def test_what_nobody_read_again_is_not_confirmed(self) -> None:
        """Nor by an old word of who is silent now (R1)."""
        problem = Problem().seen(INTERRUPTED).later(minutes=20).unjudged()
        assert problem.later(minutes=20).seen(INTERRUPTED, heard=False).events == []
        assert problem.seen(other(INTERRUPTED, "one of two"), heard=False).events == []
        assert problem.later(minutes=20).seen(INTERRUPTED).events == [Event.OPENED]

    def test_other_values_at_every_reading_do_not_keep_it_from_being_open(self) -> None:
        """A server that cannot be read for another reason each time cannot be read."""
        problem = Problem().seen(other(INTERRUPTED, "refused"))
        problem.later(minutes=5).seen(other(INTERRUPTED, "timed out"))
        assert problem.events == [], "too soon"
        problem.later(minutes=5).seen(other(INTERRUPTED, "refused"))
        assert problem.events == [Event.OPENED]

    def test_what_gets_worse_may_be_open_at_once(self) -> None:
        problem = Problem().seen(INTERRUPTED).later(minutes=1).seen(DOWN)
        assert problem.events == [Event.OPENED]

    def test_one_that_is_over_is_confirmed_anew(self) -> None:
        problem = Problem().seen(INTERRUPTED).later(minutes=20).gone()
        assert problem.later(minutes=20).seen(INTERRUPTED).events == []

    def test_what_persists_is_not_touched(self) -> None:
        """R10: an open problem that is there as before gives no step."""
        change = drift([MISMATCH], [MISMATCH], Judged({}, frozenset()))
        life = begin(MISMATCH, START).life
        assert life is not None
        lives = {MISMATCH.fingerprint: life}
        later = START + timedelta(days=2)
        assert go_on(change, {MISMATCH.fingerprint: later}, lives, later, PATIENCE) == ()


class TestChange:
    """Other values of an open problem are told; it stays the same problem."""

    def test_is_told_once(self) -> None:
        problem = Problem().seen(MISMATCH).later(hours=1).seen(other(MISMATCH, "Mode"))
        problem.later(hours=1).seen(other(MISMATCH, "Mode"))
        assert problem.events == [Event.OPENED, Event.CHANGED]

    def test_keeps_the_beginning(self) -> None:
        problem = Problem().seen(MISMATCH).later(hours=1).seen(other(MISMATCH, "Mode"))
        assert problem.life is not None
        assert problem.life.first_seen == problem.life.confirmed_at == START
        assert problem.life.changed_at == problem.now
        assert problem.life.openings == (START,)


class TestEnd:
    """By evidence, not by silence."""

    def test_unread_is_not_resolved(self) -> None:
        problem = Problem().seen(MISMATCH)
        for _ in range(100):
            problem.later(hours=1).unjudged()
        assert (problem.events, problem.is_open) == ([Event.OPENED], True)
        assert problem.gone().events == [Event.OPENED, Event.RESOLVED]

    def test_one_that_comes_back_has_its_history(self) -> None:
        problem = Problem().seen(MISMATCH).later(hours=1).gone().later(hours=1).seen(MISMATCH)
        assert problem.events == [Event.OPENED, Event.RESOLVED, Event.OPENED]
        assert problem.life is not None
        assert problem.life.first_seen == problem.now, "since it was away"
        assert problem.life.openings == (START, problem.now)


def flapping(times: int) -> Problem:
    """It came so often, ten minutes each, ten minutes apart; it is there."""
    problem = Problem().seen(MISMATCH)
    for _ in range(times - 1):
        problem.later(minutes=10).gone().later(minutes=10).seen(MISMATCH)
    return problem


class TestFlaps:
    """One that comes and goes is open until it is away for long."""

    def test_are_counted_within_the_window(self) -> None:
        problem = flapping(2)
        assert problem.life is not None
        assert problem.life.flaps(problem.now, PATIENCE) == 2
        assert problem.life.flaps(START + timedelta(hours=24), PATIENCE) == 2
        assert problem.life.flaps(START + timedelta(hours=24, minutes=1), PATIENCE) == 1

    def test_it_is_told_so_often_and_then_kept_open(self) -> None:
        problem = flapping(30)
        assert problem.events.count(Event.OPENED) == PATIENCE.flaps
        assert problem.events.count(Event.RESOLVED) == PATIENCE.flaps - 1
        assert problem.is_open

    def test_it_is_over_when_it_was_away_long_enough(self) -> None:
        problem = flapping(5).later(minutes=10).gone()
        problem.later(minutes=59).gone()
        assert problem.events[-1] is Event.OPENED
        problem.later(minutes=1).gone()
        assert (problem.events[-1], problem.life) == (Event.RESOLVED, None)

    def test_it_was_not_away_while_it_came_back_in_between(self) -> None:
        problem = flapping(5).later(minutes=10).gone()
        problem.later(minutes=50).seen(MISMATCH).later(minutes=10).gone()
        assert problem.later(minutes=50).gone().is_open
        assert not problem.later(minutes=10).gone().is_open

    def test_its_absence_is_written_once(self) -> None:
        """R10: as long as it stays away nothing is new."""
        problem = flapping(5).later(minutes=10).gone()
        life = problem.life
        problem.later(minutes=10).gone()
        assert problem.life is life

    def test_other_values_are_told_and_end_the_absence(self) -> None:
        problem = flapping(3).later(minutes=10).gone()
        problem.later(minutes=10).seen(other(MISMATCH, "Mode"))
        assert problem.events[-1] is Event.CHANGED
        assert problem.life is not None
        assert problem.life.absent_since is None

    def test_old_ones_are_forgiven(self) -> None:
        problem = flapping(3).later(hours=25).gone()
        assert problem.events[-1] is Event.RESOLVED


# -------------------------------------------------------------------------------- whatever comes

LOOKS = ("seen", "changed", "worse", "unheard", "gone", "unjudged")
moments = st.tuples(st.sampled_from(LOOKS), st.integers(0, 90))


def lived(what: Sequence[tuple[str, int]], finding: Finding) -> list[Problem]:
    """A problem after each of these, so many minutes after one another."""
    problem, states = Problem(), []
    for n, (look, minutes) in enumerate(what):
        problem.later(minutes=minutes)
        match look:
            case "seen":
                problem.seen(finding)
            case "changed":
                problem.seen(other(finding, str(n)))
            case "worse":
                problem.seen(replace(finding, grade=State.PARTNER_DOWN))
            case "unheard":
                if problem.finding is not None:
                    problem.seen(problem.finding, heard=False)
            case "gone":
                problem.gone()
            case _:
                problem.unjudged()
        states.append(replace(problem, told=list(problem.told)))
    return states


histories = st.lists(moments, min_size=1, max_size=80)
kinds = st.sampled_from([INTERRUPTED, MISMATCH])


@given(what=histories, finding=kinds)
def test_it_opens_and_ends_in_turn_and_changes_only_while_it_is_open(
    what: list[tuple[str, int]], finding: Finding
) -> None:
    """What channels are told makes sense in its order, and agrees with what is stored."""
    states = lived(what, finding)
    is_open = False
    for event in states[-1].events:
        assert is_open is (event is not Event.OPENED)
        is_open = event is not Event.RESOLVED
    assert is_open is states[-1].is_open


@given(what=histories, finding=kinds)
def test_nothing_opens_changes_or_ends_without_a_reading(
    what: list[tuple[str, int]], finding: Finding
) -> None:
    """Neither while it is unjudged nor on an old word (R1)."""
    states = [Problem(), *lived(what, finding)]
    for (before, after), (look, _) in zip(pairwise(states), what, strict=True):
        if look in ("unjudged", "unheard"):
            assert after.told == before.told
            assert after.life == before.life


@given(what=histories)
def test_what_is_open_was_seen_twice_far_enough_apart_since_it_was_away(
    what: list[tuple[str, int]],
) -> None:
    """For a kind that may be a flicker, unless it got worse."""
    states = lived(what, INTERRUPTED)
    seen: list[datetime] = []
    told_before = 0
    for (look, _), state in zip(what, states, strict=True):
        if look in ("seen", "changed", "worse"):
            seen.append(state.now)
        opens = Event.OPENED in [event for event, _ in state.told[told_before:]]
        told_before = len(state.told)
        if opens and look != "worse":
            assert max(seen) - min(seen) >= PATIENCE.apart
        if state.life is None:
            seen.clear()


@given(what=histories, finding=kinds)
def test_after_so_many_openings_each_other_one_follows_a_long_calm(
    what: list[tuple[str, int]], finding: Finding
) -> None:
    """The promise: of the openings in any window, all but the first ``flaps`` came after an absence
    of ``calm``, and in it no reading saw the problem.
    """
    states = lived(what, finding)
    openings = [at for event, at in states[-1].told if event is Event.OPENED]
    sights = [
        state.now
        for (look, _), state in zip(what, states, strict=True)
        if look in ("seen", "changed", "worse")
    ]
    for n, opened in enumerate(openings):
        recent = [at for at in openings[:n] if opened - at <= PATIENCE.window]
        if len(recent) >= PATIENCE.flaps:
            resolved = max(at for e, at in states[-1].told if e is Event.RESOLVED and at <= opened)
            last_sight = max(at for at in sights if at <= resolved)
            assert resolved - last_sight >= PATIENCE.calm


def test_openings_are_remembered_as_far_as_they_count() -> None:
    """The latest, in order, however often it came back."""
    problem = Problem()
    for _ in range(30):
        problem.later(minutes=10).seen(MISMATCH).later(minutes=10).gone().later(hours=1).gone()
    openings = [at for event, at in problem.told if event is Event.OPENED]
    assert len(openings) == 30
    assert PATIENCE.flaps <= len(problem.openings) <= 10
    assert list(problem.openings) == openings[-len(problem.openings) :]
