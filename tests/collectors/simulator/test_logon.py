"""Who is let in, how, and for how long."""

from __future__ import annotations

from base64 import b64encode

import pytest

from collectors.simulator.wsman_faults import NO_SUCH_SHELL
from tests.collectors.powershell.site import ACCOUNT, Site
from tests.collectors.simulator.wire import QUESTION, wire

ANSWER = str(NO_SUCH_SHELL).encode()


def _basic(password: str, username: str = ACCOUNT.username) -> str:
    return "Basic " + b64encode(f"{username}:{password}".encode()).decode()


@pytest.mark.parametrize(
    ("way", "offers"),
    [("plain", ["Negotiate"]), ("tls", ["Negotiate"]), ("basic", ['Basic realm="WSMAN"'])],
)
def test_who_has_not_logged_on_is_told_how_to(site: Site, way: str, offers: list[str]) -> None:
    with wire(site, way) as line:
        reply = line.post(QUESTION)
        assert (reply.status, reply.offers, reply.body) == (401, offers, b"")


@pytest.mark.parametrize("protocol", ["ntlm", "negotiate"])
@pytest.mark.parametrize("way", ["plain", "tls"])
def test_ntlm_is_taken_as_it_is_and_in_the_clothes_of_spnego(
    site: Site, way: str, protocol: str
) -> None:
    accepted = site[way].logons_accepted
    with wire(site, way) as line:
        assert line.log_on(protocol=protocol).status == 200
        assert line.context is not None
        assert line.context.complete
        assert ANSWER in line.sealed(QUESTION).body
    assert site[way].logons_accepted - accepted == 1


@pytest.mark.parametrize("way", ["plain", "tls"])
def test_a_logon_belongs_to_its_connection_and_holds_as_long_as_that(site: Site, way: str) -> None:
    with wire(site, way) as line, wire(site, way) as another:
        assert line.log_on().status == 200
        for _ in range(3):
            assert ANSWER in line.sealed(QUESTION).body
        assert another.post(QUESTION).status == 401


@pytest.mark.parametrize("way", ["plain", "tls"])
def test_a_wrong_password_is_one_refused_proof_and_ends_an_earlier_logon(
    site: Site, way: str
) -> None:
    refused = site[way].logons_refused
    with wire(site, way) as line:
        assert line.log_on().status == 200
        assert line.log_on("guessed").status == 401
        assert line.post(QUESTION).status == 401
    assert site[way].logons_refused - refused == 1


def test_within_tls_a_logon_must_be_bound_to_the_channel(site: Site) -> None:
    with wire(site, "tls") as line:
        assert line.log_on(bound=False).status == 401
        assert line.log_on(bound=True).status == 200


def test_basic_is_told_with_every_request_and_counted_once_for_a_connection(site: Site) -> None:
    station = site["basic"]
    before = station.logons_accepted, station.logons_refused
    with wire(site, "basic") as line:
        for _ in range(3):
            assert ANSWER in line.post(QUESTION, _basic(ACCOUNT.password)).body
    with wire(site, "basic") as line:
        assert line.post(QUESTION, _basic("guessed")).status == 401
        assert line.post(QUESTION, _basic(ACCOUNT.password, "CORP\\nobody")).status == 401
        assert line.post(QUESTION).status == 401
    assert station.logons_accepted - before[0] == 1
    assert station.logons_refused - before[1] == 2


def test_a_certificate_is_shown_once_and_is_enough(site: Site) -> None:
    with wire(site, "certificate") as line:
        assert ANSWER in line.post(QUESTION).body


@pytest.mark.parametrize(
    "authorization",
    [
        "Basic *",
        "Basic \xe9",
        "Basic " + b64encode(b"\xff\xfe").decode(),
        "Negotiate *",
        "Negotiate \xe9",
        "Negotiate " + b64encode(b"NTLMSSP\0\x01").decode(),
        "Negotiate " + b64encode(b"NTLMSSP\0\x03\0\0\0").decode(),
        "Negotiate " + b64encode(b"`\x84\xff\xff\xff\xff").decode(),
        "Kerberos YII=",
        "Nonsense",
    ],
)
@pytest.mark.parametrize("way", ["plain", "basic"])
def test_a_token_that_is_none_is_answered_like_no_token(
    site: Site, way: str, authorization: str
) -> None:
    with wire(site, way) as line:
        assert line.post(QUESTION, authorization).status == 401
        if way == "plain":
            assert line.log_on().status == 200


def test_a_machine_may_refuse_an_account_that_others_take(site: Site) -> None:
    site.simulator.set_faults(site["plain"], "logon_refused*1")
    with wire(site, "plain") as line:
        assert line.log_on().status == 401
        assert line.log_on().status == 200
