"""One POST: bounded in time and size, to a checked address, and every answer has one meaning."""

from __future__ import annotations

import socket
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from ipaddress import ip_address
from pathlib import Path

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from collectors.simulator.authority import Authority
from tests.ports import closed_port
from tests.processes import PATIENCE_SECONDS
from tests.worker.alerts.receivers import Manner, receiving, server_tls
from worker.alerts.channels import posting
from worker.alerts.channels.port import Undelivered
from worker.alerts.channels.posting import Receiver, is_public, patience, post

SECRET = "s3cr3t-t0ken"  # noqa: S105 - an example that must never be shown
#: For receivers that let it pass, and for all others.
QUICK, PATIENT = timedelta(seconds=1), timedelta(seconds=PATIENCE_SECONDS)


def receiver(url: str, **told: object) -> Receiver:
    return Receiver("ops", f"{url}/{SECRET}", **{"allow_private": True, "timeout": PATIENT, **told})  # type: ignore[arg-type]  # fields by name


def refused(receiver: Receiver) -> Undelivered:
    with pytest.raises(Undelivered) as raised:
        post(receiver, b"{}", {})
    error = raised.value
    assert SECRET not in f"{error} {error!r} {error.__cause__!r} {receiver!r}"
    assert error.sentence.startswith("ops: ")
    return error


def test_what_was_posted_arrives_as_it_is() -> None:
    with receiving(Manner(202)) as to:
        post(receiver(to.url), b'{"a": 1}', {"X-Mine": "1"})
        (got,) = to.got
    assert (got.path, got.body, got.headers["X-Mine"]) == (f"/{SECRET}", b'{"a": 1}', "1")


@pytest.mark.parametrize(
    ("status", "permanent"),
    [
        *((status, True) for status in (400, 401, 403, 404, 410, 413)),
        *((status, False) for status in (408, 429, 500, 502, 503, 504, 599)),
    ],
)
def test_what_may_pass_is_tried_again_and_what_will_not_is_permanent(
    status: int, permanent: bool
) -> None:
    with receiving(Manner(status)) as to:
        error = refused(receiver(to.url))
        assert len(to.got) == 1, "tried once"
    assert (error.permanent, error.retry_after) == (permanent, None)
    assert error.unsure is (status in (502, 504)), "of another one behind who answered"
    assert f"answered with {status}" in error.sentence


def test_who_is_overrun_says_when_to_come_back() -> None:
    with receiving(Manner(429, {"Retry-After": "120"})) as to:
        assert refused(receiver(to.url)).retry_after == timedelta(minutes=2)


def test_a_redirect_is_not_followed() -> None:
    with (
        receiving() as elsewhere,
        receiving(Manner(307, {"Location": f"{elsewhere.url}/x"})) as to,
    ):
        error = refused(receiver(to.url))
        assert elsewhere.got == []
    assert error.permanent
    assert "redirects are not followed" in error.sentence


@pytest.mark.parametrize("fault", ["stall", "drip"])
def test_who_does_not_answer_in_time_is_left(fault: str) -> None:
    with receiving(Manner(fault=fault)) as to:
        begun = time.monotonic()
        error = refused(receiver(to.url, timeout=QUICK))
        assert time.monotonic() - begun < PATIENCE_SECONDS / 2, "whatever the receiver does"
    assert (error.permanent, error.unsure) == (False, True)
    assert "did not answer in time" in error.sentence


@pytest.mark.parametrize("fault", ["drop", "half", "garbage"])
def test_who_breaks_off_may_not_have_it_so_it_is_sent_again(fault: str) -> None:
    with receiving(Manner(fault=fault)) as to:
        error = refused(receiver(to.url))
    assert (error.permanent, error.unsure) == (False, True)


def test_of_a_huge_answer_little_is_read() -> None:
    with receiving(Manner(fault="huge")) as to:
        post(receiver(to.url), b"{}", {})
        to.over.set()
        assert to.sent_bytes < 50_000_000


def test_nobody_there_is_tried_again() -> None:
    with closed_port() as port:
        error = refused(receiver(f"http://127.0.0.1:{port}"))
    assert (error.permanent, error.unsure) == (False, False)
    assert "refused the connection" in error.sentence


def test_a_name_that_nobody_knows_is_tried_again() -> None:
    error = refused(receiver("http://no-such-host.invalid"))
    assert not error.permanent


def test_an_address_that_is_not_public_is_refused_before_anything_is_sent() -> None:
    with receiving() as to:
        for url in (to.url, to.url.replace("127.0.0.1", "localhost")):
            error = refused(receiver(url, allow_private=False))
            assert error.permanent
            assert "allow_private" in error.sentence
        assert to.got == []


def test_the_address_that_was_checked_is_the_one_connected_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A name that has another address a moment later gains nothing: nobody asks again."""
    answers = [["127.0.0.3", "127.0.0.1"], ["127.0.0.3"]]
    checked: list[str] = []

    def rebinding(_: str, port: int, **rest: object) -> list[object]:
        if rest.get("flags"):
            raise socket.gaierror
        found = answers.pop(0)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in found]

    def public(address: object) -> bool:
        checked.append(str(address))
        return str(address) == "127.0.0.1"

    with receiving() as to:
        monkeypatch.setattr(socket, "getaddrinfo", rebinding)
        monkeypatch.setattr(posting, "is_public", public)
        post(receiver(to.url.replace("127.0.0.1", "hook.example"), allow_private=False), b"{}", {})
        assert len(to.got) == 1
    assert checked == ["127.0.0.3", "127.0.0.1"]
    assert len(answers) == 1, "asked once"


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104 - nothing is bound
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1",
        "fc00::1",
        "fec0::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "2002:7f00:1::",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "2001:0:0:0:0:0:80ff:fffe",
    ],
)
def test_addresses_that_are_not_public(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "2606:4700::1", "64:ff9b::808:808", "::ffff:8.8.8.8"]
)
def test_addresses_that_are_public(address: str) -> None:
    assert is_public(ip_address(address))


def test_a_certificate_is_verified(tmp_path: Path) -> None:
    authority = Authority()
    with receiving(tls=server_tls(authority, tmp_path)) as to:
        error = refused(receiver(to.url))
        assert "certificate that is not trusted" in error.sentence
        assert to.got == []
        mine = receiver(to.url, ca_file=authority.write(tmp_path))
        post(mine, b"{}", {})
        assert len(to.got) == 1


@pytest.mark.parametrize("url", ["http://[", "http:///x", "http://a:99999/", "http://a b/\r\n"])
def test_a_url_that_is_none_is_a_refusal_like_any_other(url: str) -> None:
    with pytest.raises(Undelivered):
        post(Receiver("ops", url, timeout=PATIENT), b"{}", {})


# ------------------------------------------------------------------------------- Retry-After


def test_when_to_come_back_may_be_a_date() -> None:
    now = datetime(2026, 11, 25, tzinfo=UTC)
    with time_machine.travel(now, tick=False):
        assert patience(format_datetime(now + timedelta(minutes=5), usegmt=True)) == timedelta(
            minutes=5
        )
        assert patience(format_datetime(now - timedelta(minutes=5), usegmt=True)) == timedelta(0)


@pytest.mark.parametrize("text", [None, "", "soon", "-1", "1.5", "\u0664"])
def test_what_is_neither_seconds_nor_a_date_says_nothing(text: str | None) -> None:
    assert patience(text) is None


@given(st.text() | st.integers().map(str))
def test_nobody_is_made_to_wait_longer_than_a_day(text: str) -> None:
    wait = patience(text)
    assert wait is None or timedelta(0) <= wait <= timedelta(days=1)
