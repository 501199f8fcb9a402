"""Alerts by mail: to real servers, in one thread for one problem, and with nothing put in by a name."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes
from email.header import decode_header, make_header
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import pytest
from hypothesis import given

from collectors.simulator.authority import Authority
from tests.ports import closed_port
from tests.processes import PATIENCE_SECONDS
from tests.worker.alerts.mail_server import Mailboxes, mail_server, scripted
from tests.worker.alerts.receivers import server_tls
from tests.worker.alerts.samples import ACKNOWLEDGED, CHANGED, DIGEST, LIFE, NOW, OPENED, RESOLVED
from tests.worker.alerts.samples import hostile_alerts as any_alert
from worker.alerts.channels.mail import Mail, Security
from worker.alerts.channels.port import Undelivered
from worker.alerts.message import Alert, Digest, trial
from worker.alerts.templates import Medium, Texts

TEXTS = Texts()
PASSWORD = "correct-horse"  # noqa: S105 - an example that must never be shown
SENDER = Address("IPAM sync", addr_spec="ipam@corp.example")
TEAM = (Address(addr_spec="ops@corp.example"), Address("Ann Ö", addr_spec="ann@corp.example"))


def mail(port: int, security: Security = Security.NONE, **rest: object) -> Mail:
    told = {"timeout": timedelta(seconds=PATIENCE_SECONDS), **rest}
    return Mail("ops", "127.0.0.1", port, security, SENDER, TEAM, TEXTS, **told)  # type: ignore[arg-type]  # fields by name


def refused(channel: Mail) -> Undelivered:
    with pytest.raises(Undelivered) as raised:
        channel.deliver(OPENED)
    error = raised.value
    assert PASSWORD not in f"{error} {error!r} {error.__cause__!r} {channel!r}"
    assert error.sentence.startswith("ops: 127.0.0.1 ")
    return error


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture(scope="module")
def server(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    return server_tls(authority, tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def ca_file(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return authority.write(tmp_path_factory.mktemp("ca"))


# --------------------------------------------------------------------------------- what arrives


def test_a_mail_arrives_as_text_and_html_for_all_who_should_have_it() -> None:
    with mail_server() as boxes:
        mail(boxes.port).deliver(OPENED)
        ((sender, to, got),) = boxes.sent
    assert (sender, to) == ("ipam@corp.example", ["ops@corp.example", "ann@corp.example"])
    assert got["Subject"] == TEXTS.subject(OPENED)
    assert got["From"].addresses == (SENDER,)
    assert got["To"].addresses == TEAM
    assert got["Auto-Submitted"] == "auto-generated"
    text, html = got.iter_parts()
    assert isinstance(text, EmailMessage)
    assert isinstance(html, EmailMessage)
    assert text.get_content().replace("\r\n", "\n") == TEXTS.body(OPENED, Medium.PLAIN)
    assert html.get_content().replace("\r\n", "\n") == TEXTS.body(OPENED, Medium.HTML)
    assert (text.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")


def test_all_mails_about_a_problem_are_one_thread_and_a_retry_is_the_same_mail() -> None:
    with mail_server() as boxes:
        channel = mail(boxes.port)
        for alert in (*LIFE, OPENED):
            channel.deliver(alert)
    ids = [got["Message-ID"] for got in boxes.mails]
    assert len(set(ids)) == len(LIFE)
    assert ids[-1] == ids[0]
    threads = {(got["In-Reply-To"], got["References"]) for got in boxes.mails}
    ((parent, references),) = threads
    assert parent == references
    assert parent.endswith("@corp.example>")
    assert ids[0].endswith("@corp.example>")
    again = mail(1).composed(replace(OPENED, finding=99))
    assert (again["References"], again["Message-ID"] in ids) == (references, False)
    other = mail(1).composed(replace(OPENED, fingerprint="other"))
    assert other["References"] != again["References"]


def test_the_subjects_tell_the_life_of_the_problem_and_what_is_critical_is_important() -> None:
    with mail_server() as boxes:
        for alert in (OPENED, CHANGED, ACKNOWLEDGED, RESOLVED):
            mail(boxes.port).deliver(alert)
    marks = [got["Subject"].split()[0] for got in boxes.mails]
    assert marks == ["[WARNING]", "[CRITICAL]", "[ACKNOWLEDGED]", "[RESOLVED]"]
    assert [got["Importance"] for got in boxes.mails] == [None, "high", "high", None]


def test_a_digest_is_one_mail() -> None:
    with mail_server() as boxes:
        mail(boxes.port).deliver(DIGEST)
        mail(boxes.port).deliver(trial(NOW))
        digest, test = boxes.mails
    assert digest["Subject"].startswith("3 problems:")
    assert test["Subject"].startswith("[TEST]")
    assert "In-Reply-To" not in digest


# ----------------------------------------------------------------------------- encryption, logon


def test_over_starttls_with_a_logon(server: ssl.SSLContext, ca_file: Path) -> None:
    with mail_server(starttls=server, logon=("ipam", PASSWORD)) as boxes:
        mail(
            boxes.port, Security.STARTTLS, ca_file=ca_file, username="ipam", password=PASSWORD
        ).deliver(OPENED)
        assert boxes.encrypted == [True]
        assert boxes.logons == [("ipam", PASSWORD)]


def test_a_refused_logon_is_permanent_and_tried_once(server: ssl.SSLContext, ca_file: Path) -> None:
    with mail_server(starttls=server, logon=("ipam", "another")) as boxes:
        error = refused(
            mail(boxes.port, Security.STARTTLS, ca_file=ca_file, username="ipam", password=PASSWORD)
        )
        assert boxes.logons == [("ipam", PASSWORD)]
    assert error.permanent
    assert "refused the logon with 535" in error.sentence


def test_over_tls_from_the_first_byte(server: ssl.SSLContext, ca_file: Path) -> None:
    with mail_server(tls=server) as boxes:
        mail(boxes.port, Security.TLS, ca_file=ca_file).deliver(OPENED)
        assert len(boxes.mails) == 1


@pytest.mark.parametrize("security", [Security.TLS, Security.STARTTLS])
def test_a_certificate_that_is_not_trusted_gets_nothing(
    server: ssl.SSLContext, security: Security
) -> None:
    tls, starttls = (server, None) if security is Security.TLS else (None, server)
    with mail_server(tls=tls, starttls=starttls) as boxes:
        error = refused(mail(boxes.port, security, username="ipam", password=PASSWORD))
        assert (boxes.sent, boxes.logons) == ([], [])
    assert "certificate that is not trusted" in error.sentence


def test_a_server_that_offers_no_starttls_gets_neither_mail_nor_password() -> None:
    with mail_server() as boxes:
        error = refused(mail(boxes.port, Security.STARTTLS, username="ipam", password=PASSWORD))
        assert boxes.sent == []
    assert error.permanent


# ---------------------------------------------------------------------------------- in trouble


@pytest.mark.parametrize(
    ("answer", "permanent"),
    [("451 try later", False), ("452 full", False), ("554 no", True), ("550 spam", True)],
)
def test_what_the_server_says_to_the_mail(answer: str, permanent: bool) -> None:
    with mail_server(Mailboxes(answer=answer)) as boxes:
        error = refused(mail(boxes.port))
    assert (error.permanent, error.unsure) == (permanent, False)
    assert answer in error.sentence


@pytest.mark.parametrize(
    ("codes", "permanent", "taken"),
    [
        (("550 unknown", "550 unknown"), True, 0),
        (("450 greylisted", "550 unknown"), False, 0),
        (("550 unknown",), True, 1),
        (("450 greylisted",), False, 1),
    ],
)
def test_who_may_get_it_later_is_tried_again_and_who_will_not_is_named(
    codes: tuple[str, ...], permanent: bool, taken: int
) -> None:
    refuse = dict(zip([box.addr_spec for box in TEAM], codes, strict=False))
    with mail_server(Mailboxes(refuse)) as boxes:
        error = refused(mail(boxes.port))
        assert len(boxes.sent) == taken
    assert (error.permanent, error.unsure) == (permanent, taken > 0)
    assert all(address in error.sentence for address in refuse)


@pytest.mark.parametrize("when", [(), (b"ehlo", b"helo"), (b"mail",), (b".",)])
@pytest.mark.parametrize("fault", ["stall", "drop", "drip", "garbage"])
def test_a_server_that_misbehaves_costs_the_timeout_at_most(
    when: tuple[bytes, ...], fault: str
) -> None:
    def trouble(line: bytes, connection: socket.socket, over: threading.Event) -> bytes:
        if line.lower().startswith(when) if when else not line:
            match fault:
                case "stall":
                    over.wait(PATIENCE_SECONDS)
                case "drop":
                    connection.shutdown(socket.SHUT_RDWR)
                case "drip":
                    while not over.wait(0.05):
                        connection.sendall(b"2")
                case _:
                    return b"\xff\x00 what?\r\n"
        if line[:4].lower() == b"data":
            return b"354 go on\r\n"
        return b"220 here\r\n" if not line else b"250 OK\r\n"

    with scripted(trouble) as port:
        begun = time.monotonic()
        error = refused(mail(port, timeout=timedelta(seconds=1)))
        assert time.monotonic() - begun < PATIENCE_SECONDS / 2
    assert (error.permanent, error.retry_after) == (False, None)
    if fault in ("stall", "drop"):  # the others are answers, of a kind
        assert error.unsure is (when in ((b"mail",), (b".",))), "once the mail is on its way"


def test_nobody_there_is_tried_again() -> None:
    with closed_port() as port:
        assert not refused(mail(port)).permanent


# ------------------------------------------------------------------------------- hostile names


@given(any_alert())
def test_no_name_makes_a_header_or_a_part_of_its_own(alert: Alert) -> None:
    plain = mail(1).composed(OPENED)
    for message in (alert, Digest(alert.fingerprint, (alert,), NOW)):
        composed = mail(1).composed(message)
        raw = composed.as_bytes()
        assert raw.isascii()
        assert max(map(len, raw.split(b"\r\n"))) <= 998
        got = message_from_bytes(raw, policy=default)
        words = decode_header(message_from_bytes(raw)["Subject"])
        assert str(make_header(words)) == TEXTS.subject(message)
        assert isinstance(got, EmailMessage)
        assert set(got.keys()) <= {*plain.keys(), "Importance"}
        assert got["To"].addresses == TEAM
        assert [part.get_content_type() for part in got.walk()] == [
            "multipart/alternative",
            "text/plain",
            "text/html",
        ]
