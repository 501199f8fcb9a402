"""The way of each request: over a watched socket, past the gate for logons, back as a whole.

``Adapter`` is what requests sends with.  It takes no proxy, follows no redirect, reads no
environment and touches no state that polls of other threads share, except a TLS context that is
only read.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Mapping
from typing import Any, Final

import requests
from requests.adapters import HTTPAdapter
from typing_extensions import override
from urllib3 import HTTPConnectionPool
from urllib3.connection import HTTPConnection

from collectors.powershell.attempt import CONNECTION_BOUND, Attempt, ProofResult
from collectors.powershell.errors import Layer
from collectors.powershell.host import Transport
from collectors.powershell.logons import LogonProof, Logons
from collectors.powershell.responses import inspect, is_winrm, offered, whole
from collectors.powershell.route import Address, NetworkRoute
from collectors.powershell.soap import Malformed

#: How the token begins that carries the proof, and not only the wish to log on ([MS-NLMP] 2.2.1.3).
_NTLM_PROOF: Final = ("Negotiate TlRMTVNTUAAD", "NTLM TlRMTVNTUAAD")

#: What a server says to a TLS certificate of ours that it does not take, as OpenSSL names it.
_CERTIFICATE_REFUSED: Final = ("CERTIFICATE", "UNKNOWN_CA", "ACCESS_DENIED", "HANDSHAKE_FAILURE")


class Adapter(HTTPAdapter):
    """Carries the requests of one attempt."""

    def __init__(
        self,
        attempt: Attempt,
        where: NetworkRoute,
        context: ssl.SSLContext | None,
        logons: Logons,
        connect_seconds: float,
    ) -> None:
        super().__init__(pool_connections=1, pool_maxsize=1)
        self._attempt = attempt
        self._logons = logons
        self._connect_seconds = connect_seconds
        self._opened: list[_GuardedConnection] = []
        self._pool = HTTPConnectionPool(  # for https, too: the connection makes its TLS itself
            where.name,
            where.port,
            attempt=attempt,
            addresses=where.addresses,
            context=context,
            connect_seconds=connect_seconds,
            opened=self._opened,
        )
        self._pool.ConnectionCls = _GuardedConnection

    @override
    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: object = None,
        verify: object = True,
        cert: object = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Raises Malformed, CredentialSuspended, and whatever requests raises."""
        if _proves(request, self._attempt):
            response = self._send_proof(request)
        else:
            response = self._send(request)
        try:
            self._take_in(request, response)
        except BaseException:
            response.close()  # else nobody would: it is not known to anybody yet
            raise
        return response

    def _take_in(self, request: requests.PreparedRequest, response: requests.Response) -> None:
        """Raises Malformed unless the answer is one that pywinrm can be trusted with."""
        inspect(request, response, self._attempt)
        if response.status_code != requests.codes.unauthorized or self._attempt.proven:
            # There is no other way to hand in a body that was read within bounds.
            response._content = whole(response)  # noqa: SLF001
        elif not response.headers.get("Content-Length", "").isdigit():
            # The NTLM library finds the server's certificate through a body that is not yet read.
            raise Malformed("asks for a logon with a page of unknown length")

    @override
    def get_connection_with_tls_context(
        self,
        request: requests.PreparedRequest,
        verify: object,
        proxies: Mapping[str, str] | None = None,
        cert: object = None,
    ) -> HTTPConnectionPool:
        return self._pool

    @override
    def cert_verify(self, conn: object, url: str, verify: object, cert: object) -> None:
        """The TLS context of the connection sees to that."""

    @override
    def request_url(
        self, request: requests.PreparedRequest, proxies: Mapping[str, str] | None
    ) -> str:
        return request.path_url

    @override
    def close(self) -> None:
        super().close()
        self._pool.close()
        for connection in self._opened:  # whatever went wrong, and wherever the library lost it
            connection.close()

    def _send(self, request: requests.PreparedRequest) -> requests.Response:
        seconds_left = max(self._attempt.deadline.remaining(), 0.001)
        return super().send(
            request, timeout=(min(seconds_left, self._connect_seconds), seconds_left), proxies={}
        )

    def _send_proof(self, request: requests.PreparedRequest) -> requests.Response:
        attempt = self._attempt
        login, server = attempt.host.login, attempt.host.server
        if attempt.host.transport is Transport.BASIC:
            self._connect()  # a slot is held from sending the proof on, and no longer
        with self._logons.proof(login.name, server, attempt.deadline) as proof:
            attempt.proof = ProofResult.SENT
            try:
                response = self._send(request)
            except requests.exceptions.SSLError as error:
                if _certificate_refused(error, attempt):
                    attempt.proof = ProofResult.REFUSED
                    proof.refused()
                raise
            self._judge(response, proof)
        return response

    def _connect(self) -> None:
        connection = self._pool._get_conn()  # noqa: SLF001 - the library has no other name for it
        connection.connect()
        self._pool._put_conn(connection)  # noqa: SLF001

    def _judge(self, response: requests.Response, proof: LogonProof) -> None:
        """Interpret the answer to a proof. A page of a proxy or a portal means nothing."""
        attempt = self._attempt
        transport, status = attempt.host.transport, response.status_code
        if status == requests.codes.unauthorized:
            attempt.offered = offered(response)
            if transport is Transport.BASIC and "basic" not in attempt.offered:
                attempt.proof = ProofResult.UNSENT  # it never looked at the password
                return
        no_certificate = transport is Transport.CERTIFICATE and status == requests.codes.forbidden
        if status == requests.codes.unauthorized or no_certificate:
            attempt.proof = ProofResult.REFUSED
            proof.refused()
        elif is_winrm(response):
            attempt.proof = ProofResult.ACCEPTED
            attempt.layer = Layer.SHELL
            proof.accepted()


class _GuardedConnection(HTTPConnection):
    """A connection to one of ``addresses``, watched by the deadline from its first moment."""

    def __init__(
        self,
        host: str,
        port: int | None = None,
        *,
        attempt: Attempt,
        addresses: tuple[Address, ...],
        context: ssl.SSLContext | None,
        connect_seconds: float,
        opened: list[_GuardedConnection],
        **rest: Any,  # noqa: ANN401 - what the pool passes on
    ) -> None:
        super().__init__(host, port, **rest)
        self._attempt = attempt
        self._addresses = addresses
        self._context = context
        self._connect_seconds = connect_seconds
        self._handle: socket.socket | None = None
        self._pieces: list[bytes] | None = None
        opened.append(self)

    @override
    def connect(self) -> None:
        attempt = self._attempt
        if attempt.proof is not ProofResult.UNSENT and attempt.host.transport in CONNECTION_BOUND:
            # The keys went with the old connection: what we sent would be refused as garbage.
            raise ConnectionAbortedError("closed between two messages")
        attempt.layer = Layer.ADDRESS
        self.sock = self._connected()
        if self._context is not None:
            attempt.layer = Layer.TLS
            # Not urllib3's way, which sets options on the context that all threads share.
            self.sock = self._context.wrap_socket(self.sock, server_hostname=self.host)
        attempt.layer = Layer.SHELL if attempt.proof is ProofResult.ACCEPTED else Layer.LOGIN

    @override
    def request(self, *told: Any, **rest: Any) -> None:
        """At once: sent apart, as urllib3 does it, head and body of each request let other threads
        in between, which costs a round over many servers some of its CPU time (2 to 5 % when measured).
        """
        self._pieces = []
        try:
            super().request(*told, **rest)
            whole_request = b"".join(self._pieces)
        finally:
            self._pieces = None
        self.send(whole_request)

    @override
    def send(self, data: Any) -> None:
        if self._pieces is None:
            super().send(data)
        else:
            self._pieces.append(data)

    @override
    def close(self) -> None:
        super().close()
        self._release()

    def _connected(self) -> socket.socket:
        deadline = time.monotonic() + min(self._connect_seconds, self._attempt.deadline.remaining())
        for place, (family, address) in enumerate(self._addresses):
            seconds_left = max(deadline - time.monotonic(), 0.001) / (len(self._addresses) - place)
            connection = socket.socket(family, socket.SOCK_STREAM)
            try:
                self._handle = self._attempt.deadline.guard(connection)
                connection.settimeout(seconds_left)
                connection.connect(address)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            except OSError:
                connection.close()
                self._release()
                if place == len(self._addresses) - 1:
                    raise
            else:
                connection.settimeout(max(self._attempt.deadline.remaining(), 0.001))
                return connection
        raise OSError("the name has no address")

    def _release(self) -> None:
        handle, self._handle = self._handle, None
        if handle is not None:
            self._attempt.deadline.release(handle)


def _proves(request: requests.PreparedRequest, attempt: Attempt) -> bool:
    """The request carries our proof, and it is the first that does."""
    header = str(request.headers.get("Authorization", ""))
    match attempt.host.transport:
        case Transport.NTLM:
            return header.startswith(_NTLM_PROOF)
        case Transport.BASIC | Transport.CERTIFICATE | Transport.KERBEROS:
            return attempt.proof is ProofResult.UNSENT


def _certificate_refused(error: requests.exceptions.SSLError, attempt: Attempt) -> bool:
    text = str(error)
    alert = "ALERT" in text and any(word in text for word in _CERTIFICATE_REFUSED)
    return alert and attempt.host.transport is Transport.CERTIFICATE
