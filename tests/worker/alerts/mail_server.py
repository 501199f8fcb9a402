"""Mail servers to send to: a real one, and one that follows a script into trouble."""

from __future__ import annotations

import socket
import ssl
import threading
from asyncio import AbstractServer
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.processes import PATIENCE_SECONDS


@dataclass
class Mailboxes:
    """What a server took in: who sent it to whom, and the mail; ``refuse`` gives codes for people."""

    refuse: Mapping[str, str] = field(default_factory=dict)
    answer: str = "250 OK"
    sent: list[tuple[str, list[str], EmailMessage]] = field(default_factory=list)
    logons: list[tuple[str, str]] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    port: int = 0

    async def handle_RCPT(  # noqa: N802 - the library's name
        self, _: SMTP, __: Session, envelope: Envelope, address: str, ___: list[str]
    ) -> str:
        if address in self.refuse:
            return self.refuse[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - the library's name
        self, _: SMTP, session: Session, envelope: Envelope
    ) -> str:
        if self.answer.startswith("2"):
            assert isinstance(envelope.content, bytes)
            mail = message_from_bytes(envelope.content, policy=default)
            assert isinstance(mail, EmailMessage)
            self.sent.append((envelope.mail_from or "", list(envelope.rcpt_tos), mail))
            self.encrypted.append(session.ssl is not None)
        return self.answer

    @property
    def mails(self) -> list[EmailMessage]:
        return [mail for _, __, mail in self.sent]


class _AnyPort(Controller):
    """A server that binds a free port itself, and has its number in ``port`` afterwards."""

    def _create_server(self) -> Awaitable[AbstractServer]:
        listening = socket.create_server((self.hostname, 0))
        self.port = listening.getsockname()[1]
        return self.loop.create_server(self._factory_invoker, sock=listening, ssl=self.ssl_context)


@contextmanager
def mail_server(
    boxes: Mailboxes | None = None,
    *,
    starttls: ssl.SSLContext | None = None,
    tls: ssl.SSLContext | None = None,
    logon: tuple[str, str] | None = None,
) -> Iterator[Mailboxes]:
    """A real mail server on this machine; ``logon`` is the only one that it takes."""
    taken = boxes or Mailboxes()

    def authenticate(_: SMTP, __: Session, ___: Envelope, ____: str, given: Any) -> AuthResult:  # noqa: ANN401 - the library's
        assert isinstance(given, LoginPassword)
        told = (given.login.decode(), given.password.decode())
        taken.logons.append(told)
        return AuthResult(success=told == logon, handled=False)

    rest: dict[str, Any] = {}
    if starttls is not None:
        rest |= {"tls_context": starttls, "require_starttls": True}
    if logon is not None:
        rest |= {"authenticator": authenticate, "auth_required": True}
    controller = _AnyPort(
        taken, hostname="127.0.0.1", ssl_context=tls, ready_timeout=PATIENCE_SECONDS, **rest
    )
    controller.start()
    taken.port = controller.port
    try:
        yield taken
    finally:
        controller.stop()


@contextmanager
def scripted(trouble: Callable[[bytes, socket.socket, threading.Event], bytes]) -> Iterator[int]:
    """A server whose every answer is what ``trouble`` gives for a line, first of all for none.

    It may wait for the event, which comes when the test is over, or shut the connection.
    """
    over = threading.Event()

    def serve() -> None:
        listening.settimeout(PATIENCE_SECONDS)
        connection, _ = listening.accept()
        with connection, connection.makefile("rb") as lines:
            try:
                connection.sendall(trouble(b"", connection, over))
                mail = False
                for line in map(bytes.strip, lines):
                    if not mail or line == b".":
                        connection.sendall(trouble(line, connection, over))
                        mail = line.lower() == b"data"
            except OSError:
                pass  # who is talked to like that hangs up

    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            over.set()
            thread.join()
