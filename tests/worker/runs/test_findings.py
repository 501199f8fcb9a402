"""What happens to problems is written with the fact, from runs: confirmed, told once, kept (R10, R11)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from collectors.simulator.fleet import made
from reconcile.findings.drift import Judged, drift
from reconcile.findings.life import Patience
from reconcile.model.findings import Event, Finding, Kind, Severity
from reconcile.model.nouns import Evidence, Seen, State
from tests.reconcile.fleet import HUB, OTHER, SPOKE
from tests.worker.fleet import Fleet, Site
from tests.worker.runs.office import Office, office
from tests.worker.store.samples import open_run
from tests.worker.store.sql_counter import counted
from worker.config.run_policy import RunPolicy
from worker.model.alerts import PastEvent, Snapshot
from worker.runs import record
from worker.runs.findings import Fact, keep_findings
from worker.store.tables.alerts import delivery, finding_event
from worker.store.tables.failover import finding
from worker.store.unit_of_work import Store

APART = timedelta(minutes=7.5)
INTERRUPTED = State.COMMUNICATIONS_INTERRUPTED
LIVES = ("finding", "finding_server", "finding_event", "delivery")


@pytest.fixture
def site(store: Store) -> Site:
    """Two partners that agree, and were read once."""
    site = Site(store, Fleet(), RunPolicy(patience=Patience(apart=APART))).servers(HUB, SPOKE)
    tell(site)
    site.sync()
    return site


def tell(site: Site, mclt_seconds: int = 3600, **states: State) -> None:
    """HQ as the two tell it; ``hub`` and ``spoke``: their states."""
    site.fleet.stories.clear()
    normal = State.NORMAL
    site.tell(HUB, SPOKE)
    (first,), (second,) = (site.fleet.stories[s.name] or [] for s in (HUB, SPOKE))
    hub = replace(first, state=states.get("hub", normal), mclt_seconds=mclt_seconds)
    site.fleet.stories[HUB.name] = [hub]
    site.fleet.stories[SPOKE.name] = [replace(second, state=states.get("spoke", normal))]


def happened(site: Site, kind: Kind) -> list[PastEvent]:
    """All that ever happened to problems of this kind."""
    assert isinstance(site.store, Store)
    with site.store.engine.connect() as connection:
        every = connection.execute(select(finding.c.id)).scalars().all()
    with site.store.read() as reading:
        events = reading.outbox.events(every)
    return [event for event in events if event.snapshot.finding.kind is kind]


def told(site: Site, kind: Kind) -> list[Event]:
    return [event.event for event in happened(site, kind)]


def later(site: Site, by: timedelta) -> None:
    """All that was counted was so much earlier."""
    assert isinstance(site.store, Store)
    with site.store.engine.begin() as connection:
        for row in connection.execute(select(finding.c.id, finding.c.counted_at)).all():
            this = update(finding).where(finding.c.id == row.id)
            connection.execute(this.values(counted_at=row.counted_at - by))


def rows(site: Site) -> dict[str, int]:
    assert isinstance(site.store, Store)
    with site.store.engine.connect() as connection:
        return {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in (finding, finding_event, delivery)
        }


class TestWithTheFact:
    """An event is in the transaction of the finding."""

    def test_a_problem_and_what_happened_to_it_appear_together(self, site: Site) -> None:
        tell(site, mclt_seconds=7200)
        run = site.sync().run
        (event,) = happened(site, Kind.PARTNER_MISMATCH)
        assert (event.event, event.sequence, event.outcome) == (Event.OPENED, 1, None)
        with site.store.read() as reading:
            (problem,) = reading.findings.unresolved()
            assert reading.outbox.unrouted(9) == (event,), "the run is closed"
        assert (problem.id, problem.sequence, problem.run) == (event.finding, 1, run)

    def test_neither_is_there_when_the_transaction_failed(
        self, site: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What comes after them in it dies."""

        def die(*_: object) -> None:
            raise ZeroDivisionError

        tell(site, mclt_seconds=7200)
        monkeypatch.setattr(record, "_fill_tracker", die)
        with pytest.raises(ZeroDivisionError):
            site.sync()
        assert rows(site) == {"finding": 0, "finding_event": 0, "delivery": 0}

    def test_what_ended_and_came_back_goes_on_counting(self, site: Site) -> None:
        for mclt_seconds in (7200, 3600, 7200, 9000):
            tell(site, mclt_seconds=mclt_seconds)
            site.sync()
        events = happened(site, Kind.PARTNER_MISMATCH)
        assert [(e.sequence, e.event) for e in events] == [
            (1, Event.OPENED),
            (2, Event.RESOLVED),
            (3, Event.OPENED),
            (4, Event.CHANGED),
        ]
        assert len({e.finding for e in events}) == 1


class TestSnapshot:
    """What is told is what was true then: words, evidence, what IPAM had."""

    def test_of_a_contradiction(self, site: Site) -> None:
        tell(site, mclt_seconds=7200)
        site.sync()
        tell(site, mclt_seconds=9000)
        site.sync()
        first, second = (e.snapshot for e in happened(site, Kind.PARTNER_MISMATCH))
        assert [dict(s.finding.values)["MCLT"] for s in (first, second)] == [
            ((HUB.name, "PT2H"), (SPOKE.name, "PT1H")),
            ((HUB.name, "PT2H30M"), (SPOKE.name, "PT1H")),
        ]
        for snapshot in (first, second):
            assert snapshot.ipam == {"MCLT": "PT1H"}
            assert snapshot.evidence is Evidence.BOTH

    def test_one_partner_was_read(self, site: Site) -> None:
        tell(site, hub=State.PARTNER_DOWN)
        site.silence(SPOKE)
        site.sync()
        (event,) = happened(site, Kind.STATE_NOT_NORMAL)
        assert event.snapshot.evidence is Evidence.ONE_SIDE
        assert event.snapshot.ipam == {"Server1State": "Normal", "Server2State": "Normal"}, "then"

    def test_nobody_was_read(self, site: Site) -> None:
        site.run_policy = replace(site.run_policy, patience=Patience(apart=timedelta(0)))
        site.silence(SPOKE)
        site.sync()
        site.sync()
        (event,) = happened(site, Kind.SERVER_UNREAD)
        assert event.snapshot.evidence is Evidence.NONE

    def test_what_is_read_off_the_store_is_certain(self, site: Site) -> None:
        """Nobody had to be read to know what waits for another operation."""
        waiting = Finding(Kind.BLOCKED, "HQ", (1, 2), "It waits for the removal of branch.")
        change = drift([waiting], [], Judged({}, frozenset()))
        with site.store.write() as uow:
            keep_findings(uow, Fact(open_run(uow), [waiting], site.run_policy), change, ())
            uow.commit()
        (event,) = happened(site, Kind.BLOCKED)
        assert event.snapshot == Snapshot(waiting, Evidence.BOTH)


def waits(site: Site) -> timedelta:
    """How long the only event waits at most."""
    assert isinstance(site.store, Store)
    with site.store.engine.connect() as connection:
        row = connection.execute(select(finding_event.c.at, finding_event.c.not_before)).one()
    return row.not_before - row.at  # type: ignore[no-any-return]  # times of the table


@pytest.mark.parametrize(
    ("severity", "seconds"), [(Severity.WARNING, 120), (Severity.CRITICAL, 30)]
)
def test_the_louder_the_sooner(site: Site, severity: Severity, seconds: int) -> None:
    """As loud as people say; that is how long the close of the run is waited for."""
    site.run_policy = replace(site.run_policy, severities={Kind.PARTNER_MISMATCH: severity})
    tell(site, mclt_seconds=7200)
    site.sync()
    assert abs(waits(site) - timedelta(seconds=seconds)) < timedelta(seconds=5)


class TestConfirmed:
    """By a second reading, half an interval later."""

    def test_a_flicker_wakes_nobody(self, site: Site) -> None:
        tell(site, hub=INTERRUPTED, spoke=INTERRUPTED)
        site.sync()
        later(site, APART)
        tell(site)
        site.sync()
        assert told(site, Kind.STATE_NOT_NORMAL) == []
        with site.store.read() as reading:
            assert reading.findings.unresolved() == ()

    def test_by_a_reading_that_is_late_enough(self, site: Site) -> None:
        tell(site, hub=INTERRUPTED, spoke=INTERRUPTED)
        site.sync()
        site.sync()
        assert told(site, Kind.STATE_NOT_NORMAL) == []
        later(site, APART)
        site.sync()
        assert told(site, Kind.STATE_NOT_NORMAL) == [Event.OPENED]

    def test_dated_by_the_latest_reading_that_shows_it(self, site: Site) -> None:
        """A judgement may be much later, and rest on the same reading as the one before."""
        tell(site, hub=INTERRUPTED)
        run = site.sync().run
        with site.store.read() as reading:
            (problem,) = reading.findings.unresolved()
            read = [s.read_at for s in reading.readings.sightings(run) if isinstance(s, Seen)]
        assert len(read) == 2
        assert problem.life.counted_at == max(read) < problem.first_seen

    @pytest.mark.parametrize("silent", [(HUB, SPOKE), (SPOKE,)])
    def test_not_by_the_last_word_of_who_is_silent_now(
        self, site: Site, silent: tuple[object, ...]
    ) -> None:
        """Both said so once; now none says so, and those who may are not read (R1)."""
        tell(site, hub=INTERRUPTED, spoke=INTERRUPTED)
        site.sync()
        tell(site)
        for server in silent:
            site.fleet.stories[server.name] = None  # type: ignore[attr-defined]  # a Server
        for _ in range(3):
            later(site, APART)
            site.sync()
        assert told(site, Kind.STATE_NOT_NORMAL) == []
        tell(site, spoke=INTERRUPTED)
        site.sync()
        assert told(site, Kind.STATE_NOT_NORMAL) == [Event.OPENED]


def test_a_problem_persists_while_its_server_is_unread(site: Site) -> None:
    """Unread is not resolved; it is over when both were read without it."""
    tell(site, mclt_seconds=7200)
    site.sync()
    tell(site)
    site.silence(HUB)
    site.sync()
    site.silence(HUB, SPOKE)
    site.sync()
    assert told(site, Kind.PARTNER_MISMATCH) == [Event.OPENED]
    tell(site)
    site.sync()
    assert told(site, Kind.PARTNER_MISMATCH) == [Event.OPENED, Event.RESOLVED]


def written(site: Site) -> dict[str, int]:
    """Rows of the life of problems that a run writes."""
    assert isinstance(site.store, Store)
    with counted(site.store.engine) as sql:
        site.sync()
    return {table: sql.written[table] for table in LIVES if sql.written[table]}


class TestQuiet:
    """R10: a run in which nothing is new writes nothing of problems, whatever there is."""

    def test_open_and_unconfirmed_ones(self, site: Site) -> None:
        site.servers(OTHER)
        tell(site, mclt_seconds=7200, hub=INTERRUPTED)
        site.silence(OTHER)
        site.sync()
        assert len(happened(site, Kind.PARTNER_MISMATCH)) == 1
        assert written(site) == {}
        later(site, APART)
        assert written(site)["finding_event"] == 2
        assert written(site) == {}
        assert told(site, Kind.SERVER_UNREAD) == [Event.OPENED]

    def test_one_that_is_away_for_a_while(self, site: Site) -> None:
        """It flaps, so it is open for longer; that is written once."""
        site.run_policy = replace(site.run_policy, patience=Patience(flaps=1))
        tell(site, mclt_seconds=7200)
        site.sync()
        tell(site)
        assert written(site) == {"finding": 1}
        assert written(site) == {}
        tell(site, mclt_seconds=7200)
        assert written(site) == {"finding": 1}
        assert written(site) == {}
        assert told(site, Kind.PARTNER_MISMATCH) == [Event.OPENED]


class TestByWorkers:
    """The same when many workers do it."""

    @pytest.fixture
    def at(self, tmp_path: Path) -> Iterator[Office]:
        with office(tmp_path, made(6, partners=2)) as at:
            at.run()
            yield at

    def test_confirmed_by_the_next_run_and_told_with_it(self, at: Office) -> None:
        """Each server is judged in a piece of its own, with partners that were judged before."""
        at.running.change("dhcp0001-dhcp0002", {"state": "CommunicationInterrupted"})
        at.run()
        at.run()
        assert events(at) == []
        at.later(at.ipam.run_policy.patience.apart)
        at.run()
        assert events(at) == [(1, "opened")]
        at.running.change("dhcp0001-dhcp0002", {"state": "Normal"})
        at.run()
        assert events(at) == [(1, "opened"), (2, "resolved")]

    def test_all_at_once_while_several_threads_judge(self, at: Office) -> None:
        at.running.change("dhcp0001-dhcp0002@dhcp0001", {"mclt_seconds": "60"})
        at.running.change("dhcp0002-dhcp0003@dhcp0002", {"state": "PartnerDown"})
        at.run()
        assert events(at) == [(1, "opened")] * 2
        before = at.sql("SELECT * FROM finding ORDER BY id")
        at.run()
        assert at.sql("SELECT * FROM finding ORDER BY id") == before
        assert events(at) == [(1, "opened")] * 2

    def test_what_happened_in_a_run_is_told_when_it_is_closed(self, at: Office) -> None:
        """Or after a while: a run that takes long must not hold it up."""
        at.running.change("dhcp0001-dhcp0002@dhcp0001", {"mclt_seconds": "60"})
        run = at.run().run
        at.sql(f"UPDATE run SET ended_at = NULL WHERE id = {run}")  # noqa: S608 - our own number
        store = at.ipam.store
        with store.read() as reading:
            assert reading.outbox.unrouted(9) == ()
        at.later(timedelta(minutes=2))
        with store.read() as reading:
            assert len(reading.outbox.unrouted(9)) == 1


def events(at: Office) -> list[tuple[object, ...]]:
    return at.sql("SELECT sequence, event FROM finding_event ORDER BY id")
