"""``server_down``: an unread server by the word of its partners."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest

from reconcile.findings.down import Down, Scene, down
from reconcile.model.findings import Finding, Kind
from reconcile.model.names import NameMap
from reconcile.model.nouns import Identity, Mode, Seen, Server, State
from reconcile.model.record import Record
from tests.reconcile.fleet import START, told_by

HUB = Server(1, "hub.corp.example", ("10.0.0.1",))
SPOKES = tuple(Server(n, f"spoke{n}.corp.example", (f"10.0.0.{n}",)) for n in range(2, 6))
AGE = timedelta(hours=1)
UNREAD = Finding(Kind.SERVER_UNREAD, None, (HUB.id,), "It could not be read.")
KNOWN = Finding(Kind.SERVER_DOWN, None, (HUB.id,), "It is down, as was said then.")

LOST, ALONE, NORMAL = State.COMMUNICATIONS_INTERRUPTED, State.PARTNER_DOWN, State.NORMAL


@dataclass(frozen=True)
class Says:
    """What a spoke told, and how long ago; of several relationships with the hub if there are."""

    states: tuple[State, ...]
    minutes: float = 1
    unread: bool = False
    machine: str | None = None


def says(*states: State, **how: object) -> Says:
    return Says(states, **how)  # type: ignore[arg-type]  # per test


@dataclass(frozen=True)
class Case:
    """Spokes in turn; the hub was read before ``hub_minutes``, None: never."""

    spokes: tuple[Says, ...]
    hub_minutes: float | None = 120
    problems: tuple[Finding, ...] = (UNREAD,)
    resting: frozenset[int] = frozenset()
    paused: frozenset[tuple[str, int]] = frozenset()
    names: NameMap = field(default_factory=lambda: NameMap((HUB, *SPOKES)))

    @property
    def scene(self) -> Scene:
        told = list(zip(SPOKES, self.spokes, strict=False))
        latest = {spoke.id: _reading(spoke, word) for spoke, word in told}
        if self.hub_minutes is not None:
            latest[HUB.id] = Seen(HUB.id, _ago(self.hub_minutes), ())
        return Scene(
            servers={s.id: s.name for s in (HUB, *SPOKES)},
            names=self.names,
            unread=frozenset({HUB.id, *(s.id for s, word in told if word.unread)}),
            records=tuple(
                Record(
                    key=10 * spoke.id + number,
                    relationship_name=_name(spoke, number),
                    mode=Mode.LOAD_BALANCE,
                    server1_record_id=HUB.id,
                    server2_record_id=spoke.id,
                )
                for spoke, word in told
                for number, _ in enumerate(word.states)
            ),
            latest=latest,
            problems=self.problems,
            now=START,
            evidence_age=AGE,
            resting=self.resting,
            paused=self.paused,
        )


def _ago(minutes: float) -> datetime:
    return START - timedelta(minutes=minutes)


def _name(spoke: Server, number: int) -> str:
    return f"Hub-{spoke.id}-{number}"


def _reading(spoke: Server, word: Says) -> Seen:
    stories = tuple(
        told_by(spoke, HUB, _name(spoke, number), primary=False, state=state)
        for number, state in enumerate(word.states)
    )
    identity = None if word.machine is None else Identity(machine_id=word.machine)
    return Seen(spoke.id, _ago(word.minutes), stories, identity)


def judged(case: Case, servers: Collection[int] = (HUB.id,)) -> list[Down]:
    return list(down(case.scene, servers))


def is_down(spokes: Iterable[Says], **case: object) -> bool:
    return bool(judged(Case(tuple(spokes), **case)))  # type: ignore[arg-type]  # per test


@pytest.mark.parametrize(
    ("spokes", "expected"),
    [
        # nobody to ask, or nobody in trouble
        ([], False),
        ([says(NORMAL)], False),
        ([says(NORMAL), says(NORMAL)], False),
        # all
        ([says(LOST)], True),
        ([says(ALONE)], True),
        ([says(LOST), says(ALONE)], True),
        # two or more, whatever others say
        ([says(LOST), says(LOST), says(NORMAL)], True),
        ([says(LOST), says(ALONE), says(NORMAL), says(NORMAL)], True),
        # one of several is a line that is cut
        ([says(LOST), says(NORMAL)], False),
        ([says(ALONE), says(NORMAL), says(NORMAL)], False),
        # other states are no loss, and no silence
        ([says(LOST), says(State.RECOVER)], False),
        ([says(LOST), says(State.UNKNOWN)], False),
        ([says(State.POTENTIAL_CONFLICT), says(State.STARTUP)], False),
        # a partner is one witness however many relationships it has, and hears by any of them
        ([says(LOST, LOST), says(NORMAL)], False),
        ([says(LOST, LOST)], True),
        ([says(LOST, NORMAL)], False),
        ([says(LOST, NORMAL), says(LOST)], False),
        # so is a machine with two names
        ([says(LOST, machine="m"), says(LOST, machine="m"), says(NORMAL)], False),
        ([says(LOST, machine="m"), says(LOST, machine="n"), says(NORMAL)], True),
        # who cannot be read says nothing
        ([says(LOST, unread=True)], False),
        ([says(LOST), says(NORMAL, unread=True)], True),
        ([says(LOST), says(LOST, unread=True), says(NORMAL)], False),
        # nor does what grew old
        ([says(LOST, minutes=60)], True),
        ([says(LOST, minutes=61)], False),
        ([says(LOST), says(NORMAL, minutes=61)], True),
    ],
)
def test_two_partners_or_all_decide_whether_a_server_is_down(
    spokes: list[Says], expected: bool
) -> None:
    assert is_down(spokes) is expected


@pytest.mark.parametrize(
    ("minutes", "expected"), [(31.0, True), (30.0, False), (29.0, False), (None, True)]
)
def test_what_was_told_before_the_server_itself_answered_is_over(
    minutes: float | None, expected: bool
) -> None:
    """It had come back since; that it cannot be read now is another matter."""
    assert is_down([says(LOST, minutes=30)], hub_minutes=minutes) is expected


def test_only_servers_that_are_unread_and_judged_are_down() -> None:
    case = Case((says(LOST),))
    assert judged(case, ()) == []
    assert judged(case, (HUB.id, SPOKES[0].id)) == judged(case)
    assert not list(down(replace(case.scene, unread=frozenset()), (HUB.id,)))


@pytest.mark.parametrize(
    ("spokes", "expected"),
    [
        # its partners fell silent, too, or were read too long ago
        ([says(LOST, unread=True)], True),
        ([says(LOST, minutes=90), says(LOST, minutes=90)], True),
        ([says(LOST, unread=True), says(LOST), says(NORMAL)], True),
        # one of them had it long ago, and was lost before
        ([says(LOST), says(NORMAL, minutes=90)], True),
        ([says(LOST), says(NORMAL, unread=True)], True),
        ([says(LOST, unread=True), says(NORMAL, unread=True)], True),
        # one that is heard has it again
        ([says(LOST, unread=True), says(LOST, unread=True), says(NORMAL)], False),
        ([says(NORMAL)], False),
        ([says(LOST), says(NORMAL)], False),
        # nobody has a relationship with it any more
        ([], False),
    ],
)
def test_a_server_stays_down_until_it_is_heard_again(spokes: list[Says], expected: bool) -> None:
    """What was not seen is not resolved (R1)."""
    found = judged(Case(tuple(spokes), problems=(UNREAD, KNOWN)))
    assert [d.finding for d in found] == ([KNOWN] if expected else [])


@pytest.mark.parametrize("word", [LOST, NORMAL])
@pytest.mark.parametrize("known", [True, False])
def test_a_server_in_maintenance_stays_what_it_is(word: State, known: bool) -> None:
    problems = (UNREAD, KNOWN) if known else (UNREAD,)
    case = Case((says(word),), problems=problems, resting=frozenset({HUB.id}))
    assert bool(judged(case)) is known


@pytest.mark.parametrize("who", [HUB, SPOKES[0]])
def test_a_relationship_in_maintenance_says_nothing(who: Server) -> None:
    paused = frozenset({("hub-2-0", who.id)})
    assert not is_down([says(LOST)], paused=paused)
    assert is_down([says(LOST), says(LOST)], paused=paused), "the other one still does"


def test_a_relationship_that_a_partner_has_with_somebody_else_by_now_says_nothing() -> None:
    scene = Case((says(LOST),)).scene
    story = told_by(SPOKES[0], SPOKES[1], _name(SPOKES[0], 0), primary=False, state=LOST)
    other = replace(scene.latest[SPOKES[0].id], stories=(story,))
    assert not list(down(replace(scene, latest={SPOKES[0].id: other}), (HUB.id,)))
    unmapped = replace(story, partner="hub.elsewhere", primary_name=None, primary_ip=None)
    kept = replace(other, stories=(unmapped,))
    assert list(down(replace(scene, latest={SPOKES[0].id: kept}), (HUB.id,))), "as stored (R7)"


def about(spoke: Server, grade: State, number: int = 0, partner: Server = HUB) -> Finding:
    """The finding about the state of a relationship; the name as somebody else spells it."""
    name = _name(spoke, number).upper()
    return Finding(Kind.STATE_NOT_NORMAL, name, (partner.id, spoke.id), "", grade=grade)


@pytest.mark.parametrize("silent", [{"unread": True}, {"minutes": 90}])
def test_whoever_is_down_is_still_down_when_the_same_is_heard_again(
    silent: dict[str, object],
) -> None:
    """It was over and back at every run, and never confirmed: people were told nothing at all."""
    case = Case((says(LOST), says(NORMAL, **silent)))
    (first,) = judged(case)
    (second,) = judged(replace(case, problems=(UNREAD, first.finding)))
    assert second == first


def test_it_explains_that_it_is_unread_and_the_states_of_those_who_lost_it() -> None:
    one, two, three, four = SPOKES
    overdue = Finding(Kind.SERVER_OVERDUE, None, (HUB.id,), "")
    explained = (UNREAD, overdue, about(one, LOST), about(two, ALONE), about(three, LOST))
    not_explained = (
        about(one, State.POTENTIAL_CONFLICT, 1),
        about(four, LOST),
        about(two, LOST, 0, partner=three),
        Finding(Kind.SERVER_UNREAD, None, (three.id,), ""),
        Finding(Kind.SERVER_OVERDUE, None, (three.id,), ""),
        Finding(Kind.ONE_SIDED, _name(one, 0), (HUB.id, one.id), ""),
    )
    case = Case(
        (says(LOST, LOST), says(ALONE), says(LOST, unread=True), says(NORMAL)),
        problems=(*explained, *not_explained),
    )
    (found,) = judged(case)
    assert found.explains == tuple(sorted(f.fingerprint for f in explained))


def test_it_says_who_does_not_reach_the_server() -> None:
    (found,) = judged(Case((says(LOST), says(ALONE, ALONE), says(NORMAL), says(LOST, unread=True))))
    assert found.finding.detail.startswith(
        f"{HUB.name} is down: it cannot be read, and 2 of the 3 partners that were read lately do "
        f"not reach it either ({SPOKES[0].name}, {SPOKES[1].name}). "
    )
    assert found.finding.fingerprint == KNOWN.fingerprint


def test_a_partner_more_is_no_other_problem() -> None:
    (one,) = judged(Case((says(LOST),)))
    (two,) = judged(Case((says(LOST), says(LOST))))
    assert (one.finding.values, one.finding.grade) == (two.finding.values, two.finding.grade)
