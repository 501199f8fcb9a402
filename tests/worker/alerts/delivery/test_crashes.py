"""A deliverer dies, hangs or loses its database at the worst moment, or is not alone."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta

import pytest

from reconcile.model.findings import Finding
from tests.processes import PATIENCE_SECONDS
from tests.worker.alerts.delivery.ops import Ops, fingerprints, mismatch
from tests.worker.alerts.delivery.receiving_ends import (
    Around,
    Held,
    Killed,
    Leaving,
    die,
    hook,
    refuse,
)
from tests.worker.alerts.receivers import Manner, receiving
from worker.alerts.delivery.attempt import CLAIM
from worker.alerts.delivery.composer import Words
from worker.alerts.delivery.deliverer import Deliverer
from worker.alerts.rules import AlertRoute, Match
from worker.model.errors import StoreUnavailable
from worker.store.schema import open_store
from worker.telemetry.events import EventRecorder


def over(ops: Ops, *channels: str) -> None:
    """Everything goes there; nothing is repeated."""
    ops.routes = (AlertRoute(Match(), channels),)
    ops.repeat = {}


def dying(ops: Ops, *, sent: bool) -> Deliverer:
    """One that is killed at its first alert: before it is sent, or after that and before it is marked."""
    log = ops.channels["log"]
    around = Around(log, after=die) if sent else Around(log, before=die)
    ops.channels["log"] = around
    teller = ops.deliverer()
    ops.channels["log"] = log
    return teller


@contextmanager
def held(ops: Ops, channel: Held) -> Iterator[Deliverer]:
    """A deliverer that another thread is in, until the channel lets go."""
    teller = ops.deliverer()
    with ThreadPoolExecutor(1) as threads:
        passing = threads.submit(teller.deliver)
        try:
            assert channel.is_reached.wait(PATIENCE_SECONDS)
            yield teller
        finally:
            channel.let_go.set()
        passing.result(PATIENCE_SECONDS)


# ------------------------------------------------------------------- killed


def test_what_was_claimed_by_who_died_is_sent_when_the_claim_is_over(
    ops: Ops, hq: Finding, branch: Finding
) -> None:
    over(ops, "log")
    ops.see(hq, branch)
    with pytest.raises(Killed):
        dying(ops, sent=False).deliver()
    ops.deliverer().deliver()
    assert ops.told("log") == [], "for all that others know he is at it"
    ops.later(CLAIM)
    ops.deliverer().deliver()
    assert sorted(ops.events("log")) == [("opened", "Branch"), ("opened", "HQ")]


def test_what_was_sent_and_not_marked_is_sent_again_with_its_key(
    ops: Ops, hq: Finding, branch: Finding
) -> None:
    over(ops, "log")
    ops.see(hq, branch)
    with pytest.raises(Killed):
        dying(ops, sent=True).deliver()
    ops.later(CLAIM)
    ops.deliverer().deliver()
    keys = Counter(alert["key"] for alert in ops.told("log"))
    assert sorted(keys.values()) == [1, 2], "one double of one alert"
    assert ops.view("log") == fingerprints([hq, branch])


def test_the_end_of_what_was_sent_and_not_marked_is_told(ops: Ops, hq: Finding) -> None:
    """Nobody knows that the receiver has it, and it may."""
    over(ops, "log")
    ops.see(hq)
    with pytest.raises(Killed):
        dying(ops, sent=True).deliver()
    ops.see()
    ops.deliverer().deliver()
    ops.later(CLAIM)
    ops.deliverer().deliver()
    assert ops.events("log") == [("opened", "HQ"), ("resolved", "HQ")]


def test_what_a_dead_deliverer_may_have_sent_stays_in_doubt_when_the_next_one_fails(
    ops: Ops, hq: Finding
) -> None:
    over(ops, "log")
    ops.see(hq)
    with pytest.raises(Killed):
        dying(ops, sent=True).deliver()
    ops.later(CLAIM)
    log = ops.channels["log"]
    ops.channels["log"] = Around(log, before=refuse)
    ops.deliverer().deliver()
    ops.channels["log"] = log
    ops.see()
    ops.deliverer().deliver()
    assert ops.events("log") == [("opened", "HQ"), ("resolved", "HQ")]


@pytest.mark.parametrize("written", [False, True], ids=["away", "answer lost"])
def test_a_database_that_goes_away_between_sending_and_marking_costs_a_double_at_most(
    ops: Ops, hq: Finding, branch: Finding, written: bool
) -> None:
    over(ops, "log")
    ops.see(hq, branch)
    database = Leaving(ops.store)
    database.loses_the_answer = written
    log = ops.channels["log"]
    ops.channels["log"] = Around(log, after=lambda: setattr(database, "goes", True))
    teller = Deliverer(database.as_store, ops.alerting, Words({}), EventRecorder())
    with pytest.raises(StoreUnavailable):
        teller.deliver()
    assert len(ops.told("log")) == 1, "who cannot mark does not go on"
    database.goes = False
    ops.channels["log"] = log
    teller = Deliverer(database.as_store, ops.alerting, Words({}), EventRecorder())
    ops.later(CLAIM)
    teller.deliver()
    ops.see()
    teller.deliver()
    keys = Counter(alert["key"] for alert in ops.told("log"))
    assert sorted(keys.values()) == ([1, 1, 1, 1] if written else [1, 1, 1, 2])
    assert ops.view("log") == set()


# ------------------------------------------------------------------- held up


def test_a_channel_that_hangs_delays_no_other(ops: Ops, hq: Finding, branch: Finding) -> None:
    slow = Held("slow")
    ops.channels["slow"] = slow
    over(ops, "slow", "log")
    arrived = threading.Event()
    ops.channels["log"] = Around(ops.channels["log"], after=arrived.set)
    ops.see(hq)
    with held(ops, slow) as teller:
        assert arrived.wait(PATIENCE_SECONDS), "in the same pass"
        ops.see(hq, branch)
        teller.deliver()
        assert ops.view("log") == fingerprints([hq, branch]), "nor in another pass"
        assert slow.got == [("opened", "HQ")]
    assert slow.got == [("opened", "HQ"), ("opened", "Branch")], "and gets all itself"


def test_a_receiver_that_stalls_is_left_after_its_timeout(ops: Ops, hq: Finding) -> None:
    with receiving(Manner(fault="stall")) as to:
        ops.channels["hook"] = hook(to, timedelta(seconds=1))
        over(ops, "hook", "log")
        ops.see(hq)
        ops.deliverer().deliver()
        assert len(to.got) == 1
    assert ops.view("log") == {hq.fingerprint}
    with ops.store.read() as reading:
        (failed,) = reading.deliveries.load(undone=True)
    assert "did not answer in time" in (failed.error or "")


def test_what_is_over_while_it_is_being_told_is_told_to_be_over(ops: Ops, hq: Finding) -> None:
    slow = Held("slow")
    ops.channels["slow"] = slow
    over(ops, "slow")
    ops.see(hq)
    with held(ops, slow):
        ops.see()
        ops.deliverer().deliver()
    ops.deliverer().deliver()
    assert slow.got == [("opened", "HQ"), ("resolved", "HQ")]


def test_what_is_over_while_it_is_refused_is_not_told(ops: Ops, hq: Finding) -> None:
    slow = Held("slow", refuses=True)
    ops.channels["slow"] = slow
    over(ops, "slow")
    ops.see(hq)
    with held(ops, slow):
        ops.see()
        ops.deliverer().deliver()
    ops.later(timedelta(hours=1))
    ops.deliverer().deliver()
    assert slow.got == [("opened", "HQ")]
    assert ops.outcomes()[-1] == {"slow": "over before it was told"}


def test_what_changes_while_it_is_being_told_is_told_after_it(ops: Ops, hq: Finding) -> None:
    slow = Held("slow")
    ops.channels["slow"] = slow
    over(ops, "slow")
    ops.see(hq)
    with held(ops, slow):
        ops.see(mismatch("HQ", *ops.servers[:2], value="120"))
        ops.deliverer().deliver()
        assert len(slow.got) == 1
    ops.deliverer().deliver()
    assert slow.got == [("opened", "HQ"), ("changed", "HQ")]


# ------------------------------------------------------------------- several at once


def test_two_deliverers_tell_everything_once_and_in_order(ops: Ops, store_url: str) -> None:
    over(ops, "log", "pager")
    other = open_store(store_url)
    tellers = [ops.deliverer(), Deliverer(other, ops.alerting, Words({}), EventRecorder())]
    is_over = threading.Event()

    def deliver(teller: Deliverer) -> None:
        while not is_over.is_set():
            teller.deliver()

    one, two = ops.servers[:2]
    with ThreadPoolExecutor(2) as threads:
        passing = [threads.submit(deliver, teller) for teller in tellers]
        try:
            for value in range(8):
                names = [f"R{n}" for n in range(12) if (n + value) % 3]
                ops.see(*(mismatch(name, one, two, value=str(value)) for name in names))
        finally:
            is_over.set()
        for passed in passing:
            passed.result(PATIENCE_SECONDS)
    ops.deliverer().deliver()
    other.close()
    for channel in ("log", "pager"):
        assert_in_order(ops, channel)
        assert ops.view(channel) == ops.open()


def assert_in_order(ops: Ops, channel: str, doubles: int = 0) -> None:
    """Each problem's events in the order in which they happened, and each once, but for doubles."""
    told = ops.told(channel)
    assert len(told) - len({alert["key"] for alert in told}) <= doubles
    by_problem: defaultdict[str, list[int]] = defaultdict(list)
    for alert in told:
        by_problem[alert["fingerprint"]].append(alert["sequence"])
    for numbers in by_problem.values():
        assert numbers == sorted(numbers)
