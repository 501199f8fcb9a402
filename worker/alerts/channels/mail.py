"""Alerts by mail: plain text and HTML, all mails about a problem in one thread."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.charset import QP, Charset
from email.header import Header
from email.headerregistry import Address as Mailbox
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.policy import compat32
from email.utils import format_datetime, formataddr
from enum import StrEnum
from pathlib import Path
from smtplib import (
    SMTP,
    SMTPAuthenticationError,
    SMTPException,
    SMTPNotSupportedError,
    SMTPRecipientsRefused,
    SMTPResponseException,
)
from typing import ClassVar, Final

from collectors.powershell.deadline import Deadline
from collectors.powershell.route import route
from collectors.quote import escaped
from reconcile.model.findings import Event, Severity
from worker.alerts.channels.port import Undelivered
from worker.alerts.channels.posting import TIMEOUT
from worker.alerts.channels.reaching import reaching, trusting, why
from worker.alerts.message import Alert, Message, loudest
from worker.alerts.payloads import mark_of
from worker.alerts.templates import Medium, Texts

#: The greeting of a server that takes mail.
_READY: Final = 220
#: Replies from this code on are final. A retry would get the same.
_PERMANENT: Final = 500
#: Enough of a hash to be unique, and short enough for a header line.
_MARK: Final = 24
_WIRE: Final = compat32.clone(linesep="\r\n")


class Security(StrEnum):
    """How the connection is encrypted: by STARTTLS, from its first byte, or not at all."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Mail:
    """A channel over an SMTP server. The password needs a server with a good certificate."""

    for_people: ClassVar[bool] = True
    refresh: ClassVar[None] = None

    name: str
    host: str
    port: int
    security: Security
    sender: Mailbox
    recipients: tuple[Mailbox, ...]
    texts: Texts = field(repr=False)
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: Path | None = None
    timeout: timedelta = TIMEOUT

    def deliver(self, message: Message) -> None:
        mail = self.composed(message)
        with Deadline(self.timeout.total_seconds()) as deadline:
            try:
                refused = self._sent(mail, deadline)
            except (SMTPException, OSError, ValueError) as error:
                raise self._undelivered(error, deadline) from None
        if refused:
            raise self._some_refused(refused, unsure=True)

    def composed(self, message: Message) -> MIMEMultipart:
        """The mail, dated now."""
        mail = MIMEMultipart("alternative", policy=_WIRE)
        # Not by the newer classes of the library, which double parts of a long subject as they fold it.
        subject = Header(self.texts.subject(message), "utf-8", header_name="Subject")
        mail["Subject"] = subject  # type: ignore[assignment]  # its types know text only
        mail["From"] = _written(self.sender)
        mail["To"] = ", ".join(map(_written, self.recipients))
        mail["Date"] = format_datetime(datetime.fromtimestamp(time.time(), UTC))
        for header, value in self._thread(message).items():
            mail[header] = value
        mail["Auto-Submitted"] = "auto-generated"
        mail["X-Auto-Response-Suppress"] = "All"  # what Exchange goes by
        if loudest(message) is Severity.CRITICAL and not _is_over(message):
            mail["Importance"] = "high"
        mail.attach(_part(self.texts.body(message, Medium.PLAIN), "plain"))
        mail.attach(_part(self.texts.body(message, Medium.HTML), "html"))
        return mail

    def _thread(self, message: Message) -> Mapping[str, str]:
        """Return the headers of a thread. A retry has the id of the first try.

        All mails about a problem refer to an id that stands for the problem.
        """
        if not isinstance(message, Alert):
            return {"Message-ID": f"<digest.{mark_of(message.key)[:_MARK]}@{self.sender.domain}>"}
        mark = mark_of(message.fingerprint)[:_MARK]
        root = f"<{mark}@{self.sender.domain}>"
        return {
            "Message-ID": f"<{mark}.{message.key}@{self.sender.domain}>",
            "In-Reply-To": root,
            "References": root,
        }

    def _sent(self, mail: MIMEMultipart, deadline: Deadline) -> Mapping[str, tuple[int, bytes]]:
        """Send a mail, and return the mailboxes that were refused while others were not."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        addresses = list(route(f"smtp://{host}:{self.port}", deadline).addresses)
        context = None if self.security is Security.NONE else trusting(self.ca_file)
        with reaching(deadline) as connect:
            connection = connect(addresses)
            if self.security is Security.TLS and context is not None:
                connection = context.wrap_socket(connection, server_hostname=self.host)
            with contextlib.closing(_Client(connection, self.host, deadline)) as client:
                if self.security is Security.STARTTLS:
                    client.starttls(context=context)
                if self.username is not None:
                    client.log_on(self.username, self.password or "")
                to = [box.addr_spec for box in self.recipients]
                client.ehlo_or_helo_if_needed()
                try:
                    refused = client.sendmail(self.sender.addr_spec, to, mail.as_bytes())
                except (SMTPResponseException, SMTPRecipientsRefused):
                    raise
                except (SMTPException, OSError) as error:
                    raise self._undelivered(error, deadline, unsure=True) from None
                with contextlib.suppress(SMTPException, OSError):  # it has the mail already
                    client.quit()
        return refused

    def _undelivered(
        self, error: Exception, deadline: Deadline, *, unsure: bool = False
    ) -> Undelivered:
        sender_words = f"{escaped(self.name)}: {escaped(self.host)}"
        match error:
            case SMTPAuthenticationError():  # its words may repeat the proof
                return _answered(
                    f"{sender_words} refused the logon with {error.smtp_code}", error.smtp_code
                )
            case SMTPResponseException():
                reply = f"{error.smtp_code} {_words(error.smtp_error)}"
                return _answered(f"{sender_words} answered with {reply}", error.smtp_code)
            case SMTPRecipientsRefused():
                return self._some_refused(error.recipients)
            case SMTPNotSupportedError():
                return Undelivered(
                    f"{sender_words} offers no STARTTLS, or no logon that is known here.",
                    permanent=True,
                )
            case SMTPException() if not deadline.over:
                return Undelivered(f"{sender_words} broke off.", unsure=unsure)
            case _:
                return Undelivered(f"{sender_words} {why(error, deadline)}.", unsure=unsure)

    def _some_refused(
        self, refused: Mapping[str, tuple[int, bytes]], *, unsure: bool = False
    ) -> Undelivered:
        """Return the failure of a mail that some mailboxes refused.

        The other mailboxes have it, and may get it again with the same id.
        """
        listed = ", ".join(
            f"{escaped(box)} ({code} {_words(words)})" for box, (code, words) in refused.items()
        )
        permanent = all(code >= _PERMANENT for code, _ in refused.values())
        sentence = f"{escaped(self.name)}: {escaped(self.host)} refused to deliver to {listed}."
        return Undelivered(sentence, permanent=permanent, unsure=unsure)


class _Client(SMTP):
    """Speaks over a connection that is there, and asks no resolver who we are."""

    def __init__(self, connection: socket.socket, host: str, deadline: Deadline) -> None:
        super().__init__(local_hostname=_greeting(), timeout=max(deadline.remaining(), 0.001))
        self.sock = connection
        self._host = host  # whose certificate STARTTLS asks for
        code, words = self.getreply()
        if code != _READY:
            self.close()
            raise SMTPResponseException(code, words)

    def log_on(self, user: str, password: str) -> None:
        """Once: the library's own way shows a refused password again by every means there is."""
        self.ehlo_or_helo_if_needed()
        self.user, self.password = user, password
        offered = self.esmtp_features.get("auth", "").upper().split()
        if "PLAIN" in offered:
            self.auth("PLAIN", self.auth_plain)
        elif "LOGIN" in offered:
            self.auth("LOGIN", self.auth_login)
        else:
            raise SMTPNotSupportedError


def _written(box: Mailbox) -> str:
    return formataddr((box.display_name, box.addr_spec))


def _part(text: str, subtype: str) -> MIMEText:
    """In a form that goes through servers which know seven bits and short lines only."""
    charset = Charset("utf-8")
    charset.body_encoding = QP
    part = MIMEText("", subtype, policy=_WIRE)
    del part["Content-Transfer-Encoding"]
    part.set_payload(text, charset)
    return part


def _greeting() -> str:
    """Our name, if it looks like one of the network, as servers want it."""
    name = socket.gethostname()
    return (
        name if "." in name and name.replace(".", "").replace("-", "").isalnum() else "[127.0.0.1]"
    )


def _answered(sentence: str, code: int) -> Undelivered:
    return Undelivered(f"{sentence}.", permanent=code >= _PERMANENT)


def _words(said: bytes | str) -> str:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return escaped(text, 200).rstrip(".")


def _is_over(message: Message) -> bool:
    return isinstance(message, Alert) and message.event is Event.RESOLVED
