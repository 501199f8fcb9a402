"""Peers that are no WinRM service, or that never come to an end."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from collectors.powershell import route
from collectors.powershell.client import PowerShell
from collectors.powershell.errors import (
    Layer,
    LocalConfig,
    NameUnresolved,
    PollError,
    ProtocolBroken,
    TimedOut,
    Unreachable,
)
from collectors.powershell.host import Host, Login, PollLimits, Transport
from collectors.powershell.logons import (
    MOST_UNPROVEN,
    SLOT_SECONDS,
    CredentialSuspended,
    Logons,
)
from collectors.powershell.tls import trust
from collectors.scripts import packaged
from tests.collectors.powershell.peers import Book, dripping, listening, saying, silent
from tests.collectors.powershell.site import HELLO, LIMITS, Site
from tests.ports import closed_port
from tests.processes import PATIENCE_SECONDS

SCRIPT = packaged("failover")
CHALLENGE = b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Negotiate\r\nContent-Length: 0\r\n\r\n"


def _powershell(seconds: float = 60.0, book: Book | None = None) -> PowerShell:
    limits = PollLimits(deadline_seconds=seconds, connect_seconds=min(seconds, 10.0))
    return PowerShell(trust(None), limits, Logons(book or Book()))


def _host(port: int, *, tls: bool = False, name: str = "127.0.0.1") -> Host:
    url = f"{'https' if tls else 'http'}://{name}:{port}/wsman"
    return Host(1, "dc1", url, Transport.NTLM, Login("main", "svc", "secret"))


def _failure(powershell: PowerShell, host: Host) -> PollError:
    with pytest.raises(PollError) as raised:
        powershell.run(SCRIPT, host)
    assert raised.value.message.startswith("dc1: ")
    assert "secret" not in raised.value.message + raised.value.remedy
    return raised.value


@pytest.fixture
def halt() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


@pytest.mark.parametrize(("tls", "layer"), [(False, Layer.LOGIN), (True, Layer.TLS)])
def test_a_peer_that_never_answers_is_left_at_the_deadline(tls: bool, layer: Layer) -> None:
    with listening(silent) as port:
        began = time.monotonic()
        failure = _failure(_powershell(0.4), _host(port, tls=tls))
    assert isinstance(failure, TimedOut)
    assert failure.layer is layer
    assert failure.retry
    assert time.monotonic() - began < PATIENCE_SECONDS / 2


@pytest.mark.parametrize(
    "beginning",
    [
        b"",
        b"HTTP/1.1 401 Unauthorized\r\nX: ",
        b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Negotiate\r\nContent-Length: 9999\r\n\r\n",
        b"HTTP/1.1 503 Busy\r\nContent-Length: 9999\r\n\r\n",
    ],
)
def test_a_peer_that_drips_is_left_at_the_deadline_wherever_it_drips(
    beginning: bytes, halt: threading.Event
) -> None:
    with listening(dripping(beginning, halt)) as port:
        assert isinstance(_failure(_powershell(0.4), _host(port)), TimedOut)
        halt.set()


def test_a_peer_that_drips_within_the_tls_handshake_is_left_at_the_deadline(
    halt: threading.Event,
) -> None:
    hello = b"\x16\x03\x03\x40\x00"  # a handshake record of 16 KiB begins
    with listening(dripping(hello, halt)) as port:
        failure = _failure(_powershell(0.4), _host(port, tls=True))
        halt.set()
    assert isinstance(failure, TimedOut)
    assert failure.layer is Layer.TLS


def test_a_name_that_the_resolver_ponders_on_is_left_at_the_deadline(
    monkeypatch: pytest.MonkeyPatch, halt: threading.Event
) -> None:
    def ponder(name: str, port: int, flags: int = 0) -> tuple[route.Address, ...]:
        if flags:
            raise socket.gaierror
        halt.wait(PATIENCE_SECONDS)
        return ()

    monkeypatch.setattr(route, "_looked_up", ponder)
    powershell = _powershell(0.3)
    with ThreadPoolExecutor(4) as pool:
        host = _host(1, name="slow.example")
        failures = list(pool.map(lambda _: _failure(powershell, host), range(4)))
        asked = [thread for thread in threading.enumerate() if thread.name == "resolver"]
        halt.set()
        for thread in asked:
            thread.join(PATIENCE_SECONDS)
    assert {type(failure) for failure in failures} == {TimedOut}
    assert {failure.layer for failure in failures} == {Layer.ADDRESS}
    assert len(asked) == 1  # four polls shared one question


def test_stopping_ends_every_poll_at_once_and_refuses_later_ones() -> None:
    connected = threading.Semaphore(0)

    def serve(connection: socket.socket) -> None:
        connected.release()
        silent(connection)

    powershell = _powershell()
    with listening(serve) as port, ThreadPoolExecutor(5) as pool:
        hosts = [_host(port), _host(port, tls=True)] * 2
        polls = [pool.submit(_failure, powershell, host) for host in hosts]
        for _ in hosts:
            assert connected.acquire(timeout=PATIENCE_SECONDS)
        powershell.stop()
        failures = [poll.result(PATIENCE_SECONDS) for poll in polls] + [
            _failure(powershell, _host(port))
        ]
    assert {type(failure) for failure in failures} == {TimedOut}
    assert all("broken off" in failure.message for failure in failures)


def test_a_suspended_credential_is_not_even_connected_with() -> None:
    book = Book()
    book.refusals["main"] = {1, 2, 3}
    connections: list[socket.socket] = []
    with listening(connections.append) as port, pytest.raises(CredentialSuspended):
        _powershell(book=book).run(SCRIPT, _host(port))
    assert not connections


def test_a_server_that_takes_no_tls_does_not_hold_a_slot_of_a_password_that_it_never_saw(
    site: Site,
) -> None:
    connected = threading.Semaphore(0)

    def serve(connection: socket.socket) -> None:
        connected.release()
        silent(connection)

    powershell = site.powershell(replace(LIMITS, deadline_seconds=SLOT_SECONDS / 2))
    with listening(serve) as port, ThreadPoolExecutor(MOST_UNPROVEN) as pool:
        basic = site.host("basic")
        deaf = replace(basic, url=f"https://127.0.0.1:{port}/wsman")
        polls = [pool.submit(_failure, powershell, deaf) for _ in range(MOST_UNPROVEN)]
        for _ in polls:
            assert connected.acquire(timeout=PATIENCE_SECONDS)
        assert powershell.run(SCRIPT, basic).stdout == HELLO
        powershell.stop()
        assert {type(poll.result(PATIENCE_SECONDS)) for poll in polls} == {TimedOut}


def test_a_proxy_that_asks_for_a_logon_is_told_nothing_of_ours() -> None:
    heard: list[bytes] = []

    def serve(connection: socket.socket) -> None:
        while said := connection.recv(1024 * 1024):
            heard.append(said)
            connection.sendall(_reply("407 Proxy", "Proxy-Authenticate: NTLM\r\n"))

    with listening(serve) as port:
        assert "HTTP 407" in _failure(_powershell(), _host(port)).message
    assert len(heard) == 1
    assert b"uthorization" not in heard[0]


def _reply(status: str, headers: str = "", body: bytes = b"") -> bytes:
    return f"HTTP/1.1 {status}\r\n{headers}Content-Length: {len(body)}\r\n\r\n".encode() + body


@pytest.mark.parametrize(
    ("serve", "kind", "says"),
    [
        (
            saying(_reply("302 Found", "Location: http://evil.example/\r\n")),
            ProtocolBroken,
            "redirects to http://evil.example/",
        ),
        (
            saying(_reply("200 OK", "Content-Type: text/html\r\n", b"<p>hi")),
            ProtocolBroken,
            "no WinRM",
        ),
        (saying(b"SSH-2.0-OpenSSH_9.6\r\n"), ProtocolBroken, "no WinRM"),
        (
            saying(_reply("200 OK", "Content-Encoding: gzip\r\n", b"x")),
            ProtocolBroken,
            "packs its answer",
        ),
        (
            saying(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n"),
            ProtocolBroken,
            "more than 4096 KiB",
        ),
        (
            saying(
                b"HTTP/1.1 503 Busy\r\nTransfer-Encoding: chunked\r\n\r\n"
                + b"10000\r\n%s\r\n" % (b"x" * 65536) * 65
            ),
            ProtocolBroken,
            "more than 4096 KiB",
        ),
        (
            saying(
                b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Negotiate\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
            ),
            ProtocolBroken,
            "unknown length",
        ),
        (saying(CHALLENGE), ProtocolBroken, "sent no challenge"),
        (saying(CHALLENGE.replace(b"Negotiate", b"Negotiate AAAA")), ProtocolBroken, "no WinRM"),
        (lambda connection: connection.close(), Unreachable, "hung up"),
        (
            saying(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 50\r\n\r\nshort"),
            TimedOut,
            "logon",
        ),
    ],
)
def test_what_is_no_winrm_service_is_told_apart_from_one_that_fails(
    serve: Callable[[socket.socket], object], kind: type[PollError], says: str
) -> None:
    with listening(serve) as port:
        failure = _failure(_powershell(1.0), _host(port))
    assert type(failure) is kind
    assert says in failure.message


def test_a_closed_port_is_unreachable_and_worth_another_try() -> None:
    with closed_port() as port:
        failure = _failure(_powershell(), _host(port))
    assert isinstance(failure, Unreachable)
    assert failure.retry
    assert failure.layer is Layer.ADDRESS
    assert "connection refused" in failure.message


@pytest.mark.parametrize("name", ["nowhere.invalid", "a" * 70 + ".example"])
def test_a_name_without_an_address_is_a_matter_of_dns(name: str) -> None:
    failure = _failure(_powershell(), _host(1, name=name))
    assert isinstance(failure, NameUnresolved)
    assert failure.layer is Layer.ADDRESS


@pytest.mark.parametrize("url", ["http:///wsman", "http://host:99999/", "ftp://127.0.0.1/"])
def test_a_url_that_leads_nowhere_is_our_own_mistake(url: str) -> None:
    host = Host(1, "dc1", url, Transport.NTLM, Login("main", "svc", "secret"))
    assert isinstance(_failure(_powershell(), host), LocalConfig)


def test_the_environment_has_no_say(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for variable in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(variable, "http://127.0.0.1:1/")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "none.pem"))
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login other password other")
    monkeypatch.setenv("NETRC", str(netrc))
    with listening(saying(_reply("503 Busy"))) as port:
        assert "HTTP 503" in _failure(_powershell(), _host(port)).message
