"""Which layer refuses: every way in which asking a server ends, and how far that came."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from collectors.powershell.errors import (
    Forbidden,
    Layer,
    LocalConfig,
    LogonRefused,
    NameUnresolved,
    NoScheme,
    PollError,
    ProtocolBroken,
    QuotaExceeded,
    ScriptFailed,
    TimedOut,
    TlsFailed,
    Unreachable,
)
from collectors.powershell.host import Host, Login, Transport
from collectors.powershell.logons import CredentialSuspended
from collectors.wire import ReportedFailure
from reconcile.model.nouns import Server
from tests.collectors import powershell_json
from tests.collectors.answers import Answer, Answering, host_of
from tests.reconcile.fleet import START
from worker.inventory.check import ANSWER, LayerOutcome, ServerCheck, check

SERVER = Server(1, "dhcp01.corp.example")
HOST = host_of(SERVER)
WHO = powershell_json.host("DHCP01", SERVER.name)
WELL = powershell_json.own_document([powershell_json.relationship("HQ")], WHO)
LAYERS = [*map(str, Layer), ANSWER]


def checked(answer: Answer, host: Host = HOST) -> ServerCheck:
    times = iter([START + timedelta(seconds=n) for n in range(9)])

    def clock() -> datetime:
        return next(times)

    return check(Answering({SERVER.id: answer}), SERVER, host, clock)


def outcomes(found: ServerCheck) -> list[LayerOutcome]:
    return [step.outcome for step in found.steps]


def up_to(layer: str) -> list[LayerOutcome]:
    """All passed before it, it refuses, none reached behind it."""
    at = LAYERS.index(layer)
    behind = len(LAYERS) - at - 1
    return [LayerOutcome.OK] * at + [LayerOutcome.REFUSED] + [LayerOutcome.NOT_REACHED] * behind


def reported(fqid: str | None, category: str) -> bytes:
    failure = ReportedFailure(fqid=fqid, category=category, message="Accès refusé.")
    return powershell_json.failed_document(failure, WHO)


def test_the_layers_are_told_in_the_order_in_which_they_are_passed() -> None:
    assert [step.name for step in checked(WELL).steps] == [
        "address",
        "tls",
        "login",
        "shell",
        "wmi",
        "dhcp",
        "answer",
    ]


def test_a_server_in_order_passes_all_and_says_who_it_is() -> None:
    found = checked(WELL)
    assert outcomes(found) == [LayerOutcome.OK] * len(LAYERS)
    assert found.failure is None
    assert found.seen is not None
    assert [story.name for story in found.seen.stories] == ["HQ"]
    assert found.said == WHO


def test_what_was_passed_says_where_and_as_whom() -> None:
    details = {step.name: step.detail for step in checked(WELL).steps}
    assert details["address"] == "https://dhcp01.corp.example:5986/wsman"
    assert details["login"] == "CORP\\svc-ipam by ntlm (credential corp)"
    login = Login("cert", "", None, Path("me.pem"), Path("me.key"))
    by_certificate = replace(HOST, transport=Transport.CERTIFICATE, login=login)
    told = checked(WELL, by_certificate).steps[2].detail
    assert told == "me.pem by certificate (credential cert)"


def test_the_clock_is_compared_with_ours() -> None:
    """It said midnight of the first of January 2025; one second passed here."""
    seen = checked(WELL).seen
    assert seen is not None
    assert (
        seen.clock_offset_seconds
        == (datetime.fromisoformat("2025-01-01T00:00:00Z") - START).total_seconds()
    )


@pytest.mark.parametrize(
    ("error", "layer"),
    [
        (NameUnresolved("no", "look"), "address"),
        (Unreachable("no", "look"), "address"),
        (TlsFailed("no", "look"), "tls"),
        (LogonRefused("no", "look", counted=True), "login"),
        (NoScheme("no", "look"), "login"),
        (LocalConfig("no", "look"), "login"),
        (LocalConfig("no", "look", layer=Layer.TLS), "tls"),
        (Forbidden("no", "look"), "shell"),
        (QuotaExceeded("no", "look"), "shell"),
        (ProtocolBroken("no", "look"), "shell"),
        (ScriptFailed("no", "look"), "shell"),
        (TimedOut("no", "look"), "shell"),
        (TimedOut("no", "look", layer=Layer.ADDRESS), "address"),
    ],
)
def test_a_poll_that_fails_says_at_which_layer(error: PollError, layer: str) -> None:
    found = checked(error)
    assert outcomes(found) == up_to(layer)
    assert found.steps[LAYERS.index(layer)].detail == "no"
    assert found.failure == error.to_failure()
    assert (found.seen, found.said) == (None, None)


@pytest.mark.parametrize(
    ("fqid", "category", "layer"),
    [
        ("WIN32 5,Get-DhcpServerv4Failover", "PermissionDenied", "dhcp"),
        ("DHCP 20121,Get-DhcpServerv4Failover", "NotSpecified", "dhcp"),
        ("CommandNotFoundException", "ObjectNotFound", "dhcp"),
        ("HRESULT 0x80041003,Get-DhcpServerv4Failover", "PermissionDenied", "wmi"),
        (None, "NotSpecified", "wmi"),
    ],
)
def test_what_the_cmdlet_reports_is_of_wmi_or_of_dhcp(
    fqid: str | None, category: str, layer: str
) -> None:
    """And the host that could not read is known all the same."""
    found = checked(reported(fqid, category))
    assert outcomes(found) == up_to(layer)
    assert found.failure is not None
    assert found.failure.code == "dhcp"
    assert found.said == WHO


def test_without_the_right_to_read_the_recipe_is_told() -> None:
    """Whatever the language of the server."""
    for fqid in ("WIN32 5,Get-DhcpServerv4Failover", "HRESULT 0x80041003,x"):
        failure = checked(reported(fqid, "PermissionDenied")).failure
        assert failure is not None
        for part in ("Remote Management Users", "DHCP Users", "Enable Account", "Remote Enable"):
            assert part in failure.remedy


def test_without_the_cmdlets_what_to_install_is_told() -> None:
    failure = checked(reported("CommandNotFoundException", "ObjectNotFound")).failure
    assert failure is not None
    assert "RSAT-DHCP" in failure.remedy


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (b"", "empty_output"),
        (b"{", "decode"),
        (
            powershell_json.own_document([], powershell_json.host("OTHER", "x.example")),
            "wrong_host",
        ),
    ],
)
def test_an_answer_that_does_not_count_has_passed_all_layers(answer: bytes, code: str) -> None:
    found = checked(answer)
    assert outcomes(found) == up_to(ANSWER)
    assert found.failure is not None
    assert found.failure.code == code


def test_who_answered_instead_is_told() -> None:
    stranger = powershell_json.host("OTHER", "x.example")
    assert checked(powershell_json.own_document([], stranger)).said == stranger


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (WELL, [LayerOutcome.OK] * len(LAYERS)),
        (Unreachable("no", "look"), up_to("address")),
        (Forbidden("no", "look"), up_to("shell")),
    ],
)
def test_over_plain_http_tls_is_not_used(answer: Answer, told: list[LayerOutcome]) -> None:
    plain = replace(HOST, url="http://dhcp01.corp.example:5985/wsman")
    found = checked(answer, plain)
    assert outcomes(found) == [told[0], LayerOutcome.NOT_USED, *told[2:]]
    assert "NTLM encrypts" in found.steps[1].detail


def test_tls_that_failed_is_told_whatever_the_url_says() -> None:
    """A service that speaks TLS on the port of a plain URL."""
    plain = replace(HOST, url="http://dhcp01.corp.example:5986/wsman")
    assert outcomes(checked(TlsFailed("no", "look"), plain)) == up_to("tls")


def test_a_suspended_credential_is_no_layer_of_the_server() -> None:
    """Nothing was sent: the caller says what to do."""
    with pytest.raises(CredentialSuspended):
        checked(CredentialSuspended("corp"))
