"""A live document becomes a reading: scopes that are served, and how far a clock is off."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from collectors.base import DecodeError
from collectors.reading import understand
from reconcile.model.nouns import Seen, ServedScope, Server
from tests.collectors import powershell_json
from tests.reconcile.fleet import net

SERVER = Server(1, "dhcp01.corp.example")
BEGAN = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
ENDED = BEGAN + timedelta(seconds=20)


def document(**members: Any) -> bytes:  # noqa: ANN401 - anything that JSON has
    """What a healthy server prints, with these members instead."""
    printed: dict[str, Any] = json.loads(
        powershell_json.own_document([], powershell_json.host("DHCP01", SERVER.name))
    )
    return json.dumps(printed | members).encode()


def with_clock(clock: object) -> bytes:
    return document(host=dict(powershell_json.host("DHCP01", SERVER.name)) | {"clock": clock})


def scope(**members: object) -> dict[str, object]:
    usual = {
        "ScopeId": "10.1.0.0",
        "Name": "Büro",
        "SubnetMask": "255.255.0.0",
        "StartRange": "10.1.0.10",
        "EndRange": "10.1.9.99",
        "State": "Active",
    }
    return {**usual, **members}


def read(printed: bytes, ended: datetime | None = ENDED) -> Seen:
    return understand(printed, SERVER, BEGAN, ended)


class TestScopes:
    """For people, and to see who has no partner."""

    def test_they_are_read_in_order_of_their_addresses(self) -> None:
        seen = read(document(scopes=[scope(ScopeId="10.9.0.0", State="InActive"), scope()]))
        assert seen.scopes is not None
        first, second = seen.scopes
        assert first == ServedScope(
            net("10.1.0.0"),
            active=True,
            name="Büro",
            mask="255.255.0.0",
            start="10.1.0.10",
            end="10.1.9.99",
        )
        assert (second.scope, second.active) == (net("10.9.0.0"), False)

    def test_none_and_not_said_are_different(self) -> None:
        assert read(document(scopes=[])).scopes == ()
        assert read(document(scopes=None)).scopes is None

    def test_blank_texts_are_not_said(self) -> None:
        seen = read(document(scopes=[scope(Name=None, SubnetMask=None)]))
        assert seen.scopes is not None
        assert (seen.scopes[0].name, seen.scopes[0].mask) == (None, None)

    @pytest.mark.parametrize(
        ("spoilt", "where"),
        [
            ({"ScopeId": None}, "ScopeId"),
            ({"ScopeId": "ten"}, "ScopeId"),
            ({"State": None}, "State"),
            ({"Name": 7}, "Name"),
        ],
    )
    def test_one_that_cannot_be_understood_spoils_the_reading(
        self, spoilt: dict[str, object], where: str
    ) -> None:
        """And the sentence says which."""
        with pytest.raises(DecodeError, match=f"scope 2: {where}"):
            read(document(scopes=[scope(), scope(**spoilt)]))


class TestClock:
    """Compared with both ends of the reading: the network's time is nobody's fault."""

    @pytest.mark.parametrize(
        ("told", "offset"),
        [
            ("2026-11-02T08:00:05.1234567Z", 0.0),
            ("2026-11-02T08:00:05Z", 0.0),
            ("2026-11-02T08:00:22.5Z", 2.5),
            ("2026-11-02T09:00:22.5000000+01:00", 2.5),
            ("2026-11-02T07:58:30.0000000Z", -90.0),
            (None, None),
        ],
    )
    def test_how_far_it_is_off(self, told: str | None, offset: float | None) -> None:
        assert read(with_clock(told)).clock_offset_seconds == offset

    def test_of_a_saved_document_nobody_knows(self) -> None:
        """It says what the clock was then, and not when then was."""
        assert read(with_clock("2020-01-01T00:00:00Z"), None).clock_offset_seconds is None

    @pytest.mark.parametrize("told", ["noon", "2026-11-02T08:00:05", "2026-13-02T08:00:05Z", 5])
    def test_what_is_no_time_spoils_the_reading(self, told: object) -> None:
        with pytest.raises(DecodeError, match=r"host\.clock"):
            read(with_clock(told))
