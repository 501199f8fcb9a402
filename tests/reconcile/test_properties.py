"""What holds for every fleet: the promises of the core, tried on generated histories."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

from hypothesis import HealthCheck, assume, given, note, settings
from hypothesis import strategies as st

from reconcile.findings.drift import drift
from reconcile.findings.life import Drift
from reconcile.judging.diff import diff
from reconcile.kinds.table import AT_CLOSE
from reconcile.model.findings import Finding, Kind
from reconcile.model.names import fold_relationship
from reconcile.model.nouns import Operation, State
from reconcile.model.record import ATTRIBUTES, EntryStatus, Hold, Planned, Record
from reconcile.planning.plan import Plan
from tests.reconcile.fleet import HUB, OTHER, SPOKE, Ipam, both, nets, told_by
from tests.reconcile.strategies import History, Round, Told, histories

T = TypeVar("T")
more = settings(
    max_examples=60,
    deadline=None,  # a busy machine is no failure
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def lived(history: History, apply_all: bool = True) -> Ipam:
    """IPAM after all rounds of a history but the last."""
    note(repr(history))
    ipam = Ipam(servers=history.managed)
    for moment in history.rounds[:-1]:
        ipam.run(history.told(moment), apply_all=apply_all)
    return ipam


def changes(ipam: Ipam, plan: Plan) -> tuple[object, ...]:
    """All that recording the plan would write, besides what the close of a run settles."""
    life = life_of(ipam, plan)
    news = (*life.opened, *life.changed, *life.resolved)
    return (
        plan.new,
        plan.superseded,
        plan.ended,
        tuple(f.fingerprint for f in news if f.kind not in AT_CLOSE),
    )


NOTHING = ((), (), (), ())


def life_of(ipam: Ipam, plan: Plan) -> Drift:
    return drift(plan.findings, ipam.findings.values(), plan.judged)


@more
@given(histories(rounds=2))
def test_diff_of_equal_is_empty(history: History) -> None:
    """A record compared with its own values gives no change."""
    ipam = lived(history)
    for record in ipam.records.values():
        assert diff(record, {p: getattr(record, a) for p, a in ATTRIBUTES.items()}) == ()


@more
@given(histories(rounds=3), st.booleans())
def test_the_same_input_gives_the_same_bytes(history: History, apply_all: bool) -> None:
    """Judging twice gives the same plan to the byte, and judging changes nothing of its input."""
    ipam = lived(history, apply_all)
    told = history.told(history.rounds[-1])
    before = repr(ipam)
    assert repr(ipam.plan(told)) == repr(ipam.plan(told))
    assert repr(ipam) == before


def test_the_bytes_do_not_depend_on_the_hash_seed() -> None:
    """Sets of words are iterated in another order by every process; no plan shows it."""
    code = (
        "from tests.reconcile.test_properties import example;"
        "import sys; sys.stdout.write(example())"
    )
    seen = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(seen) == 1
    assert "FailoverCreate" in seen.pop()


def example() -> str:
    """A plan with many names in it: short, unknown, ambiguous, disputed."""
    one, two = both()
    stories: Told = {
        HUB: [
            replace(
                one,
                mclt_seconds=60,
                scopes=nets("10.1.0.0", "10.7.0.0"),
                auto_state_transition=True,
            ),
            replace(told_by(HUB, OTHER, "X"), partner="nobody"),
            replace(told_by(HUB, OTHER, "Y", unknown_values=(("State", "?"),)), partner="nowhere"),
        ],
        SPOKE: [two, replace(told_by(SPOKE, OTHER, "Z"), partner="dhcp03")],
        OTHER: None,
    }
    return repr(Ipam().plan(stories))


@more
@given(histories(rounds=3), st.booleans(), st.randoms(use_true_random=False))
def test_the_order_of_input_never_matters(
    history: History, apply_all: bool, chance: random.Random
) -> None:
    """Servers, readings, stories, records, entries and findings in any order: one plan."""
    ipam = lived(history, apply_all)
    told = history.told(history.rounds[-1])
    assert shuffled(ipam, chance).plan(mixed_told(told, chance)) == ipam.plan(told)


def mixed(items: Iterable[T], chance: random.Random) -> list[T]:
    every = list(items)
    chance.shuffle(every)
    return every


def mixed_told(told: Told, chance: random.Random) -> Told:
    return {
        server: None if stories is None else mixed(stories, chance)
        for server, stories in mixed(told.items(), chance)
    }


def shuffled(ipam: Ipam, chance: random.Random) -> Ipam:
    previous = {
        k: replace(v, stories=tuple(mixed(v.stories, chance)))
        for k, v in mixed(ipam.previous.items(), chance)
    }
    return replace(
        ipam,
        servers=tuple(
            replace(s, aliases=tuple(mixed(s.aliases, chance))) for s in mixed(ipam.servers, chance)
        ),
        records=dict(mixed(ipam.records.items(), chance)),
        entries=dict(mixed(ipam.entries.items(), chance)),
        findings=dict(mixed(ipam.findings.items(), chance)),
        previous=previous,
        watches=dict(mixed(ipam.watches.items(), chance)),
    )


@more
@given(histories(rounds=4), st.booleans())
def test_no_evidence_no_removal(history: History, apply_all: bool) -> None:
    """What is planned to be taken away was told by nobody, and whoever could tell it was read."""
    ipam = Ipam(servers=history.managed)
    for moment in history.rounds:
        told = history.told(moment)
        plan = ipam.plan(told)
        for planned in plan.new:
            if planned.destructive:
                assert_proven(planned, ipam.records[planned.record or 0], told)
        ipam.run(told, apply_all=apply_all)


def assert_proven(planned: Planned, record: Record, told: Told) -> None:
    assert planned.operation in (Operation.DELETE, Operation.REMOVE_SCOPES)
    readings = {server.id: stories for server, stories in told.items()}
    name = fold_relationship(record.relationship_name)
    for partner in record.partners:
        stories = readings[partner]
        assert stories is not None, "a server that was not read proves nothing"
        about = [s for s in stories if fold_relationship(s.name) == name]
        if planned.operation is Operation.REMOVE_SCOPES:
            assert all(s.scopes.isdisjoint(planned.scopes) for s in about)
        elif planned.reason.startswith("the same relationship as"):
            continue  # a second half of one relationship, held for a person
        else:
            assert about == [], "a relationship that a partner tells is not deleted"
    if len(record.partners) == 1 or planned.reason.startswith("the same relationship as"):
        assert planned.hold is Hold.ONE_WITNESS


@more
@given(histories(rounds=3), st.booleans())
def test_applying_a_plan_makes_the_next_plan_empty(history: History, partly: bool) -> None:
    """The same world again, whoever is silent in it, writes nothing and opens no finding (R10)."""
    ipam = lived(history, apply_all=not partly)
    told = history.told(history.rounds[-1])
    ipam.run(told, minutes=1)
    assert changes(ipam, ipam.plan(told)) == NOTHING


@more
@given(histories(rounds=3))
def test_a_plan_that_waits_for_people_is_not_made_again(history: History) -> None:
    """Nothing applied, the same world: each need is one line and stays that line (R5)."""
    ipam = lived(history, apply_all=False)
    told = history.told(history.rounds[-1])
    ipam.run(told, apply_all=False, minutes=1)
    assert changes(ipam, ipam.plan(told)) == NOTHING


@more
@given(histories(rounds=4))
def test_what_was_held_stays_held(history: History) -> None:
    """No run lets go what waits for a person: it stays as it is or is superseded."""
    ipam = Ipam(servers=history.managed)
    for moment in history.rounds:
        ipam.run(history.told(moment))
        held = {n: e for n, e in ipam.entries.items() if e.planned.hold}
        ipam.run(history.told(moment))
        for number, entry in held.items():
            assert ipam.entries[number].planned.hold is entry.planned.hold
            assert ipam.entries[number].status in (EntryStatus.PENDING, EntryStatus.SUPERSEDED)
        for entry in ipam.entries.values():
            alone = entry.planned.hold is Hold.ONE_WITNESS
            assert not (alone and entry.status is EntryStatus.APPLIED)


@more
@given(histories(rounds=3), st.booleans())
def test_an_unread_server_changes_nothing_of_its_own_side(
    history: History, apply_all: bool
) -> None:
    """Its state stays, its relationships stay, and what is only known from it stays open (R1).

    Where nobody could name its partner it was the only one concerned; a partner that can be named
    by now and was read is evidence as good as its own.
    """
    ipam = lived(history, apply_all)
    moment = history.rounds[-1]
    told = history.told(moment)
    plan = ipam.plan(told)
    for planned in plan.new:
        record = ipam.records.get(planned.record or 0)
        if record is not None:
            assert_side_left_alone(planned, record, moment.silent)
    for finding in life_of(ipam, plan).resolved:
        name = fold_relationship(finding.relationship or "")
        judged = frozenset[int]().union(
            *(p for p in plan.judged.pairs.get(name, ()) if p.issuperset(finding.servers))
        )
        if finding.kind not in AT_CLOSE:
            assert not judged.union(finding.servers) <= moment.silent, finding


def assert_side_left_alone(planned: Planned, record: Record, silent: frozenset[int]) -> None:
    touched = {c.property for c in planned.changes}
    swap = {"Server1RecordId", "Server2RecordId"} <= touched
    for number, server in ((1, record.server1_record_id), (2, record.server2_record_id)):
        if server in silent:
            assert not planned.destructive
            assert swap or f"Server{number}State" not in touched
            assert swap or f"Server{number}RecordId" not in touched


@more
@given(histories(rounds=3))
def test_pairs_that_nobody_was_read_of_are_left_alone(history: History) -> None:
    """With both partners silent nothing is planned, superseded or resolved."""
    ipam = lived(history, apply_all=False)
    told: Told = dict.fromkeys(history.managed)
    plan = ipam.plan(told)
    life = life_of(ipam, plan)
    assert (plan.new, plan.superseded, plan.ended, life.resolved) == ((), (), (), ())
    assert {f.kind for f in (*life.opened, *life.changed)} <= {Kind.SERVER_UNREAD}


@more
@given(histories(rounds=2, all_known=True), st.integers(0, 1))
def test_a_row_does_not_flip_with_whoever_is_down(history: History, first: int) -> None:
    """Partners that disagree and take turns in being down: IPAM's rows settle and stay.

    They have settled when each of them was read twice: once with its news, once without.
    """
    assume(history.links)
    ipam = lived(history)
    fixed = history.rounds[-1]
    settled: list[dict[int, Record]] = []
    for turn in range(8):
        ipam.run(taking_turns(history, fixed, turn + first), minutes=1)
        settled.append({k: unstated(r) for k, r in ipam.records.items()})
    assert all(one == two for one, two in pairwise(settled[3:]))


@more
@given(histories(rounds=2, all_known=True), st.integers(0, 1))
def test_findings_do_not_flap_with_whoever_is_down(history: History, first: int) -> None:
    """A fixed disagreement is one alert, not one per change of turns (R2, R11)."""
    assume(history.links)
    ipam = lived(history)
    fixed = history.rounds[-1]
    seen: list[set[str]] = []
    for turn in range(8):
        ipam.run(taking_turns(history, fixed, turn + first), minutes=1)
        seen.append({f.fingerprint for f in ipam.findings.values() if lasting(f)})
    assert all(one == two for one, two in pairwise(seen[4:]))


def taking_turns(history: History, fixed: Round, turn: int) -> Told:
    """The first partner of each link is down in even turns, the others in odd ones."""
    firsts = {link.one.id for link in history.links}
    down = firsts if turn % 2 else {s.id for s in history.servers} - firsts
    return history.told(replace(fixed, silent=frozenset(down)))


def unstated(record: Record) -> Record:
    """States are facts of the server that was read last; all else must not change."""
    return replace(record, server1_state=State.UNKNOWN, server2_state=State.UNKNOWN)


def lasting(finding: Finding) -> bool:
    return finding.kind not in {Kind.SERVER_UNREAD, *AT_CLOSE}


@more
@given(histories(rounds=3, agree=True, all_known=True))
def test_ipam_becomes_what_both_partners_tell(history: History) -> None:
    """Everybody readable and of one mind: the rows are what the servers have, and no more."""
    ipam = lived(history)
    moment = calm(history.rounds[-1])
    told = history.told(moment)
    for _ in range(4):
        ipam.run(told)
    wanted = {
        (fold_relationship(link.name), frozenset((link.one.id, link.two.id))): (
            one.mclt,
            one.mode,
            one.scopes,
            {link.one.id: one.state, link.two.id: two.state},
        )
        for link, (one, two) in zip(history.links, moment.halves, strict=True)
        if one.there
    }
    assert {key_of(r): told_of(r) for r in ipam.records.values()} == wanted
    assert ipam.pending() == []


def calm(moment: Round) -> Round:
    """Nobody is silent, and both partners have what the first has."""
    halves = tuple((one, replace(one, state=two.state)) for one, two in moment.halves)
    return replace(moment, halves=halves, silent=frozenset())


def key_of(record: Record) -> tuple[str, frozenset[int]]:
    return fold_relationship(record.relationship_name), frozenset(record.partners)


def told_of(record: Record) -> tuple[object, ...]:
    states = {
        record.server1_record_id: record.server1_state,
        record.server2_record_id: record.server2_state,
    }
    return (record.mclt_seconds, record.mode, record.scopes, states)
