"""``server_overdue``: nobody has read a server for so many intervals that people should know."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from reconcile.evidence.inputs import Rules
from reconcile.findings.drift import drift
from reconcile.model.findings import Kind
from reconcile.model.nouns import Server, Sighting, Skipped, SkipReason, Standing, Story
from reconcile.planning.plan import Plan, draft
from tests.reconcile.fleet import HUB, SPOKE, START, Ipam, both
from tests.reconcile.machines import Estate

A, B = HUB, SPOKE
Told = dict[Server, list[Story] | None]
AN_HOUR = Rules(overdue_after=timedelta(hours=1))


def told() -> Told:
    one, two = both()
    return {A: [one], B: [two]}


def silent() -> Told:
    """B cannot be read."""
    return {A: told()[A], B: None}


def read_once(**server: object) -> Ipam:
    """Both were read at START."""
    ipam = Ipam(servers=(A, replace(B, **server)), rules=AN_HOUR)  # type: ignore[arg-type]  # per test
    ipam.run(told(), minutes=0)
    return ipam


def overdue(plan: Plan) -> list[tuple[int, ...]]:
    return [f.servers for f in plan.findings if f.kind is Kind.SERVER_OVERDUE]


@pytest.mark.parametrize(("minutes", "found"), [(15, []), (60, []), (61, [(B.id,)])])
def test_an_unread_server_is_overdue_after_a_while(minutes: int, found: list[object]) -> None:
    ipam = read_once().later(minutes=minutes)
    assert overdue(ipam.plan(silent())) == found


def test_it_says_when_the_server_was_last_read() -> None:
    plan = read_once().later(hours=2).plan(silent())
    (finding,) = (f for f in plan.findings if f.kind is Kind.SERVER_OVERDUE)
    assert finding.values == (("last read", ((B.name, START.isoformat()),)),)
    assert "since 2026-11-02 08:00 UTC" in finding.detail


@pytest.mark.parametrize("reason", [r for r in SkipReason if r is not SkipReason.MAINTENANCE])
def test_one_that_is_left_out_is_overdue_as_well(reason: SkipReason) -> None:
    """It is not asked because it failed, so nobody else would say that it is not seen."""
    assert overdue(left_out(read_once().later(hours=2), reason)) == [(B.id,)]


def test_one_in_maintenance_is_not() -> None:
    assert overdue(left_out(read_once().later(hours=2), SkipReason.MAINTENANCE)) == []


def left_out(ipam: Ipam, reason: SkipReason) -> Plan:
    inputs = ipam.inputs(told())
    sightings: dict[int, Sighting] = {**inputs.sightings, B.id: Skipped(B.id, reason)}
    return draft(replace(inputs, sightings=sightings)).plan


def test_one_that_was_not_asked_is_not() -> None:
    ipam = read_once().later(hours=2)
    assert overdue(ipam.plan({A: told()[A]})) == []


def test_one_that_was_never_read_is_overdue_when_it_was_known_for_as_long() -> None:
    ipam = Ipam(servers=(A, replace(B, changed_at=START)), rules=AN_HOUR)
    ipam.run(silent(), minutes=60)
    assert overdue(ipam.plan(silent())) == []
    plan = ipam.later(minutes=1).plan(silent())
    assert overdue(plan) == [(B.id,)]
    (finding,) = (f for f in plan.findings if f.kind is Kind.SERVER_OVERDUE)
    assert finding.values == (("last read", ((B.name, "never"),)),)


def test_the_time_begins_anew_when_a_person_enables_or_changes_it() -> None:
    """It may have been out for months: its first failure is no news of that kind."""
    ipam = read_once().later(days=90)
    ipam.servers = (A, replace(B, changed_at=ipam.now))
    assert overdue(ipam.later(minutes=15).plan(silent())) == []
    assert overdue(ipam.later(minutes=60).plan(silent())) == [(B.id,)]


@pytest.mark.parametrize(("minutes", "found"), [(0, []), (60, []), (61, [(B.id,)])])
def test_after_maintenance_the_time_begins_anew(minutes: int, found: list[object]) -> None:
    ipam = read_once().later(hours=30)
    ipam.rested = {B.id: ipam.now}
    assert overdue(ipam.later(minutes=minutes).plan(silent())) == found
    assert overdue(ipam.plan({A: None, B: told()[B]})) == [(A.id,)], "of another one it does not"


def test_a_reading_after_maintenance_counts_as_ever() -> None:
    ipam = read_once()
    ipam.rested = {B.id: ipam.now}
    ipam.later(minutes=50).run(told(), minutes=0)
    assert overdue(ipam.later(minutes=60).plan(silent())) == []
    assert overdue(ipam.later(minutes=1).plan(silent())) == [(B.id,)]


def test_while_its_window_is_open_it_is_not_even_if_a_person_has_it_asked() -> None:
    """And it was not before: what is open stays so."""
    ipam = read_once().later(hours=2)
    ipam.rested = {B.id: ipam.now + timedelta(hours=8)}
    assert overdue(ipam.plan(silent())) == []
    ipam.rested = {}
    ipam.run(silent())
    ipam.rested = {B.id: ipam.now + timedelta(hours=8)}
    assert open_overdue(ipam, ipam.plan(silent()))


def test_an_unchanged_world_writes_nothing_however_long_it_lasts() -> None:
    """R10: the finding says when, not how long ago."""
    ipam = read_once().later(hours=2)
    ipam.run(silent())
    for _ in range(3):
        ipam.later(hours=5)
        life = drift(
            ipam.plan(silent()).findings, ipam.findings.values(), ipam.plan(silent()).judged
        )
        assert {f.kind for f in (*life.opened, *life.changed, *life.resolved)} <= {
            Kind.STALE_EVIDENCE
        }
        assert Kind.SERVER_OVERDUE in {f.kind for f in life.persisting}


def test_a_reading_ends_it_and_nothing_else_does() -> None:
    ipam = read_once().later(hours=2)
    ipam.run(silent())
    assert open_overdue(ipam, left_out(ipam, SkipReason.MAINTENANCE))
    assert open_overdue(ipam, ipam.plan({A: told()[A]}))
    assert not open_overdue(ipam, ipam.plan(told()))


@pytest.mark.parametrize("standing", [Standing.DISABLED, Standing.RETIRED])
def test_taking_the_server_out_ends_it_too(standing: Standing) -> None:
    ipam = read_once().later(hours=2)
    ipam.run(silent())
    ipam.servers = (A, replace(B, standing=standing))
    assert not open_overdue(ipam, ipam.plan({A: told()[A]}))


def test_one_that_turns_out_to_be_another_name_of_a_machine_was_read() -> None:
    """It is no witness (duplicate_server), but it answered."""
    ipam = Estate(servers=(A, B), rules=AN_HOUR)
    ipam.run(told(), minutes=0)
    ipam.later(hours=2).run(silent())
    assert Kind.SERVER_OVERDUE in {f.kind for f in ipam.findings.values()}
    ipam.machines = {A.id: "one", B.id: "one"}
    assert not open_overdue(ipam, ipam.plan(told()))


def open_overdue(ipam: Ipam, plan: Plan) -> bool:
    now = drift(plan.findings, ipam.findings.values(), plan.judged).now
    return Kind.SERVER_OVERDUE in {f.kind for f in now}
