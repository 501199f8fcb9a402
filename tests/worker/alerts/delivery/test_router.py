"""Who is told of what: routes, silences, causes, acknowledgements; and every event says what became of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from reconcile.model.findings import Event, Kind
from tests.worker.alerts.delivery.ops import Ops, mismatch, one_sided
from worker.alerts.delivery.composer import Words
from worker.alerts.delivery.router import route
from worker.alerts.rules import AlertRoute, Match
from worker.model.alerts import NOBODY, Acknowledgement, Silence

HOUR = timedelta(hours=1)


def silenced(ops: Ops, **which: object) -> int:
    with ops.store.write() as uow:
        now = uow.now()
        silence = Silence(0, "moving house", "ada", now, now + HOUR, **which)  # type: ignore[arg-type]
        number = uow.silences.add(silence)
        uow.commit()
    return number


def test_a_problem_is_told_once_and_its_end(ops: Ops) -> None:
    hq, branch = mismatch("HQ", *ops.servers[:2]), one_sided("Branch", *ops.servers[2:])
    teller = ops.deliverer()
    ops.see(hq, branch)
    teller.deliver()
    ops.see(hq, branch)
    teller.deliver()
    assert sorted(ops.events("log")) == [("opened", "Branch"), ("opened", "HQ")]
    assert ops.events("pager") == [("opened", "Branch")]
    ops.see(hq)
    teller.deliver()
    assert ops.events("pager") == [("opened", "Branch"), ("resolved", "Branch")]
    assert ops.view("log") == {hq.fingerprint}
    assert {frozenset(o) for o in ops.outcomes() if o} == {
        frozenset({"log"}),
        frozenset({"log", "pager"}),
    }


def test_an_alert_has_what_both_partners_say(ops: Ops) -> None:
    ops.see(mismatch("HQ", *ops.servers[:2]))
    ops.deliverer().deliver()
    (alert,) = ops.told("log")
    assert alert["values"] == [
        {
            "subject": "MCLT",
            "said": [{"by": "dhcp00", "value": "60"}, {"by": "dhcp01", "value": "3600"}],
        }
    ]
    assert (alert["severity"], alert["matter"], alert["sequence"]) == ("warning", "drift", 1)


def test_what_is_told_waits_for_the_close_of_its_run_but_not_for_ever(ops: Ops) -> None:
    teller = ops.deliverer()
    ops.see(mismatch("HQ", *ops.servers[:2]), one_sided("Branch", *ops.servers[2:]), close=False)
    teller.deliver()
    assert ops.told("log") == []
    ops.later(timedelta(seconds=31))
    teller.deliver()
    assert ops.events("log") == [("opened", "Branch")], "what is critical waits half a minute"
    ops.later(timedelta(seconds=90))
    teller.deliver()
    assert ops.events("log") == [("opened", "Branch"), ("opened", "HQ")]


def test_a_change_is_told_with_the_new_values(ops: Ops) -> None:
    teller = ops.deliverer()
    ops.see(mismatch("HQ", *ops.servers[:2]))
    teller.deliver()
    ops.see(mismatch("HQ", *ops.servers[:2], value="120"))
    teller.deliver()
    assert [(a["event"], a["detail"]) for a in ops.told("log")] == [
        ("opened", "They differ: 60."),
        ("changed", "They differ: 120."),
    ]


def test_what_outlasted_its_patience_before_anybody_was_told_is_told_louder(ops: Ops) -> None:
    ops.see(replace(mismatch("HQ", *ops.servers[:2]), patience=1800))
    ops.later(timedelta(seconds=1801))  # no deliverer ran
    ops.deliverer().deliver()
    assert ops.events("pager") == [("opened", "HQ")]
    assert [alert["severity"] for alert in ops.told("log")] == ["critical"]


def test_what_outlasted_its_patience_is_told_louder(ops: Ops) -> None:
    teller = ops.deliverer()
    ops.see(replace(mismatch("HQ", *ops.servers[:2]), patience=3600))
    teller.deliver()
    ops.later(timedelta(hours=1))
    ops.see(replace(mismatch("HQ", *ops.servers[:2], value="120"), patience=3600))
    teller.deliver()
    assert [(a["event"], a["severity"]) for a in ops.told("log")] == [
        ("opened", "warning"),
        ("changed", "critical"),
    ]


def test_what_was_over_before_anybody_was_told_is_told_to_nobody(ops: Ops) -> None:
    ops.see(mismatch("HQ", *ops.servers[:2]))
    ops.see()
    ops.deliverer().deliver()
    assert ops.told("log") == []
    assert all(outcome for outcome in ops.outcomes()), "and that is written down"


def test_what_is_over_while_it_is_being_told_is_told_to_be_over(ops: Ops) -> None:
    """Whoever is at it cannot take it back."""
    ops.see(mismatch("HQ", *ops.servers[:2]))
    route(ops.store, ops.alerting, Words({}))
    with ops.store.write() as uow:
        (claimed,) = uow.deliveries.claim("log", "another", uow.now() + HOUR, 9)
        uow.commit()
    ops.see()
    ops.deliverer().deliver()
    with ops.store.write() as uow:
        uow.deliveries.mark_delivered("another", {claimed.finding: (1, Event.OPENED)})
        uow.commit()
    ops.deliverer().deliver()
    assert ops.events("log") == [("resolved", "HQ")]


@pytest.mark.parametrize("late", [("over",), ("over", "back")])
def test_what_comes_after_something_newer_is_not_told(ops: Ops, late: tuple[str, ...]) -> None:
    """Of two runs at once the newer may be closed first: nobody hears of the past after the present."""
    hq = mismatch("HQ", *ops.servers[:2])
    teller = ops.deliverer()
    ops.see(hq)
    teller.deliver()
    for n, what in enumerate(late):
        ops.see(*(() if what == "over" else (hq,)), close=n == len(late) - 1)
    teller.deliver()
    before = ops.view("log")
    ops.later(HOUR)  # nobody waits for the run any longer
    teller.deliver()
    assert ops.view("log") == before == (set() if late[-1] == "over" else {hq.fingerprint})
    assert all(ops.outcomes())


def test_who_knows_nothing_is_told_that_it_opened_whatever_happened_last(ops: Ops) -> None:
    ops.see(mismatch("HQ", *ops.servers[:2]))
    ops.see(mismatch("HQ", *ops.servers[:2], value="120"))
    ops.deliverer().deliver()
    assert [(a["event"], a["detail"]) for a in ops.told("log")] == [("opened", "They differ: 120.")]


def test_nobody_is_told_what_a_silence_fits_until_it_ends(ops: Ops) -> None:
    number = silenced(ops, server="dhcp*", kind=Kind.PARTNER_MISMATCH)
    hq, branch = mismatch("HQ", *ops.servers[:2]), one_sided("Branch", *ops.servers[2:])
    teller = ops.deliverer()
    ops.see(hq, branch)
    teller.deliver()
    assert ops.events("log") == [("opened", "Branch")]
    assert {NOBODY: f"silenced by {number}"} in ops.outcomes()
    ops.later(HOUR)
    teller.deliver()
    assert ops.view("log") == {hq.fingerprint, branch.fingerprint}
    teller.deliver()
    assert len(ops.told("log")) == 2, "once"


def test_a_silence_that_a_person_ends_early_is_over_at_once(ops: Ops) -> None:
    number = silenced(ops)
    teller = ops.deliverer()
    ops.see(mismatch("HQ", *ops.servers[:2]))
    teller.deliver()
    assert ops.told("log") == []
    with ops.store.write() as uow:
        assert uow.silences.end(number, "ada")
        uow.commit()
    teller.deliver()
    assert ops.events("log") == [("opened", "HQ")]


def test_the_end_of_what_was_told_is_told_in_spite_of_a_silence(ops: Ops) -> None:
    teller = ops.deliverer()
    ops.see(mismatch("HQ", *ops.servers[:2]))
    teller.deliver()
    silenced(ops)
    ops.see()
    teller.deliver()
    assert ops.events("log") == [("opened", "HQ"), ("resolved", "HQ")]


def test_what_another_problem_explains_sends_nothing_of_its_own(ops: Ops) -> None:
    hq = mismatch("HQ", *ops.servers[:2])
    teller = ops.deliverer()
    ops.see(hq, one_sided("Branch", *ops.servers[2:]), close=False)
    cause = ops.problem(one_sided("Branch", *ops.servers[2:]))
    with ops.store.write() as uow:
        uow.findings.set_causes({ops.problem(hq): cause})
        uow.runs.close(ops.run, "done", {})
        uow.commit()
    teller.deliver()
    assert ops.events("log") == [("opened", "Branch")]
    assert {NOBODY: f"explained by {cause}"} in ops.outcomes()
    with ops.store.write() as uow:
        uow.findings.set_causes({ops.problem(hq): None})
        uow.commit()
    teller.deliver()
    assert ("opened", "HQ") in ops.events("log"), "the cause is gone, and it is still there"


def test_what_goes_on_is_told_again_by_severity_unless_somebody_knows(ops: Ops) -> None:
    hq, branch = mismatch("HQ", *ops.servers[:2]), one_sided("Branch", *ops.servers[2:])
    teller = ops.deliverer()
    ops.see(hq, branch)
    teller.deliver()
    ops.later(4 * HOUR)
    teller.deliver()
    assert ops.events("log")[2:] == [("still_open", "Branch")]
    with ops.store.write() as uow:
        problem = ops.problem(branch)
        uow.findings.acknowledge(
            problem, Acknowledgement("ada", "on it", uow.now(), uow.now() + 6 * HOUR)
        )
        uow.commit()
    ops.happens(problem, Event.ACKNOWLEDGED)
    teller.deliver()
    assert ops.told("pager")[-1]["acknowledged"] == {"by": "ada", "note": "seen"}
    ops.later(5 * HOUR)
    teller.deliver()
    assert ops.events("log")[3:] == [("acknowledged", "Branch")]
    ops.later(HOUR)
    teller.deliver()
    assert ops.events("log")[4:] == [("still_open", "Branch")], "she does not know any more"


def test_an_acknowledgement_is_told_only_where_the_problem_is_known(ops: Ops) -> None:
    ops.repeat = {}
    teller = ops.deliverer()
    hq = mismatch("HQ", *ops.servers[:2])
    ops.see(hq)
    teller.deliver()
    ops.happens(ops.problem(hq), Event.ACKNOWLEDGED)
    teller.deliver()
    assert ops.events("log") == [("opened", "HQ"), ("acknowledged", "HQ")]
    assert ops.events("pager") == []


def test_a_route_that_comes_later_learns_of_what_is_open(ops: Ops) -> None:
    """A new process with another file tells the new channel."""
    hq = mismatch("HQ", *ops.servers[:2])
    ops.see(hq)
    ops.deliverer().deliver()
    ops.routes = (*ops.routes, AlertRoute(Match(), ("pager",)))
    ops.deliverer().deliver()
    assert ops.view("pager") == ops.view("log") == {hq.fingerprint}


def test_no_event_is_without_an_outcome(ops: Ops) -> None:
    ops.routes = (AlertRoute(Match(kind=frozenset({Kind.BLOCKED})), ("log",)),)
    ops.see(mismatch("HQ", *ops.servers[:2]), one_sided("Branch", *ops.servers[2:]))
    ops.deliverer().deliver()
    assert ops.outcomes() == [{NOBODY: "no route takes it"}] * 2
    ops.see()
    ops.deliverer().deliver()
    assert ops.outcomes().count({NOBODY: "nobody was told of it"}) == 2


def test_a_repeat_is_counted_from_the_telling_not_from_the_event(ops: Ops) -> None:
    """After a long time without a deliverer what opened is told once, and not twice at once."""
    ops.see(one_sided("HQ", *ops.servers[:2]))
    ops.later(10 * HOUR)
    teller = ops.deliverer()
    for _ in range(3):
        teller.deliver()
    assert ops.events("log") == [("opened", "HQ")]
    ops.later(4 * HOUR)
    teller.deliver()
    assert ops.events("log")[1:] == [("still_open", "HQ")]
