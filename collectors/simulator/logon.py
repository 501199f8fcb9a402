"""Logging on to a simulated service: Negotiate with NTLM, Basic, or a client certificate.

Authentication sticks to the connection, as http.sys has it.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import Final

import spnego
from spnego.channel_bindings import GssChannelBindings

from collectors.simulator.accounts import Accounts
from collectors.simulator.faults import Fault
from collectors.simulator.http import HttpRequest, HttpResponse
from collectors.simulator.machine import DomainAccount
from collectors.simulator.station import BASIC, CERTIFICATE, KERBEROS, NEGOTIATE, Station

#: The third NTLM message begins like this. It carries the proof of the password.
_NTLM_PROOF: Final = b"NTLMSSP\0\x03"


@dataclass(slots=True)
class LogonState:
    """Where the logon of one connection stands.

    ``reply`` is a token to be sent with the first answer after it succeeded.
    """

    station: Station
    accounts: Accounts
    binding: bytes | None
    certificate_user: str | None = None
    user: str | None = None
    context: spnego.ContextProxy | None = None
    reply: str | None = None

    def __post_init__(self) -> None:
        if self.certificate_user is not None and CERTIFICATE in self.station.schemes:
            account = self.accounts.named(self.certificate_user)
            if self._admitted(account):
                self.user = self.certificate_user

    def step(self, request: HttpRequest) -> HttpResponse | None:
        """Return the answer while the logon goes on or fails, or None once the user is known."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if not token:
            return None if self.user is not None else self._challenge()
        if scheme == BASIC and BASIC in self._offered():
            return self._basic(token)
        if scheme in (NEGOTIATE, "NTLM") and NEGOTIATE in self._offered():
            return self._negotiate(token)
        return self._challenge()

    def _offered(self) -> tuple[str, ...]:
        if self.station.faults.has(Fault.NO_SCHEME):
            return ()
        if self.station.faults.has(Fault.ONLY_BASIC):
            return (BASIC,)
        if self.station.faults.has(Fault.ONLY_KERBEROS):
            return (KERBEROS,)
        return tuple(scheme for scheme in self.station.schemes if scheme != CERTIFICATE)

    def _challenge(self) -> HttpResponse:
        offers = (
            f'{BASIC} realm="WSMAN"' if scheme == BASIC else scheme for scheme in self._offered()
        )
        return HttpResponse(401, headers=tuple(("WWW-Authenticate", offer) for offer in offers))

    def _refused(self) -> HttpResponse:
        self.station.logons_refused += 1
        self.context = self.user = None
        return self._challenge()

    def _admitted(self, account: DomainAccount | None) -> bool:
        """Counts the proof, whatever its outcome."""
        refused = self.station.faults.take((Fault.LOGON_REFUSED,)) is not None
        if refused or account is None or not self.station.machine.admits(account):
            return False
        self.station.logons_accepted += 1
        return True

    def _basic(self, token: str) -> HttpResponse | None:
        try:
            content = b64decode(token, validate=True)
        except ValueError:  # not of base64, or not even of ASCII
            return self._challenge()
        try:
            username, _, password = content.decode("utf-8").partition(":")
        except UnicodeDecodeError:  # clients that know RFC 2617 only
            username, _, password = content.decode("latin-1").partition(":")
        if self.user is not None and self.user.casefold() == username.casefold():
            return None  # every request has the header; only the first one is a logon
        account = self.accounts.with_password(username, password)
        if not self._admitted(account):
            return self._refused()
        self.user = username
        return None

    def _negotiate(self, token: str) -> HttpResponse | None:
        try:
            content = b64decode(token, validate=True)
        except ValueError:  # not of base64, or not even of ASCII
            return self._challenge()
        proof = _NTLM_PROOF in content
        if (broken := self._broken_leg(proof)) is not None:
            return broken
        if self.context is None or self.context.complete:
            self.context, self.user = self._acceptor(), None
        try:
            out = self.context.step(content)
        except Exception:  # noqa: BLE001  # of a token that is none, its parser raises anything
            self.context = None
            return self._refused() if proof else self._challenge()
        if not self.context.complete:
            answer = f"{NEGOTIATE} {b64encode(out or b'').decode('ascii')}"
            return HttpResponse(401, headers=(("WWW-Authenticate", answer),))
        username = str(self.context.client_principal)
        if not self._admitted(self.accounts.named(username)):
            return self._refused()
        self.user = username
        self.reply = None if not out else b64encode(out).decode("ascii")
        return None

    def _acceptor(self) -> spnego.ContextProxy:
        bindings = None
        if self.binding is not None:
            bindings = GssChannelBindings(application_data=self.binding)
        return spnego.server(protocol="negotiate", channel_bindings=bindings)

    def _broken_leg(self, proof: bool) -> HttpResponse | None:
        """Return a faulty answer to the first token, or None."""
        faults = self.station.faults
        if proof:
            return None
        if faults.take((Fault.NO_TOKEN,)) is not None:
            return HttpResponse(401, headers=(("WWW-Authenticate", NEGOTIATE),))
        if faults.take((Fault.JUNK_TOKEN,)) is not None:
            return HttpResponse(401, headers=(("WWW-Authenticate", f"{NEGOTIATE} anVuaw=="),))
        if (leg := faults.take((Fault.SECOND_LEG,))) is not None:
            return HttpResponse(leg.argument or 200, close=True)
        return None
