"""One HTTP connection to a simulated service, used step by step."""

from __future__ import annotations

import hashlib
import http.client
import ssl
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import spnego
from spnego.channel_bindings import GssChannelBindings

from collectors.simulator import soap
from collectors.simulator.encryption import CONTENT_TYPE, decrypt, encrypt
from tests.collectors.powershell.site import ACCOUNT, Site
from tests.collectors.simulator.asking import envelope
from tests.processes import PATIENCE_SECONDS

SOAP_TYPE = "application/soap+xml;charset=UTF-8"
#: Answered with a fault, and nothing is left behind of it.
QUESTION = envelope(soap.DELETE, shell_id="NONE").encode()


@dataclass(frozen=True)
class Reply:
    """A whole HTTP response."""

    status: int
    offers: list[str]
    content_type: str | None
    body: bytes


class Wire:
    """A context is what an NTLM logon left: it encrypts."""

    def __init__(self, connection: http.client.HTTPConnection) -> None:
        self._connection = connection
        self.context: spnego.ContextProxy | None = None

    def post(
        self,
        body: bytes = b"",
        authorization: str | None = None,
        content_type: str = SOAP_TYPE,
        path: str = "/wsman",
    ) -> Reply:
        headers = {"Content-Type": content_type}
        if authorization is not None:
            headers["Authorization"] = authorization
        self._connection.request("POST", path, body, headers)
        response = self._connection.getresponse()
        offers = response.headers.get_all("WWW-Authenticate") or []
        return Reply(response.status, offers, response.headers.get("Content-Type"), response.read())

    def log_on(
        self,
        password: str = ACCOUNT.password,
        *,
        protocol: str = "ntlm",
        bound: bool = True,
    ) -> Reply:
        """The answer to the last token of NTLM; ``bound``: to the TLS channel, if there is one."""
        self.context = spnego.client(
            ACCOUNT.username,
            password,
            protocol=protocol,
            channel_bindings=self._binding() if bound else None,
            options=spnego.NegotiateOptions.use_ntlm,
        )
        token = self.context.step()
        reply = self.post(authorization=f"Negotiate {b64encode(token or b'').decode()}")
        while reply.status == http.HTTPStatus.UNAUTHORIZED and not self.context.complete:
            token = self.context.step(_token(reply))
            reply = self.post(authorization=f"Negotiate {b64encode(token or b'').decode()}")
        if reply.offers and not self.context.complete:
            self.context.step(_token(reply))
        return reply

    def sealed(self, message: bytes) -> Reply:
        """Ask in an encrypted message; the body of the reply is decrypted if it is encrypted."""
        assert self.context is not None
        reply = self.post(encrypt(self.context, message), content_type=CONTENT_TYPE)
        if reply.content_type != CONTENT_TYPE:
            return reply
        opened = decrypt(self.context, reply.body)
        return Reply(reply.status, reply.offers, reply.content_type, opened)

    def _binding(self) -> GssChannelBindings | None:
        connected = self._connection.sock
        if not isinstance(connected, ssl.SSLSocket):
            return None
        certificate = connected.getpeercert(binary_form=True) or b""
        digest = hashlib.sha256(certificate).digest()
        return GssChannelBindings(application_data=b"tls-server-end-point:" + digest)


@contextmanager
def wire(site: Site, way: str) -> Iterator[Wire]:
    """A new connection to the service of that way."""
    station = site[way]
    if station.tls:
        context = ssl.create_default_context(cafile=str(site.directory / "ca.pem"))
        if way == "certificate":
            assert site.certificate.certificate is not None
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            context.load_cert_chain(site.certificate.certificate, site.certificate.key)
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(
            station.address, station.port, timeout=PATIENCE_SECONDS, context=context
        )
    else:
        connection = http.client.HTTPConnection(
            station.address, station.port, timeout=PATIENCE_SECONDS
        )
    connection.connect()
    try:
        yield Wire(connection)
    finally:
        connection.close()


def _token(reply: Reply) -> bytes:
    scheme, _, token = reply.offers[0].partition(" ")
    assert scheme == "Negotiate"
    return b64decode(token)
