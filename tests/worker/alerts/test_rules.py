"""Which alert goes where, and when."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.model.findings import Kind, Matter, Severity
from tests.worker.alerts.samples import CHANGED, NOW, OPENED, UNREAD
from worker.alerts.rules import AlertRoute, Match, PlannedDelivery, QuietHours, channels_for

VIENNA = ZoneInfo("Europe/Vienna")
NIGHT = QuietHours(time(22), time(6), VIENNA)


@pytest.mark.parametrize(
    ("match", "fits"),
    [
        (Match(), True),
        (Match(kind=frozenset({Kind.PARTNER_MISMATCH, Kind.BLOCKED})), True),
        (Match(kind=frozenset({Kind.BLOCKED})), False),
        (Match(matter=frozenset({Matter.DRIFT})), True),
        (Match(matter=frozenset({Matter.BLINDNESS})), False),
        (Match(severity_at_least=Severity.WARNING), True),
        (Match(severity_at_least=Severity.CRITICAL), False),
        (Match(server="DHCP02.*"), True),
        (Match(server="dhcp0?"), False),
        (Match(relationship="h*"), True),
        (Match(relationship="x*"), False),
        (Match(tag="LAB"), True),
        (Match(tag="site:*"), True),
        (Match(tag="*:linz"), False),
        (Match(server="dhcp01*", relationship="x*"), False),
    ],
)
def test_a_route_takes_what_fits_all_that_it_says(match: Match, fits: bool) -> None:
    assert match.fits(replace(OPENED, tags=("lab", "site:vienna"))) is fits


def test_what_has_no_tag_fits_no_pattern_of_one() -> None:
    assert not Match(tag="*").fits(OPENED)


def test_what_has_no_relationship_fits_no_pattern_of_one() -> None:
    assert not Match(relationship="*").fits(UNREAD)


def test_every_route_that_fits_adds_its_channels_each_once() -> None:
    routes = [
        AlertRoute(Match(), ("log", "mail")),
        AlertRoute(Match(severity_at_least=Severity.CRITICAL), ("pager", "log")),
    ]
    assert [d.channel for d in channels_for(OPENED, routes, NOW)] == ["log", "mail"]
    assert [d.channel for d in channels_for(CHANGED, routes, NOW)] == ["log", "mail", "pager"]
    assert channels_for(OPENED, [], NOW) == ()


@pytest.mark.parametrize(
    ("local", "until"),
    [
        ((2026, 11, 25, 21, 59), None),
        ((2026, 11, 25, 22, 0), (2026, 11, 26, 6)),
        ((2026, 11, 26, 5, 59), (2026, 11, 26, 6)),
        ((2026, 11, 26, 6, 0), None),
        ((2026, 3, 28, 23, 0), (2026, 3, 29, 6)),  # the clock is put forward that night
        ((2026, 10, 24, 23, 0), (2026, 10, 25, 6)),  # and back
    ],
)
def test_quiet_hours_go_over_midnight_by_the_clock_on_the_wall(
    local: tuple[int, int, int, int, int], until: tuple[int, int, int, int] | None
) -> None:
    at = datetime(*local, tzinfo=VIENNA).astimezone(UTC)
    end = None if until is None else datetime(*until, tzinfo=VIENNA).astimezone(UTC)
    assert NIGHT.over_at(at) == end


def test_in_quiet_hours_an_alert_waits_and_a_critical_one_does_not() -> None:
    night = datetime(2026, 11, 25, 23, tzinfo=VIENNA)
    morning = datetime(2026, 11, 26, 6, tzinfo=VIENNA)
    route = AlertRoute(Match(), ("mail",), NIGHT)
    assert channels_for(OPENED, [route], night) == (PlannedDelivery("mail", morning),)
    assert channels_for(CHANGED, [route], night) == (PlannedDelivery("mail", night),)
    strict = replace(route, quiet_hours=replace(NIGHT, except_critical=False))
    assert channels_for(CHANGED, [strict], night) == (PlannedDelivery("mail", morning),)
    assert channels_for(OPENED, [route, AlertRoute(Match(), ("mail",))], night) == (
        PlannedDelivery("mail", night),
    )


@given(
    st.integers(0, 20 * 365 * 24 * 60).map(lambda minutes: NOW + timedelta(minutes=minutes)),
    st.times(),
    st.times(),
)
def test_nothing_waits_for_longer_than_a_day_nor_back_into_the_past(
    at: datetime, start: time, end: time
) -> None:
    over = QuietHours(start, end, VIENNA).over_at(at)
    assert over is None or timedelta(0) < over - at <= timedelta(hours=25)
    if over is not None and start != end:
        assert QuietHours(start, end, VIENNA).over_at(over) is None
