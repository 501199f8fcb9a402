"""Two weeks of a small fleet: what is open is the truth, and every channel knows what it should.

No alert without a row, no row without an alert or a rule that says why not.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select
from typing_extensions import override

from reconcile.findings import Kind
from reconcile.life import Event
from reconcile.model import State
from tests.worker.telling.office import FILES, Office, key_of
from tests.worker.telling.oracle import STATES, Oracle, Pair
from tests.worker.telling.small_fleet import BEGIN, PAIRS, SERVERS, SmallFleet
from worker.alert_ports import Acknowledgement, NewEvent, OpenFinding, Silence, Snapshot
from worker.store.alert_tables import finding_event

TWO_WEEKS: Final = timedelta(days=14)
#: Some of them are to the second what a rule waits for.
PASSES: Final = tuple(
    timedelta(minutes=m) for m in (1, 3, 7.5, 15, 15, 15, 30, 60, 61, 240, 600, 1440)
)
HOURS: Final = tuple(timedelta(hours=h) for h in (0.5, 1, 8, 48))

pairs = st.sampled_from(PAIRS)
sides = st.sampled_from((0, 1))
servers = st.sampled_from(tuple(SERVERS))
channels = st.sampled_from(("log", "pager", "desk"))
sequels = st.sampled_from(("", "run", "tell"))
chances = st.integers(0, 1000)


class Told(RuleBasedStateMachine):
    """The fleet is what is true; the oracle is told of every run, the office of every delivery."""

    pristine: Path
    directory: Path

    def __init__(self) -> None:
        super().__init__()
        for leftover in self.directory.glob("story.db*"):
            leftover.unlink()
        self.fleet = SmallFleet(self.pristine, self.directory / "story.db")
        self.oracle = Oracle(self.fleet.truth)
        self.office = Office(self.fleet.store)
        self.flickers: list[tuple[Pair, int]] = []
        self.told_at = BEGIN

    @override
    def teardown(self) -> None:
        self.fleet.store.close()

    # ------------------------------------------------------------------ time, and the truth

    @initialize()
    def all_is_well(self) -> None:
        self._run(None)

    @rule(by=st.sampled_from(PASSES))
    def time_passes(self, by: timedelta) -> None:
        if self.fleet.now + by <= BEGIN + TWO_WEEKS:
            self.fleet.later(by)

    @rule(pair=pairs, side=sides, mclt=st.sampled_from((3600, 7200)), then=sequels)
    def a_value_is_set(self, pair: Pair, side: int, mclt: int, then: str) -> None:
        self.fleet.becomes(pair, side, mclt=mclt)
        self._then(then)

    @rule(pair=pairs, then=sequels)
    def everything_is_put_right(self, pair: Pair, then: str) -> None:
        self.fleet.heals(pair)
        self._then(then)

    @rule(pair=pairs, side=sides, state=st.sampled_from((State.NORMAL, *STATES)), then=sequels)
    def a_state_lasts(self, pair: Pair, side: int, state: State, then: str) -> None:
        self.fleet.becomes(pair, side, state=state)
        self._then(then)

    @rule(pair=pairs, side=sides, state=st.sampled_from(tuple(STATES)), then=sequels)
    def a_state_flickers_for_one_run(self, pair: Pair, side: int, state: State, then: str) -> None:
        self.fleet.becomes(pair, side, state=state)
        self.flickers.append((pair, side))
        self._then(then)

    @rule(pair=pairs, side=sides, then=sequels)
    def a_partner_loses_it_or_has_it_again(self, pair: Pair, side: int, then: str) -> None:
        one, other = self.fleet.truth[pair][side], self.fleet.truth[pair][1 - side]
        if other.tells:
            self.fleet.becomes(pair, side, tells=not one.tells)
        self._then(then)

    @rule(server=servers, then=sequels)
    def a_server_becomes_unreadable_or_readable(self, server: int, then: str) -> None:
        self.fleet.unreadable ^= {server}
        self._then(then)

    # ------------------------------------------------------------------ runs

    @rule()
    def a_run_reads_everything(self) -> None:
        self._run(None)

    @rule(server=servers)
    def a_run_reads_one_server(self, server: int) -> None:
        self._run(server)

    @rule(pair=pairs, times=st.integers(2, 4), then=sequels)
    def a_value_flaps(self, pair: Pair, times: int, then: str) -> None:
        """It drifts and is mended, run after run."""
        for _ in range(times):
            for mclt in (7200, 3600):
                self.fleet.becomes(pair, 0, mclt=mclt)
                self._then(then or "run")

    @rule(many=st.sets(pairs, min_size=1), mended=st.sets(pairs), channel=channels, then=sequels)
    def many_problems_come_and_some_go_while_a_deliverer_dies(
        self, many: set[Pair], mended: set[Pair], channel: str, then: str
    ) -> None:
        for pair in sorted(many):
            self.fleet.becomes(pair, 0, tells=True, mclt=7200, state=State.POTENTIAL_CONFLICT)
            self.fleet.becomes(pair, 1, tells=True)
        self._run(None)
        self.a_deliverer_dies(channel, "after")
        for pair in sorted(mended):
            self.fleet.heals(pair)
        self._then(then)

    def _then(self, then: str) -> None:
        if then != "":
            self._run(None)
        if then == "tell":
            self._deliver()

    def _run(self, about: int | None) -> None:
        self.fleet.later(timedelta(seconds=1))
        told = self.fleet.sync(about)
        self.oracle.run(self.fleet.now, told, about)
        for pair, side in self.flickers:
            self.fleet.becomes(pair, side, state=State.NORMAL)
        self.flickers.clear()
        stored = {key_of(problem.finding) for problem in self._open()}
        should = self.oracle.open.keys()
        assert stored == should, f"not open: {should - stored}; open: {stored - should}"

    def _open(self) -> list[OpenFinding]:
        """What is open for people, in a fixed order; but for troubles of channels."""
        with self.fleet.store.read() as reading:
            known = reading.open_findings()
        return [p for p in known if p.is_open and p.finding.kind is not Kind.ALERT_UNDELIVERED]

    # ------------------------------------------------------------------ people

    @precondition(lambda self: self.oracle.open)
    @rule(which=chances, long=st.sampled_from((*HOURS, None)))
    def a_person_acknowledges(self, which: int, long: timedelta | None) -> None:
        problem, now = self._one(which), self.fleet.now
        until = None if long is None else now + long
        with self.fleet.store.write() as uow:
            uow.acknowledge(problem.id, Acknowledgement("ada", "on it", uow.now(), until))
            last = uow.events([problem.id])[-1].snapshot
            snapshot = Snapshot(problem.finding, last.evidence, last.ipam)
            happened = Event.ACKNOWLEDGED
            uow.add_events(
                [NewEvent(problem.id, happened, snapshot, uow.now(), None, "ada", "on it")]
            )
            uow.commit()
        self.oracle.open[key_of(problem.finding)].acknowledged_until = (
            until or BEGIN + 2 * TWO_WEEKS
        )

    @precondition(lambda self: self.oracle.open)
    @rule(which=chances)
    def a_person_does_not_acknowledge_any_more(self, which: int) -> None:
        problem = self._one(which)
        with self.fleet.store.write() as uow:
            uow.acknowledge(problem.id, None)
            uow.commit()
        self.oracle.open[key_of(problem.finding)].acknowledged_until = None

    @rule(
        long=st.sampled_from(HOURS),
        server=st.none() | servers,
        relationship=st.none() | pairs.map(lambda pair: pair.name),
    )
    def a_person_silences(
        self, long: timedelta, server: int | None, relationship: str | None
    ) -> None:
        now = self.fleet.now
        pattern = None if server is None else f"dhcp{server:02}.*"
        silence = Silence(0, "a move", "ada", now, now + long, None, None, pattern, relationship)
        with self.fleet.store.write() as uow:
            number = uow.add_silence(silence)
            uow.commit()
        self.office.silences[number] = (now + long, server, relationship)

    @precondition(lambda self: self.office.silences)
    @rule(which=chances)
    def a_person_ends_a_silence(self, which: int) -> None:
        number = sorted(self.office.silences)[which % len(self.office.silences)]
        with self.fleet.store.write() as uow:
            uow.end_silence(number, "ada")
            uow.commit()
        del self.office.silences[number]

    def _one(self, which: int) -> OpenFinding:
        known = self._open()
        return known[which % len(known)]

    # ------------------------------------------------------------------ telling

    @rule(file=st.sampled_from(FILES))
    def another_file_of_routes(self, file: dict[str, str | int]) -> None:
        self.office.new_file(file)

    @rule(channel=channels)
    def a_channel_goes_down_or_comes_back(self, channel: str) -> None:
        self.office.inboxes[channel].is_up ^= True

    @rule(again=st.booleans())
    def a_deliverer_runs(self, again: bool) -> None:
        self._deliver()
        if again:
            self.office.new_process()
            self._deliver()

    @rule(channel=channels, when=st.sampled_from(("before", "after")))
    def a_deliverer_dies(self, channel: str, when: str) -> None:
        self.office.inboxes[channel].dies = when
        self._deliver()

    def _deliver(self) -> None:
        self.fleet.later(timedelta(seconds=1))
        self.office.deliver(self.oracle, self.fleet.now)
        self.office.check(self.fleet.now)
        self._every_event_has_an_outcome_and_every_alert_an_event()

    def _every_event_has_an_outcome_and_every_alert_an_event(self) -> None:
        with self.fleet.store.engine.connect() as connection:
            rows = connection.execute(select(finding_event)).all()
        assert all(row.outcome for row in rows if row.not_before < self.fleet.now)
        keys = {f"{row.finding_id}-{row.sequence}" for row in rows}
        latest = {row.finding_id: row.at for row in rows}
        for problem in self._open():
            often = self.office.repeats(self.oracle.open[key_of(problem.finding)], self.fleet.now)
            overdue = often is not None and latest[problem.id] + often <= self.fleet.now
            assert not overdue or latest[problem.id] > self.told_at, problem.finding
        self.told_at = self.fleet.now
        for inbox in self.office.inboxes.values():
            assert {alert.key for alert in inbox.alerts} <= keys


def test_two_weeks(pristine_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.store.session.monotonic", lambda: 0.0)

    class Here(Told):
        pristine, directory = pristine_file, tmp_path

    run_state_machine_as_test(Here, settings=settings(max_examples=6, stateful_step_count=25))
