"""Findings now against the open ones: opened, changed, persisting, resolved by evidence."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from reconcile.findings.drift import Judged, drift, whole
from reconcile.kinds.severity import severity, severity_at
from reconcile.model.findings import LOUDEST_FIRST, Finding, Kind, Severity, at_least
from reconcile.model.nouns import State

PAIR = Finding(Kind.PARTNER_MISMATCH, "HQ", (1, 2), "HQ differs.", (("MCLT", (("a", "1"),)),))
SERVER = Finding(Kind.SERVER_UNREAD, None, (1,), "a could not be read.")
STORE = Finding(Kind.PLAN_REFUSED, None, (), "Too much.")


def judged(
    *pairs: tuple[str, frozenset[int]],
    read: frozenset[int] = frozenset(),
    left: frozenset[tuple[str, frozenset[int]]] = frozenset(),
    targets: frozenset[int] | None = None,
    only: str | None = None,
) -> Judged:
    by_name: dict[str, tuple[frozenset[int], ...]] = {}
    for name, servers in pairs:
        by_name[name] = (*by_name.get(name, ()), servers)
    return Judged(by_name, read, left, targets, only)


BOTH = frozenset({1, 2})
THIS = judged(("hq", BOTH), read=BOTH)


def test_a_new_problem_is_opened() -> None:
    """Nothing like it was open."""
    life = drift([PAIR], [], THIS)
    assert (life.opened, life.changed, life.persisting, life.resolved) == ((PAIR,), (), (), ())


def test_the_same_problem_persists() -> None:
    """Another wording is no change: what is open stays as it was written."""
    life = drift([replace(PAIR, detail="Other words.")], [PAIR], THIS)
    assert life.persisting == (PAIR,)
    assert (life.opened, life.changed, life.resolved) == ((), (), ())


def test_other_values_are_a_change() -> None:
    """One problem is one row: not a new one."""
    other = replace(PAIR, values=(("MCLT", (("a", "2"),)),))
    assert drift([other], [PAIR], THIS).changed == (other,)


def test_another_grade_is_a_change() -> None:
    """A state that became worse."""
    old = Finding(Kind.STATE_NOT_NORMAL, "HQ", (1, 2), "", grade=State.RECOVER)
    new = replace(old, grade=State.PARTNER_DOWN)
    assert drift([new], [old], THIS).changed == (new,)


def test_what_was_judged_and_is_not_found_is_resolved() -> None:
    """By evidence."""
    assert drift([], [PAIR], THIS).resolved == (PAIR,)


@pytest.mark.parametrize(
    "other",
    [
        judged(),
        judged(("dr", BOTH)),
        judged(("hq", frozenset({1, 3}))),
        judged(read=frozenset({1})),
    ],
)
def test_what_was_not_judged_persists(other: Judged) -> None:
    """Another pair, another name, one of two servers: no evidence."""
    life = drift([], [PAIR], other)
    assert (life.persisting, life.resolved) == ((PAIR,), ())


def test_a_pair_that_no_longer_exists_is_resolved_when_both_were_read() -> None:
    """Nobody tells it and nothing is stored: both servers say so."""
    assert drift([], [PAIR], judged(read=BOTH)).resolved == (PAIR,)


def test_a_run_that_was_asked_about_others_resolves_nothing_else() -> None:
    """Targets and relationship names bound what a run may conclude."""
    assert drift([], [PAIR], judged(read=BOTH, targets=frozenset({3}))).persisting == (PAIR,)
    assert drift([], [PAIR], judged(read=BOTH, only="dr")).persisting == (PAIR,)
    assert drift([], [PAIR], judged(read=BOTH, only="hq")).resolved == (PAIR,)


def test_an_overtaken_pair_resolves_nothing() -> None:
    """It was read and left to a newer run."""
    overtaken = frozenset({("hq", BOTH)})
    assert drift([], [PAIR], judged(read=BOTH, left=overtaken)).persisting == (PAIR,)


def test_a_server_finding_ends_when_the_server_is_read() -> None:
    """And only then."""
    assert drift([], [SERVER], judged(read=frozenset({1}))).resolved == (SERVER,)
    assert drift([], [SERVER], judged(read=frozenset({2}))).persisting == (SERVER,)


def test_a_finding_about_the_store_is_not_judged_here() -> None:
    """It is settled when the run closes."""
    assert drift([], [STORE], THIS).persisting == (STORE,)


def test_everything_true_now_is_in_one_order() -> None:
    """By fingerprint, whatever came in which order."""
    a, b = replace(PAIR, relationship="A"), replace(PAIR, relationship="B")
    assert drift([b, a], [], THIS).now == drift([a, b], [], THIS).now == (a, b)


def test_one_problem_has_one_fingerprint() -> None:
    """Case of the name and order of the servers do not matter; the kind does."""
    same = replace(PAIR, relationship="hq", servers=(2, 1), detail="x", values=())
    assert same.fingerprint == PAIR.fingerprint
    assert replace(PAIR, kind=Kind.ONE_SIDED).fingerprint != PAIR.fingerprint
    assert replace(PAIR, servers=(1, 3)).fingerprint != PAIR.fingerprint


def test_where_all_is_known_what_is_not_there_is_over() -> None:
    """Whoever was read or not: it is settled by what is stored."""
    stays, goes, comes = (replace(PAIR, relationship=name) for name in ("a", "b", "c"))
    life = whole([stays, comes], [stays, goes])
    assert (life.opened, life.persisting, life.resolved) == ((comes,), (stays,), (goes,))


def test_a_server_is_not_down_any_more_if_it_was_read_or_taken_out() -> None:
    down = replace(SERVER, kind=Kind.SERVER_DOWN)
    assert drift([], [down], judged(read=frozenset({2}))).persisting == (down,)
    assert drift([], [down], judged(read=frozenset({1}))).resolved == (down,)
    disabled = replace(judged(), unasked=frozenset({1}))
    assert drift([], [down], disabled).resolved == (down,)


def test_people_override_severities() -> None:
    """The finer key wins within a table, and people's table before ours."""
    down = Finding(Kind.STATE_NOT_NORMAL, "HQ", (1, 2), "", grade=State.PARTNER_DOWN)
    moving = replace(down, grade=State.RECOVER)
    assert severity(down, {}) is Severity.CRITICAL
    assert severity(moving, {}) is Severity.INFO
    quiet: dict[str, Severity] = {Kind.STATE_NOT_NORMAL: Severity.INFO}
    assert severity(down, quiet) is Severity.INFO
    loud: dict[str, Severity] = {**quiet, "state_not_normal.Recover": Severity.CRITICAL}
    assert severity(moving, loud) is Severity.CRITICAL
    assert severity(PAIR, {}) is Severity.WARNING


LOST = f"{Kind.STATE_NOT_NORMAL}.{State.COMMUNICATIONS_INTERRUPTED}"


@pytest.mark.parametrize(
    ("grade", "patience", "age", "expected"),
    [
        (State.COMMUNICATIONS_INTERRUPTED, 600, 0, Severity.WARNING),
        (State.COMMUNICATIONS_INTERRUPTED, 600, 599.9, Severity.WARNING),
        (State.COMMUNICATIONS_INTERRUPTED, 600, 600, Severity.CRITICAL),
        (State.COMMUNICATIONS_INTERRUPTED, 600, 10**6, Severity.CRITICAL),
        (State.COMMUNICATIONS_INTERRUPTED, 0, 0, Severity.CRITICAL),
        (State.COMMUNICATIONS_INTERRUPTED, None, 10**6, Severity.WARNING),
        (State.RECOVER, 600, 599, Severity.INFO),
        (State.RECOVER, 600, 10**6, Severity.WARNING),
        (State.PARTNER_DOWN, 600, 600, Severity.CRITICAL),
    ],
)
def test_what_outlasts_its_patience_is_one_step_louder(
    grade: State, patience: int | None, age: float, expected: Severity
) -> None:
    finding = Finding(Kind.STATE_NOT_NORMAL, "HQ", (1, 2), "", grade=grade, patience=patience)
    assert severity_at(finding, {}, timedelta(seconds=age)) is expected


@pytest.mark.parametrize("key", [LOST, str(Kind.STATE_NOT_NORMAL)])
@pytest.mark.parametrize("said", Severity)
def test_what_a_person_said_of_a_severity_holds_for_any_age(key: str, said: Severity) -> None:
    """Also where it is lower: they know, and there are settings for the time."""
    lost = Finding(
        Kind.STATE_NOT_NORMAL,
        "HQ",
        (1, 2),
        "",
        grade=State.COMMUNICATIONS_INTERRUPTED,
        patience=600,
    )
    assert severity_at(lost, {key: said}, timedelta(days=1)) is said


def test_another_patience_is_a_change_and_the_same_problem() -> None:
    """People changed the setting: what is open follows it, and its row gets no other beginning."""
    new = replace(PAIR, patience=60)
    assert new.fingerprint == PAIR.fingerprint
    assert drift([new], [PAIR], THIS).changed == (new,)
    assert drift([new], [new], THIS).changed == ()


def test_severities_are_ordered_by_how_loud_they_are() -> None:
    assert set(LOUDEST_FIRST) == set(Severity)
    assert at_least(Severity.CRITICAL, Severity.WARNING)
    assert at_least(Severity.WARNING, Severity.WARNING)
    assert not at_least(Severity.INFO, Severity.WARNING)
