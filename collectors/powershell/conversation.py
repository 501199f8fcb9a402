"""One conversation with a host: a fresh Protocol of pywinrm, used once and thrown away.

pywinrm brings the logons and the encryption of messages; what is said is ours (``soap``), and so
is the way it goes (``connection``).
"""

from __future__ import annotations

import ssl
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from typing import Literal, Self, TypedDict

import requests
from typing_extensions import override
from winrm.exceptions import WinRMOperationTimeoutError, WSManFaultError
from winrm.protocol import Protocol
from winrm.transport import Transport as WinrmTransport

from collectors.powershell import soap
from collectors.powershell.attempt import CONNECTION_BOUND, Attempt
from collectors.powershell.connection import Adapter
from collectors.powershell.errors import LocalConfig
from collectors.powershell.host import Host, Transport
from collectors.powershell.logons import Logons
from collectors.powershell.route import NetworkRoute


class Arguments(TypedDict):
    """The arguments of pywinrm's Protocol.

    With ``proxy=""`` no proxy is used, not even that of the environment. ``None`` would make
    requests change the environment of the process around every request, which fails when several
    threads do it.
    """

    endpoint: str
    transport: Literal["ntlm", "basic", "certificate", "kerberos"]
    username: str
    password: str | None
    cert_pem: str | None
    cert_key_pem: str | None
    message_encryption: Literal["auto", "always"]
    proxy: str


def arguments(host: Host, secret: str | None) -> Arguments:
    """Return the arguments with which pywinrm logs on.

    ``secret`` is the password in its final form.

    Raises LocalConfig for a transport that must not, or cannot, be tried.
    """
    login, transport = host.login, host.transport
    if transport is Transport.KERBEROS:
        raise LocalConfig(
            f"{host.name}: the transport kerberos does not work yet, so it was not asked.",
            "Give the server the transport ntlm in the inventory file and import it.",
        )
    encrypted = host.url.startswith("https:")
    # Checked before anything is sent, because one request would already show the secret.
    if not encrypted and transport not in CONNECTION_BOUND:
        raise LocalConfig(
            f"{host.name}: {transport} without TLS would show the secret to the network,"
            " so it was not asked.",
            "Use an https: URL (port 5986), or transport ntlm, which encrypts its messages.",
        )
    if secret is None and transport is not Transport.CERTIFICATE:
        raise LocalConfig(
            f"{host.name}: the credential {login.name} has no password,"
            f" which the transport {transport} needs.",
            "Give it password_env or password_file in the inventory file and import it.",
        )
    with_certificate = transport is Transport.CERTIFICATE
    return Arguments(
        endpoint=host.url,
        transport=host.transport.value,
        username=login.username,
        password=secret,
        cert_pem=str(login.certificate) if with_certificate else None,
        cert_key_pem=str(login.key or login.certificate) if with_certificate else None,
        message_encryption="auto" if encrypted else "always",
        # WinRM servers are inside. A proxy of the environment would see the logon.
        proxy="",
    )


@dataclass(frozen=True, slots=True)
class ConversationEndpoint:
    """How a host is talked to: where it is, what proves our identity, who watches over it."""

    route: NetworkRoute
    arguments: Arguments
    context: ssl.SSLContext | None
    logons: Logons
    connect_seconds: float


class Conversation:
    """A context manager. It is ``intact`` as long as every request got a whole answer."""

    def __init__(self, way: ConversationEndpoint, attempt: Attempt) -> None:
        self.attempt = attempt
        self.intact = True
        self._adapter = Adapter(attempt, way.route, way.context, way.logons, way.connect_seconds)
        self._protocol = Protocol(**way.arguments)
        self._protocol.transport = _WinRmTransport(self._adapter, way.arguments)

    def ask(self, message: soap.Message) -> ET.Element:
        """The Body of the answer. Raises Malformed, and what pywinrm and those below it raise."""
        # Until the whole answer is here. An exception leaves it so.
        self.intact = False
        try:
            content = self._protocol.send_message(message.text)
        except (WSManFaultError, WinRMOperationTimeoutError):
            self.intact = True  # a fault is an answer
            raise
        self.intact = True
        return soap.answer(content, message)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self._protocol.transport.close_session()
        self._adapter.close()


class _WinRmTransport(WinrmTransport):
    """pywinrm's, but for the way that a request goes."""

    def __init__(self, adapter: Adapter, arguments: Arguments) -> None:
        super().__init__(
            endpoint=arguments["endpoint"],
            auth_method=arguments["transport"],
            username=arguments["username"],
            password=arguments["password"],
            service="HTTP",
            ca_trust_path=None,  # type: ignore[arg-type] # documented: not even the environment's
            cert_pem=arguments["cert_pem"],
            cert_key_pem=arguments["cert_key_pem"],
            message_encryption=arguments["message_encryption"],
            proxy=arguments["proxy"],
        )
        self._adapter = adapter

    @override
    def build_session(self) -> requests.Session:
        if self.session is not None:
            return self.session
        session = super().build_session()
        self._own(session)
        return session

    @override
    def setup_encryption(self, session: requests.Session) -> None:
        self._own(session)  # this sends already
        super().setup_encryption(session)

    def _own(self, session: requests.Session) -> None:
        session.trust_env = False  # no proxy, no netrc, no certificates of the environment
        session.proxies = {}
        session.verify = True
        session.headers["Accept-Encoding"] = "identity"
        session.mount("https://", self._adapter)
        session.mount("http://", self._adapter)
