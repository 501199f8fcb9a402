"""What happens to a small fleet, and that what is open is the truth then; the half of the story
without people and channels.
"""

from __future__ import annotations

from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import Final

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from typing_extensions import override

from reconcile.model.findings import Kind
from reconcile.model.nouns import State
from tests.worker.alerts.delivery.clocks import BEGIN, Clock, Place
from tests.worker.alerts.delivery.office import Office, key_of
from tests.worker.alerts.delivery.oracle import Oracle
from tests.worker.alerts.delivery.small_fleet import PAIRS, SERVERS, SmallFleet
from tests.worker.alerts.delivery.words import LOST, STATES, Pair
from worker.model.alerts import OpenFinding

TWO_WEEKS: Final = timedelta(days=14)
#: Some of them are to the second what a rule waits for.
PASSES: Final = tuple(
    timedelta(minutes=m) for m in (1, 3, 7.5, 15, 15, 15, 30, 60, 61, 240, 600, 1440)
)

pairs = st.sampled_from(PAIRS)
sides = st.sampled_from((0, 1))
servers = st.sampled_from(tuple(SERVERS))
sequels = st.sampled_from(("", "run", "tell"))


class Happenings(RuleBasedStateMachine):
    """The fleet is what is true; the oracle is told of every run, the office of every delivery."""

    place: Place

    def __init__(self) -> None:
        super().__init__()
        self.stack, clock = ExitStack(), Clock()
        store = self.stack.enter_context(type(self).place(clock))
        self.fleet = SmallFleet(store, clock)
        self.oracle = Oracle(self.fleet.truth)
        self.office = Office(store)
        self.flickers: list[tuple[Pair, int]] = []
        #: When a deliverer ran first after an event, by its key: repeats count from then on.
        self.told_at: dict[str, datetime] = {}

    @override
    def teardown(self) -> None:
        self.stack.close()

    # ------------------------------------------------------------------ time, and the truth

    @initialize()
    def all_is_well(self) -> None:
        self.run(None)

    @rule(by=st.sampled_from(PASSES))
    def time_passes(self, by: timedelta) -> None:
        if self.fleet.now + by <= BEGIN + TWO_WEEKS:
            self.fleet.later(by)

    @rule(pair=pairs, side=sides, mclt=st.sampled_from((3600, 7200)), then=sequels)
    def a_value_is_set(self, pair: Pair, side: int, mclt: int, then: str) -> None:
        self.fleet.becomes(pair, side, mclt=mclt)
        self.then(then)

    @rule(pair=pairs, then=sequels)
    def everything_is_put_right(self, pair: Pair, then: str) -> None:
        self.fleet.heals(pair)
        self.then(then)

    @rule(pair=pairs, side=sides, state=st.sampled_from((State.NORMAL, *STATES)), then=sequels)
    def a_state_lasts(self, pair: Pair, side: int, state: State, then: str) -> None:
        self.fleet.becomes(pair, side, state=state)
        self.then(then)

    @rule(pair=pairs, side=sides, state=st.sampled_from(tuple(STATES)), then=sequels)
    def a_state_flickers_for_one_run(self, pair: Pair, side: int, state: State, then: str) -> None:
        self.fleet.becomes(pair, side, state=state)
        self.flickers.append((pair, side))
        self.then(then)

    @rule(pair=pairs, side=sides, then=sequels)
    def a_partner_loses_it_or_has_it_again(self, pair: Pair, side: int, then: str) -> None:
        one, other = self.fleet.truth[pair][side], self.fleet.truth[pair][1 - side]
        if other.tells:
            self.fleet.becomes(pair, side, tells=not one.tells)
        self.then(then)

    @rule(server=servers, then=sequels)
    def a_server_becomes_unreadable_or_readable(self, server: int, then: str) -> None:
        self.fleet.unreadable ^= {server}
        self.then(then)

    @rule(server=servers, state=st.sampled_from(LOST), again=st.booleans(), then=sequels)
    def a_server_fails_or_serves_again(
        self, server: int, state: State, again: bool, then: str
    ) -> None:
        """Nobody can read it, and its partners have lost it."""
        state = State.NORMAL if server in self.fleet.unreadable else state
        self.fleet.fails(server, state)
        self.then(then)
        if again:
            self.fleet.later(timedelta(minutes=15))
            self.then(then or "run")

    # ------------------------------------------------------------------ runs

    @rule()
    def a_run_reads_everything(self) -> None:
        self.run(None)

    @rule(server=servers)
    def a_run_reads_one_server(self, server: int) -> None:
        self.run(server)

    @rule(pair=pairs, times=st.integers(2, 4), then=sequels)
    def a_value_flaps(self, pair: Pair, times: int, then: str) -> None:
        """It drifts and is mended, run after run."""
        for _ in range(times):
            for mclt in (7200, 3600):
                self.fleet.becomes(pair, 0, mclt=mclt)
                self.then(then or "run")

    def then(self, then: str) -> None:
        """A run, if one follows, and a deliverer, if one follows that."""
        if then != "":
            self.run(None)
        if then == "tell":
            self.deliver()

    def deliver(self) -> None:
        """A deliverer runs."""
        raise NotImplementedError

    def run(self, about: int | None) -> None:
        """What is open afterwards is the truth, and so is what explains it."""
        self.fleet.later(timedelta(seconds=1))
        told = self.fleet.sync(about)
        self.oracle.run(self.fleet.now, told, about)
        for pair, side in self.flickers:
            self.fleet.becomes(pair, side, state=State.NORMAL)
        self.flickers.clear()
        stored = {key_of(problem.finding) for problem in self.open()}
        should = set(self.oracle.open)
        assert stored == should, f"not open: {should - stored}; open: {stored - should}"
        explained = {key_of(p.finding) for p in self.open() if p.caused_by is not None}
        should = {key for key, problem in self.oracle.open.items() if problem.is_explained}
        assert explained == should, f"explained: {explained}; should be: {should}"

    def open(self) -> list[OpenFinding]:
        """What is open for people, in a fixed order; but for troubles of channels."""
        with self.fleet.store.read() as reading:
            known = reading.findings.unresolved()
        return [p for p in known if p.is_open and p.finding.kind is not Kind.ALERT_UNDELIVERED]
