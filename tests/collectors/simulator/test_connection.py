"""The dialogue on a connection: encryption, what is no request, and that nothing breaks a service."""

from __future__ import annotations

import logging
import socket
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.simulator import soap
from collectors.simulator.encryption import CONTENT_TYPE, encrypt
from collectors.simulator.station import Station
from collectors.simulator.wsman_faults import NO_SUCH_SHELL
from tests.collectors.powershell.site import ACCOUNT, Site
from tests.collectors.simulator.asking import envelope
from tests.collectors.simulator.wire import QUESTION, wire
from tests.processes import PATIENCE_SECONDS

ANSWER = str(NO_SUCH_SHELL).encode()
BASIC = "Basic " + b64encode(f"{ACCOUNT.username}:{ACCOUNT.password}".encode()).decode()
#: How an encrypted body begins, up to where the signature should be.
BEGINNING = (
    b"--Encrypted Boundary\r\n\tOriginalContent: type=x;Length=5\r\n--Encrypted Boundary\r\n"
    b"\tContent-Type: application/octet-stream\r\n"
)
#: How TLS begins, without anything that ends a line.
CLIENT_HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100)

WORDS = st.text(st.characters(codec="ascii", categories=("L", "N")), max_size=20)
ACTIONS = [soap.CREATE, soap.COMMAND, soap.SEND, soap.RECEIVE, soap.SIGNAL, soap.DELETE, "urn:x"]


def test_a_fault_of_an_encrypted_conversation_is_encrypted_too(site: Site) -> None:
    with wire(site, "plain") as line:
        line.log_on()
        reply = line.sealed(QUESTION)
        assert (reply.status, reply.content_type) == (500, CONTENT_TYPE)
        assert ANSWER in reply.body


def test_plain_text_without_tls_is_refused_without_a_word(site: Site) -> None:
    with wire(site, "plain") as line:
        line.log_on()
        reply = line.post(QUESTION)
        assert (reply.status, reply.body) == (500, b"")


def test_a_message_under_the_keys_of_another_connection_is_a_bad_request(site: Site) -> None:
    with wire(site, "plain") as line, wire(site, "plain") as another:
        line.log_on()
        another.log_on()
        assert another.context is not None
        stale = encrypt(another.context, QUESTION)
        assert line.post(stale, content_type=CONTENT_TYPE).status == 400


def test_an_empty_message_on_a_connection_that_logged_on_is_answered_by_one(site: Site) -> None:
    with wire(site, "plain") as line:
        line.log_on()
        reply = line.post()
        assert (reply.status, reply.body) == (200, b"")


def test_there_is_winrm_at_one_path_only(site: Site) -> None:
    with wire(site, "basic") as line:
        assert line.post(QUESTION, BASIC, path="/other").status == 404
        assert ANSWER in line.post(QUESTION, BASIC, path="/wsman?x=1").body


@pytest.mark.parametrize(
    "said",
    [
        CLIENT_HELLO,
        b"\r\n",
        b"GET\r\n",
        b"GET / HTTP/2\r\n",
        b"GET /\xff HTTP/1.1\r\n",
        b"POST /wsman HTTP/1.1\r\nno colon\r\n",
        b"POST /wsman HTTP/1.1\r\n" + b"A: b\r\n" * 101,
        *(
            b"POST /wsman HTTP/1.1\r\nContent-Length: %b\r\n\r\n" % length
            for length in (b"-1", b"1_0", b"99999999999", b"\xb2")
        ),
        b"x" * 100_000,
    ],
)
def test_what_is_no_http_is_a_bad_request_at_once(site: Site, said: bytes) -> None:
    address = site["plain"].address, site["plain"].port
    with socket.create_connection(address, timeout=PATIENCE_SECONDS) as line:
        line.sendall(said)
        assert line.recv(65536).startswith(b"HTTP/1.1 400 Bad Request\r\n")


@contextmanager
def unshaken(site: Site, way: str) -> Iterator[None]:
    """Within this nothing fails in the service unseen, and afterwards it still answers."""
    seen: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = seen.append  # type: ignore[method-assign,assignment] # a shorter subclass
    logging.getLogger("asyncio").addHandler(handler)
    try:
        yield
        with wire(site, way) as line:
            if way == "plain":
                line.log_on()
                assert ANSWER in line.sealed(QUESTION).body
            else:
                assert ANSWER in line.post(QUESTION, BASIC).body
    finally:
        logging.getLogger("asyncio").removeHandler(handler)
    assert not seen


@settings(max_examples=50)
@given(st.binary())
def test_no_bytes_break_a_service(lasting_site: Site, said: bytes) -> None:
    station = lasting_site["plain"]
    address = station.address, station.port
    with (
        unshaken(lasting_site, "plain"),
        socket.create_connection(address, timeout=PATIENCE_SECONDS) as line,
    ):
        line.sendall(said)
        line.shutdown(socket.SHUT_WR)
        while line.recv(65536):
            pass


@settings(max_examples=50)
@given(st.binary(min_size=1))
def test_no_message_breaks_a_service(lasting_site: Site, said: bytes) -> None:
    with unshaken(lasting_site, "basic"), wire(lasting_site, "basic") as line:
        assert line.post(said, BASIC).status == 400
        assert ANSWER in line.post(QUESTION, BASIC).body


@settings(max_examples=50)
@given(st.binary(), st.booleans())
def test_no_encrypted_message_breaks_a_service(
    lasting_site: Site, said: bytes, wrapped: bool
) -> None:
    with unshaken(lasting_site, "plain"), wire(lasting_site, "plain") as line:
        line.log_on()
        assert line.context is not None
        body = (
            encrypt(line.context, said)
            if wrapped
            else BEGINNING + said + b"--Encrypted Boundary--\r\n"
        )
        assert line.post(body, content_type=CONTENT_TYPE).status == 400


@settings(max_examples=50)
@given(st.binary(), st.sampled_from([b"", b"NTLMSSP\0\x01\0\0\0", b"NTLMSSP\0\x03\0\0\0"]))
def test_no_token_breaks_a_service(lasting_site: Site, said: bytes, start: bytes) -> None:
    token = b64encode(start + said).decode()
    with unshaken(lasting_site, "plain"), wire(lasting_site, "plain") as line:
        assert line.post(QUESTION, f"Negotiate {token}").status == 401


@settings(max_examples=50)
@given(st.sampled_from(ACTIONS), WORDS, WORDS, WORDS, WORDS)
def test_no_envelope_breaks_a_service(
    lasting_site: Site, action: str, shell: str, name: str, key: str, text: str
) -> None:
    body = f'<rsp:A{name} CommandId="{key}"><rsp:B{name}>{text}</rsp:B{name}></rsp:A{name}>'
    message = envelope(action, body, shell_id=shell, seconds=0.01, options={name: text})
    with unshaken(lasting_site, "basic"), wire(lasting_site, "basic") as line:
        reply = line.post(message.encode(), BASIC)
        assert reply.status in (200, 500)
        assert b"RelatesTo" in reply.body
    lasting_site.simulator.call(_tidied(lasting_site["basic"]))


async def _tidied(station: Station) -> None:
    station.shells.kill()
