"""A disagreement is looked at twice (R2): who is read once more, and what is said in the end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest
from typing_extensions import override

from reconcile.model.findings import Finding, Kind
from reconcile.model.nouns import Operation, Seen, Server, Sighting, Unseen
from reconcile.planning.plan import Plan
from tests.reconcile.fleet import HUB, OTHER, SPOKE, START, Ipam, both, nets
from tests.worker.fleet import FAILURE, Fleet, Site
from worker.runs.recheck import FURTHER_READINGS, Looked, with_distance
from worker.store.unit_of_work import Store


@dataclass
class Failing(Fleet):
    """Those in ``lost`` can be read once in a run, and not again."""

    lost: set[str] = field(default_factory=set)

    @override
    def look(
        self, servers: Iterable[Server], clock: Callable[[], datetime]
    ) -> Iterator[Seen | Unseen]:
        for server in servers:
            if server.name in self.lost and server.name in self.asked:
                self.asked.append(server.name)
                yield Unseen(server.id, clock(), FAILURE)
            else:
                yield from super().look([server], clock)


@pytest.fixture
def site(store: Store) -> Site:
    """The hub has a relationship with each of two others; all can be read again."""
    site = Site(store, Failing(rereads=True)).servers(HUB, SPOKE, OTHER)
    site.tell(HUB, SPOKE)
    site.tell(HUB, OTHER, "second", scopes=nets("10.5.0.0"))
    site.tell(SPOKE, OTHER, "kept", scopes=nets("10.9.0.0"))
    site.sync()
    assert site.fleet.asked == [HUB.name, SPOKE.name, OTHER.name]
    return site


def change(site: Site, server: Server, name: str, **values: object) -> None:
    """One server tells a relationship differently from now on."""
    told = site.fleet.stories[server.name] or []
    site.fleet.stories[server.name] = [
        replace(story, **values) if story.name == name else story  # type: ignore[arg-type]  # per test
        for story in told
    ]


def again(site: Site) -> list[str]:
    """Who was read once more, in that order."""
    return site.fleet.asked[3:]


def kinds(site_run: object) -> list[Kind]:
    return [f.kind for f in site_run.findings]  # type: ignore[attr-defined]  # a Summary or a Preview


def test_one_further_reading_serves_every_pair_that_waits_for_it(site: Site) -> None:
    change(site, SPOKE, "HQ", mclt_seconds=60)
    change(site, OTHER, "second", mclt_seconds=60)
    summary = site.sync()
    assert again(site) == [HUB.name]
    assert kinds(summary) == [Kind.PARTNER_MISMATCH] * 2


def test_a_disagreement_that_one_reading_confirms_says_nothing_of_distance(site: Site) -> None:
    """It was the same at two times: that is what it is."""
    change(site, SPOKE, "HQ", mclt_seconds=60)
    (finding,) = site.sync().findings
    assert "apart" not in finding.detail


def test_a_removal_is_looked_at_twice_before_it_is_recorded(site: Site) -> None:
    for server in (HUB, SPOKE):
        told = site.fleet.stories[server.name] or []
        site.fleet.stories[server.name] = [story for story in told if story.name != "HQ"]
    summary = site.sync()
    assert again(site) == [HUB.name]
    assert [line.planned.operation for line in summary.lines] == [Operation.DELETE]


def test_a_removal_that_the_second_reading_denies_is_not_recorded(site: Site) -> None:
    """The hub was read while its relationship was being made anew."""
    of_hub = site.fleet.stories[HUB.name] or []
    site.fleet.stories[HUB.name] = [story for story in of_hub if story.name != "HQ"]
    site.fleet.again[HUB.name] = of_hub
    summary = site.sync()
    assert again(site) == [HUB.name]
    assert (summary.lines, summary.findings) == ((), ())


def test_who_cannot_be_read_again_keeps_its_first_reading(site: Site) -> None:
    """A failed read is no reading, and takes none away (R1)."""
    assert isinstance(site.fleet, Failing)
    site.fleet.lost.add(HUB.name)
    change(site, SPOKE, "HQ", mclt_seconds=60)
    summary = site.sync()
    assert again(site) == [HUB.name]
    assert kinds(summary) == [Kind.PARTNER_MISMATCH]
    assert isinstance(summary.sightings[site_id(site, HUB)], Seen)


def site_id(site: Site, server: Server) -> int:
    with site.store.read() as reading:
        return next(s.id for s in reading.inventory.servers() if s.name == server.name)


def test_exports_are_read_once(site: Site) -> None:
    """A file tells the same however often it is read."""
    site.fleet.rereads = False
    change(site, SPOKE, "HQ", mclt_seconds=60)
    assert kinds(site.sync()) == [Kind.PARTNER_MISMATCH]
    assert again(site) == []


class TestDistance:
    """What is said of a disagreement that no further reading could settle."""

    def plan(self) -> tuple[Plan, dict[int, Sighting]]:
        """HUB and SPOKE tell HQ differently, and were read 1.5 s apart."""
        ipam = Ipam()
        one, two = both()
        plan = ipam.run({HUB: [replace(one, mclt_seconds=60)], SPOKE: [two], OTHER: None})
        later = START + timedelta(seconds=1.5)
        return plan, {HUB.id: Seen(HUB.id, later, ()), SPOKE.id: Seen(SPOKE.id, START, ())}

    def mismatch(self, plan: Plan) -> Finding:
        (found,) = (f for f in plan.findings if f.kind is Kind.PARTNER_MISMATCH)
        return found

    def test_the_finding_says_how_far_apart_the_readings_were(self) -> None:
        plan, sightings = self.plan()
        before = self.mismatch(plan)
        told = with_distance(plan, Looked(sightings, frozenset({before.fingerprint})))
        after = self.mismatch(told)
        assert after.detail == (
            f"{before.detail} The readings are 1.5 s apart: one of the servers was read "
            f"{FURTHER_READINGS} times more in this run, and another difference came up each time."
        )
        assert (after.fingerprint, after.values) == (before.fingerprint, before.values)

    def test_no_other_finding_does(self) -> None:
        plan, sightings = self.plan()
        unsettled = frozenset({self.mismatch(plan).fingerprint})
        told = with_distance(plan, Looked(sightings, unsettled))
        assert {f for f in told.findings if f.kind is not Kind.PARTNER_MISMATCH} == {
            f for f in plan.findings if f.kind is not Kind.PARTNER_MISMATCH
        }

    def test_without_any_unsettled_it_is_the_very_plan(self) -> None:
        plan, sightings = self.plan()
        assert with_distance(plan, Looked(sightings)) is plan
