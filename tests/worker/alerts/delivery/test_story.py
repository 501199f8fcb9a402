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
from hypothesis.stateful import precondition, rule, run_state_machine_as_test
from sqlalchemy import select
from typing_extensions import override

from reconcile.model.findings import Event
from reconcile.model.nouns import State
from tests.postgres import PostgresServer
from tests.worker.alerts.delivery.clocks import BEGIN, Place, on_postgres, on_sqlite
from tests.worker.alerts.delivery.happenings import TWO_WEEKS, Happenings, pairs, sequels, servers
from tests.worker.alerts.delivery.inbox import EVERYTHING
from tests.worker.alerts.delivery.office import FILES, key_of
from tests.worker.alerts.delivery.words import Pair
from worker.model.alerts import Acknowledgement, NewEvent, OpenFinding, Silence, Snapshot
from worker.runs.concurrency import DatabaseClock
from worker.store.tables.alerts import finding_event

#: Whatever happened, after so many rounds in no time a deliverer has nothing left to do.
ROUNDS: Final = 8
HOURS: Final = tuple(timedelta(hours=h) for h in (0.5, 1, 8, 48))

channels = st.sampled_from(("log", "pager", "desk"))
chances = st.integers(0, 1000)


class Told(Happenings):
    """The fleet is what is true; the oracle is told of every run, the office of every delivery."""

    @rule(many=st.sets(pairs, min_size=1), mended=st.sets(pairs), channel=channels, then=sequels)
    def many_problems_come_and_some_go_while_a_deliverer_dies(
        self, many: set[Pair], mended: set[Pair], channel: str, then: str
    ) -> None:
        for pair in sorted(many):
            self.fleet.becomes(pair, 0, tells=True, mclt=7200, state=State.POTENTIAL_CONFLICT)
            self.fleet.becomes(pair, 1, tells=True)
        self.run(None)
        self.a_deliverer_dies(channel, "after")
        for pair in sorted(mended):
            self.fleet.heals(pair)
        self.then(then)

    # ------------------------------------------------------------------ people

    @precondition(lambda self: self.oracle.open)
    @rule(which=chances, long=st.sampled_from((*HOURS, None)))
    def a_person_acknowledges(self, which: int, long: timedelta | None) -> None:
        self.fleet.later(timedelta(seconds=1))
        problem, now = self._one(which), self.fleet.now
        until = None if long is None else now + long
        with self.fleet.store.write() as uow:
            uow.findings.acknowledge(problem.id, Acknowledgement("ada", "on it", uow.now(), until))
            last = uow.outbox.events([problem.id])[-1].snapshot
            snapshot = Snapshot(problem.finding, last.evidence, last.ipam)
            happened = Event.ACKNOWLEDGED
            uow.outbox.add(
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
            uow.findings.acknowledge(problem.id, None)
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
            number = uow.silences.add(silence)
            uow.commit()
        self.office.silences[number] = (now + long, server, relationship)

    @precondition(lambda self: self.office.silences)
    @rule(which=chances)
    def a_person_ends_a_silence(self, which: int) -> None:
        number = sorted(self.office.silences)[which % len(self.office.silences)]
        with self.fleet.store.write() as uow:
            uow.silences.end(number, "ada")
            uow.commit()
        del self.office.silences[number]

    def _one(self, which: int) -> OpenFinding:
        known = self.open()
        return known[which % len(known)]

    # ------------------------------------------------------------------ telling

    @rule(file=st.sampled_from(FILES))
    def another_file_of_routes(self, file: dict[str, str | int]) -> None:
        self.office.new_file(file)

    @rule(channel=channels)
    def a_channel_goes_down_or_comes_back(self, channel: str) -> None:
        self.office.inboxes[channel].is_up ^= True

    @rule(channel=channels, what=st.none() | st.just(EVERYTHING) | pairs.map(lambda p: p.name))
    def a_channel_refuses_something_for_good_or_is_mended(
        self, channel: str, what: str | None
    ) -> None:
        inbox = self.office.inboxes[channel]
        inbox.refuses = None if inbox.refuses is not None else what

    @rule(one=pairs, other=pairs)
    def two_channels_refuse_something_each(self, one: Pair, other: Pair) -> None:
        """And take the word about each other."""
        for channel, pair in (("log", one), ("pager", other)):
            self.office.inboxes[channel].refuses = pair.name
            self.fleet.becomes(pair, 0, tells=True, state=State.PARTNER_DOWN)
        self.run(None)
        self.a_deliverer_runs_until_nothing_is_left()

    @rule(channel=channels)
    def a_person_retries(self, channel: str) -> None:
        self.office.retry(channel)

    @rule()
    def a_deliverer_runs_until_nothing_is_left(self) -> None:
        """The same is not told for ever, nor is anything else written (R10)."""
        self.deliver()
        for _ in range(ROUNDS):
            self.office.deliver(self.oracle, self.fleet.now)
        before = self._all_there_is()
        self.office.deliver(self.oracle, self.fleet.now)
        assert self._all_there_is() == before, "a deliverer finds no end"

    def _all_there_is(self) -> tuple[int, ...]:
        inboxes = self.office.inboxes.values()
        with self.fleet.store.engine.connect() as connection:
            events = len(connection.execute(select(finding_event)).all())
        return events, *(n for i in inboxes for n in (len(i.messages), i.refused))

    @rule(again=st.booleans())
    def a_deliverer_runs(self, again: bool) -> None:
        self.deliver()
        if again:
            self.office.new_process()
            self.deliver()

    @rule(channel=channels, when=st.sampled_from(("before", "after", "nothing")))
    def a_deliverer_dies(self, channel: str, when: str) -> None:
        self.office.inboxes[channel].dies = when
        self.deliver()

    @override
    def deliver(self) -> None:
        self.fleet.later(timedelta(seconds=1))
        self.office.deliver(self.oracle, self.fleet.now)
        self.office.check(self.fleet.now)
        self._every_event_has_an_outcome_and_every_alert_an_event()

    def _every_event_has_an_outcome_and_every_alert_an_event(self) -> None:
        with self.fleet.store.engine.connect() as connection:
            in_order = select(finding_event).order_by(finding_event.c.id)
            rows = connection.execute(in_order).all()
        assert all(row.outcome for row in rows if row.not_before < self.fleet.now)
        keys = {f"{row.finding_id}-{row.sequence}" for row in rows}
        latest = {row.finding_id: f"{row.finding_id}-{row.sequence}" for row in rows}
        for key in latest.values():
            self.told_at.setdefault(key, self.fleet.now)
        for problem in self.open():
            often = self.office.repeats(self.oracle.open[key_of(problem.finding)], self.fleet.now)
            told_at = self.told_at[latest[problem.id]]
            assert often is None or told_at + often > self.fleet.now, problem.finding
        for inbox in self.office.inboxes.values():
            assert {alert.key for alert in inbox.alerts} <= keys


@pytest.fixture(autouse=True)
def time_stands_still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless a story says that it passes."""
    monkeypatch.setattr("worker.store.connection.monotonic", lambda: 0.0)
    monkeypatch.setattr(DatabaseClock.__init__, "__defaults__", (lambda: 0.0,))


def _tell(at: Place, *, stories: int, steps: int) -> None:
    class Here(Told):
        place = staticmethod(at)

    told = settings(max_examples=stories, stateful_step_count=steps)
    run_state_machine_as_test(Here, settings=told)


def test_two_weeks(tmp_path: Path) -> None:
    _tell(on_sqlite(tmp_path), stories=6, steps=25)


def test_a_few_days_on_the_other_database(postgres_server: PostgresServer) -> None:
    with on_postgres(postgres_server) as place:
        _tell(place, stories=2, steps=12)
