"""What a live server said and what a check found, for people and for programs."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO
from typing import Any

import pytest

from collectors.powershell.errors import TlsFailed
from reconcile.model.nouns import (
    Identity,
    ReadFailure,
    Seen,
    ServedScope,
    Server,
    Sighting,
    Skipped,
    SkipReason,
    Unseen,
)
from tests.collectors import powershell_json
from tests.collectors.answers import Answer, Answering, host_of
from tests.reconcile.fleet import HUB, SPOKE, START, net, told_by
from worker.inventory.check import ServerCheck, check
from worker.views.checks import check_json, show_check
from worker.views.readings import reading_json, show_reading
from worker.views.screen import Screen

FAILURE = ReadFailure("timeout", "No answer in time.", "Look at the server.", retry=True)
READ = Seen(
    HUB.id,
    START,
    (told_by(HUB, SPOKE, "hq"), told_by(HUB, SPOKE, "Branch", scopes=frozenset())),
    Identity(dns_name=HUB.name, machine_id="m-1", addresses=("10.0.0.11",)),
    (
        ServedScope(net("10.1.0.0"), active=True, name="office"),
        ServedScope(net("10.9.0.0"), active=True),
        ServedScope(net("10.9.1.0"), active=False),
    ),
    75.4,
)
UNREAD = Unseen(HUB.id, START, FAILURE)
SERVER = Server(1, "dhcp01.corp.example")


def shown(sighting: Sighting) -> str:
    file = StringIO()
    show_reading(Screen(file), HUB.name, sighting)
    return file.getvalue()


def checked(answer: Answer) -> ServerCheck:
    return check(Answering({1: answer}), SERVER, host_of(SERVER), lambda: START)


def shown_check(found: ServerCheck) -> str:
    file = StringIO()
    show_check(Screen(file), found)
    return " ".join(file.getvalue().split())


class TestReading:
    """``collect``."""

    def test_a_program_gets_everything_that_was_told(self) -> None:
        told: Any = reading_json(HUB.name, READ)
        assert (told["server"], told["outcome"]) == (HUB.name, "read")
        assert told["clock_offset_seconds"] == 75.4
        assert [r["name"] for r in told["relationships"]] == ["Branch", "hq"]
        hq = told["relationships"][1]
        assert hq["scopes"] == ["10.1.0.0", "10.1.1.0"]
        assert (hq["mclt_seconds"], hq["server_type"]) == (3600, "PrimaryServer")
        assert "asked" not in hq
        assert told["identity"]["machine_id"] == "m-1"
        assert told["identity"]["computer_name"] is None
        assert told["scopes"][0] == {
            "scope": "10.1.0.0",
            "name": "office",
            "mask": None,
            "start": None,
            "end": None,
            "active": True,
        }

    @pytest.mark.parametrize(
        ("sighting", "outcome", "code"),
        [
            (UNREAD, "unread", "timeout"),
            (Skipped(HUB.id, SkipReason.CREDENTIAL), "skipped", "credential"),
        ],
    )
    def test_what_was_not_read_is_not_empty(
        self, sighting: Sighting, outcome: str, code: str
    ) -> None:
        """R1: null, and no list of nothing."""
        told: Any = reading_json(HUB.name, sighting)
        assert (told["outcome"], told["code"]) == (outcome, code)
        unknown = ("relationships", "scopes", "identity", "clock_offset_seconds")
        assert [told[member] for member in unknown] == [None] * 4

    def test_a_server_without_relationships_is_an_empty_list(self) -> None:
        told: Any = reading_json(HUB.name, Seen(HUB.id, START, (), scopes=()))
        assert (told["relationships"], told["scopes"]) == ([], [])

    def test_people_get_a_table_and_what_is_odd(self) -> None:
        text = shown(READ)
        for part in ("Branch", SPOKE.name, "LoadBalance", "PrimaryServer", "10.1.1.0", "none"):
            assert part in text
        assert "2 relationships; its clock is 75 s ahead" in text
        assert "active scopes in no relationship: 10.9.0.0" in text
        assert "10.9.1.0" not in text

    @pytest.mark.parametrize(
        ("offset", "told"),
        [(None, ""), (0.0, ""), (0.4, ""), (1.0, "1 s ahead"), (-61.0, "61 s behind")],
    )
    def test_a_clock_is_mentioned_if_it_differs(self, offset: float | None, told: str) -> None:
        text = shown(replace(READ, clock_offset_seconds=offset))
        assert ("its clock is" in text) is bool(told)
        assert told in text

    def test_people_are_told_why_and_what_to_do(self) -> None:
        text = shown(UNREAD)
        for part in ("unread (timeout)", FAILURE.message, FAILURE.remedy):
            assert part in text
        assert "credentials list" in shown(Skipped(HUB.id, SkipReason.BACK_OFF))


class TestCheck:
    """``servers check``."""

    WELL = powershell_json.own_document(
        [powershell_json.relationship()], powershell_json.host("DHCP01", SERVER.name)
    )

    def test_a_program_gets_every_layer_and_the_host_in_its_own_words(self) -> None:
        told: Any = check_json(checked(self.WELL))
        assert (told["server"], told["ok"], told["relationships"]) == (SERVER.name, True, 1)
        assert (told["transport"], told["credential"]) == ("ntlm", "corp")
        assert [layer["outcome"] for layer in told["layers"]] == ["ok"] * 7
        assert told["host"]["os_version"] == "10.0.20348"
        assert told["clock_offset_seconds"] < 0

    def test_a_program_gets_the_failure_and_no_made_up_host(self) -> None:
        told: Any = check_json(checked(TlsFailed("The certificate expired.", "Renew it.")))
        assert (told["ok"], told["code"], told["message"], told["remedy"]) == (
            False,
            "tls",
            "The certificate expired.",
            "Renew it.",
        )
        assert [told[m] for m in ("host", "relationships", "clock_offset_seconds")] == [None] * 3
        assert told["layers"][1] == {
            "layer": "tls",
            "outcome": "refused",
            "detail": "The certificate expired.",
        }

    def test_people_see_who_answered(self) -> None:
        text = shown_check(checked(self.WELL))
        for part in (
            SERVER.name,
            "dhcp ok",
            "calls itself",
            "10.0.20348",
            "service Running clock",
        ):
            assert part in text
        assert "behind ours" in text

    def test_people_are_told_what_to_do(self) -> None:
        text = shown_check(checked(TlsFailed("The certificate expired.", "Renew it.")))
        assert "tls refused The certificate expired." in text
        assert "login not reached" in text
        assert "What to do: Renew it." in text

    def test_what_a_host_says_is_shown_and_not_obeyed(self) -> None:
        """Names come from the network."""
        odd = powershell_json.host("DHCP01", SERVER.name, cluster_name="\x1b[31m[bold]x")
        text = shown_check(checked(powershell_json.own_document([], odd)))
        assert "\x1b" not in text
        assert "[bold]x" in text
