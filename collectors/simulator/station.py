"""One simulated WinRM service: a machine, where it listens, how one logs on, what is broken."""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from collectors.simulator.authority import Authority
from collectors.simulator.faults import Fault, Faults
from collectors.simulator.machine import Machine
from collectors.simulator.shells import Quotas, Shells

#: What http.sys offers to who has not logged on.
NEGOTIATE: Final = "Negotiate"
BASIC: Final = "Basic"
KERBEROS: Final = "Kerberos"
#: No offer, but a client certificate in the handshake is asked for.
CERTIFICATE: Final = "Certificate"

_TLS_FAULTS: Final = (
    Fault.EXPIRED,
    Fault.WRONG_NAME,
    Fault.SELF_SIGNED,
    Fault.UNKNOWN_AUTHORITY,
)


class Station:
    """A WinRM service. ``faults`` may be changed at any time. Counters only grow.

    ``port`` 0 takes a free one. With ``activity_ids`` each answer has one, as some hosts have it.
    ``schemes`` are offered in that order. Basic without TLS is refused as with
    AllowUnencrypted=false.
    """

    def __init__(
        self,
        machine: Machine,
        *,
        tls: bool = False,
        address: str = "127.0.0.1",
        port: int = 0,
        schemes: Sequence[str] = (NEGOTIATE,),
        faults: Sequence[str] = (),
        quotas: Quotas | None = None,
        activity_ids: bool = False,
    ) -> None:
        self.machine = machine
        self.tls = tls
        self.address = address
        self.port = port
        self.schemes = tuple(schemes)
        self.activity_ids = activity_ids
        self.faults = Faults(faults)
        self.shells = Shells(machine, lambda: self.url, quotas or Quotas())
        self.requests = 0
        self.logons_accepted = 0
        self.logons_refused = 0
        self._contexts: dict[Fault | None, ssl.SSLContext] = {}
        self._bindings: dict[ssl.SSLContext, bytes] = {}

    @property
    def url(self) -> str:
        """Where clients find it, once it listens."""
        scheme = "https" if self.tls else "http"
        return f"{scheme}://{self.address}:{self.port}/wsman"

    @property
    def runs(self) -> int:
        """Commands that were started."""
        return self.shells.runs

    def front(self, authority: Authority) -> ssl.SSLContext:
        """Return the TLS context of the listener. The certificate is made at the first call.

        Thousands of stations are started of which few are contacted, and a fault may change it.
        """

        def greet(tls: ssl.SSLObject | ssl.SSLSocket, _name: str | None, _: ssl.SSLContext) -> None:
            tls.context = self._context(authority)

        front = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        front.sni_callback = greet
        _ask_for_certificates(front, self, authority)
        return front

    def binding(self, tls: ssl.SSLObject) -> bytes | None:
        """Return the channel binding (RFC 5929)."""
        return self._bindings.get(tls.context)

    def _context(self, authority: Authority) -> ssl.SSLContext:
        injected = self.faults.take(_TLS_FAULTS)
        kind = None if injected is None else injected.kind
        if kind not in self._contexts:
            context, binding = _context(self, authority, kind)
            self._contexts[kind] = context
            self._bindings[context] = binding
        return self._contexts[kind]


def _context(
    station: Station, authority: Authority, kind: Fault | None
) -> tuple[ssl.SSLContext, bytes]:
    issuer = (
        Authority("nobody knows this authority") if kind is Fault.UNKNOWN_AUTHORITY else authority
    )
    wrong = kind is Fault.WRONG_NAME
    certificate = issuer.server(
        "another.machine.invalid" if wrong else station.machine.name,
        "" if wrong else station.address,
        expired=kind is Fault.EXPIRED,
        self_signed=kind is Fault.SELF_SIGNED,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with TemporaryDirectory() as directory:  # the module loads keys from files only
        chain = Path(directory, "server.pem")
        chain.write_bytes(certificate + issuer.key_pem)
        context.load_cert_chain(chain)
    _ask_for_certificates(context, station, authority)
    der = x509.load_pem_x509_certificate(certificate).public_bytes(Encoding.DER)
    return context, b"tls-server-end-point:" + hashlib.sha256(der).digest()


def _ask_for_certificates(context: ssl.SSLContext, station: Station, authority: Authority) -> None:
    """Ask clients for certificates if they log on by one.

    OpenSSL asks by the front context and verifies by the one behind it.
    """
    if CERTIFICATE in station.schemes:
        context.load_verify_locations(cadata=authority.pem.decode("ascii"))
        context.verify_mode = ssl.CERT_OPTIONAL
