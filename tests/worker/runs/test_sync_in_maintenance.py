"""A sync while people are at work: who is asked, what is applied, and whom nobody has read."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from reconcile.evidence.inputs import Rules
from reconcile.model.findings import Kind
from reconcile.model.nouns import Seen, Server, Skipped, SkipReason
from tests.reconcile.fleet import HUB, OTHER, SPOKE
from tests.worker.fleet import Fleet, Site
from worker.config.run_policy import Policy, RunPolicy
from worker.inventory.lookup import find_server
from worker.model.maintenance import Window
from worker.model.operations import EntryFilter
from worker.model.run_report import OperationOutcome
from worker.operations.apply import apply_entries
from worker.store.tables.failover import sighting
from worker.store.unit_of_work import Store

LEFT_OUT = SkipReason.MAINTENANCE


@pytest.fixture
def site(store: Store) -> Site:
    """A hub and a spoke with relationship HQ in IPAM, and another server."""
    site = Site(store, Fleet()).servers(HUB, SPOKE, OTHER)
    site.tell(HUB, SPOKE)
    site.tells(OTHER)
    site.sync()
    return site


def number(site: Site, server: Server) -> int:
    """Its id in this store."""
    with site.store.read() as reading:
        return find_server(reading.inventory.servers(), server.name).id


def begin(site: Site, server: Server, relationship: str | None = None) -> None:
    """A window of an hour."""
    with site.store.write() as uow:
        now = uow.now()
        ends_at = now + timedelta(hours=1)
        key = find_server(uow.inventory.servers(), server.name).id
        uow.maintenance.add(Window(0, key, relationship, now, ends_at, "new disks", "ada"))
        uow.commit()


def read_long_ago(site: Site) -> None:
    """So that no run can use what was read before it."""
    with site.store.engine.begin() as connection:
        connection.execute(update(sighting).values(read_at=datetime(2020, 1, 1, tzinfo=UTC)))


def end_all(site: Site) -> None:
    with site.store.write() as uow:
        for window in uow.maintenance.windows():
            uow.maintenance.end(window.id, "ada")
        uow.commit()


def pending(site: Site) -> list[int]:
    with site.store.read() as reading:
        return [view.entry.number for view in reading.views.operations(EntryFilter())]


def test_nobody_talks_to_a_server_in_maintenance(site: Site) -> None:
    hub, spoke = number(site, HUB), number(site, SPOKE)
    begin(site, SPOKE)
    for told in (site.sync(), site.plan()):
        assert told.sightings[spoke] == Skipped(spoke, LEFT_OUT)
        assert SPOKE.name not in site.fleet.asked
        assert isinstance(told.sightings[hub], Seen)
    end_all(site)
    assert isinstance(site.sync().sightings[spoke], Seen)


def test_a_partner_that_is_learnt_of_in_the_run_is_left_alone_too(site: Site) -> None:
    site.tell(HUB, OTHER, "West")
    begin(site, OTHER)
    other = number(site, OTHER)
    assert site.plan(server=HUB.name).sightings[other] == Skipped(other, LEFT_OUT)


def test_who_insists_on_a_server_gets_a_second_look_at_it_too(site: Site) -> None:
    """R2: the disagreement is looked at twice, though the server is in maintenance."""
    read_long_ago(site)
    begin(site, HUB)
    site.fleet.rereads = True
    truth = site.fleet.stories[HUB.name]
    assert truth is not None
    site.fleet.again = {HUB.name: truth}
    site.fleet.stories[HUB.name] = [replace(s, mclt_seconds=60) for s in truth]
    told = site.sync(server=HUB.name)
    assert site.fleet.asked.count(HUB.name) == 2
    assert (told.findings, told.lines) == ((), ())


def test_a_second_look_at_one_that_went_into_maintenance_keeps_the_first(site: Site) -> None:
    site.fleet.rereads = True
    stories = site.fleet.stories[HUB.name]
    assert stories is not None
    site.fleet.stories[HUB.name] = [replace(s, mclt_seconds=60) for s in stories]
    site.fleet.after_look = lambda: begin(site, HUB)
    told = site.sync()
    assert isinstance(told.sightings[number(site, HUB)], Seen)
    assert [f.kind for f in told.findings] == [Kind.PARTNER_MISMATCH]


def test_what_waits_is_not_applied_by_the_machine_while_its_relationship_is_paused(
    site: Site,
) -> None:
    """A window that opens between recording and applying holds as well; a person may."""
    site.run_policy = RunPolicy(policy=Policy.REVIEW)
    site.forget()
    site.tell(HUB, SPOKE, mclt_seconds=60)
    (line,) = site.sync().lines
    assert (line.fate, pending(site)) == (OperationOutcome.PENDING, [line.number])
    begin(site, SPOKE, "hq")
    assert line.number is not None
    for by_machine, left in ((True, [line.number]), (False, [])):
        with site.store.write() as uow:
            now = {line.number: line.planned}
            applied = apply_entries(uow, now, "somebody", by_machine=by_machine)
            uow.commit()
        assert pending(site) == left
        assert list(applied.refused) == left


def test_what_was_recorded_before_a_window_is_applied_after_it(site: Site) -> None:
    site.run_policy = RunPolicy(policy=Policy.REVIEW)
    site.forget()
    site.tell(HUB, SPOKE, mclt_seconds=60)
    site.sync()
    begin(site, HUB, "HQ")
    site.run_policy = RunPolicy()
    told = site.sync()
    assert (told.lines, told.pairs, told.paused) == ((), 0, 1)
    assert pending(site)
    end_all(site)
    assert [line.fate for line in site.sync().lines] == [OperationOutcome.APPLIED]


def test_a_server_that_nobody_reads_for_too_long_is_a_finding_until_it_is_read(site: Site) -> None:
    site.run_policy = RunPolicy(rules=Rules(overdue_after=timedelta(0)))
    told = site.fleet.stories[SPOKE.name]
    site.silence(SPOKE)
    for opened in (2, 0, 0):
        summary = site.sync()
        assert summary.opened == opened
        assert {f.kind for f in summary.findings} == {Kind.SERVER_UNREAD, Kind.SERVER_OVERDUE}
    site.fleet.stories[SPOKE.name] = told
    assert site.sync().resolved == 2
