"""The dialogue on one connection: TLS, logon, encryption, SOAP, and everything that can go wrong."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from dataclasses import dataclass
from typing import Final

from cryptography import x509
from cryptography.x509.oid import NameOID

from collectors.simulator import encryption, soap
from collectors.simulator.accounts import Accounts
from collectors.simulator.authority import Authority
from collectors.simulator.damage import (
    AT_CONNECTION,
    AT_REQUEST,
    INSTEAD,
    SEALED,
    Damaged,
    broken_seal,
    damaged,
    faulted,
    instead,
)
from collectors.simulator.faults import Fault, Injection
from collectors.simulator.http import (
    SOAP_TYPE,
    BadHttp,
    HttpRequest,
    HttpResponse,
    read_request,
)
from collectors.simulator.logon import LogonState
from collectors.simulator.processes import CHUNK
from collectors.simulator.soap import NotSoap, SoapRequest
from collectors.simulator.station import NEGOTIATE, Station

#: A body that drips keeps every socket timeout from ending the poll.
_DRIP_SECONDS: Final = 0.1
#: So small that characters and tags are cut in the middle.
_SMALL_CHUNK: Final = 8


@dataclass(slots=True)
class ClientConnection:
    """A client's connection to a service."""

    station: Station
    accounts: Accounts
    authority: Authority
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    encrypted: bool = False

    async def serve(self) -> None:
        """Until the client, a fault or the end of the simulator closes it."""
        try:
            await self._serve()
        except (ConnectionError, TimeoutError, ssl.SSLError):
            pass  # the client went away, as clients do
        finally:
            self.writer.close()
            with contextlib.suppress(OSError, ssl.SSLError):
                await self.writer.wait_closed()

    async def _serve(self) -> None:
        if self.station.faults.take((Fault.SILENT,)) is not None:
            await self.reader.read()  # until the client gives up
            return
        logon = self._begin()
        while (request := await self._next()) is not None:
            self.station.requests += 1
            if not await self._answer(request, logon):
                return

    def _begin(self) -> LogonState:
        tls: ssl.SSLObject | None = self.writer.get_extra_info("ssl_object")
        if tls is None:
            return LogonState(self.station, self.accounts, None)
        return LogonState(self.station, self.accounts, self.station.binding(tls), _holder(tls))

    async def _next(self) -> HttpRequest | None:
        try:
            return await read_request(self.reader)
        except BadHttp:
            await self._write(HttpResponse(400, b"<h2>Bad Request</h2>", "text/html", close=True))
            return None

    async def _answer(self, request: HttpRequest, logon: LogonState) -> bool:
        """False if the connection ends here."""
        if (broken := self.station.faults.take(AT_CONNECTION)) is not None:
            return await self._break(broken)
        if request.path.partition("?")[0] != "/wsman":
            return await self._write(HttpResponse(404, b"<h2>Not Found</h2>", "text/html"))
        if (refusal := logon.step(request)) is not None:
            return await self._write(refusal)
        if not request.body:  # how clients set message encryption up
            return await self._write(self._greeted(HttpResponse(200), logon))
        return await self._dialogue(request, logon)

    async def _break(self, broken: Injection) -> bool:
        """The service never sees the request."""
        if broken.kind is Fault.STALL:
            await self.reader.read()
        if broken.kind in (Fault.DROP, Fault.STALL):
            return False
        return await self._write(faulted(broken) or HttpResponse(500))

    async def _dialogue(self, request: HttpRequest, logon: LogonState) -> bool:
        self.encrypted = "multipart/encrypted" in request.headers.get("content-type", "")
        try:
            message = request.body
            if self.encrypted:
                if logon.context is None:
                    return await self._write(HttpResponse(400, close=True))
                message = encryption.decrypt(logon.context, request.body)
            asked = soap.parse(message)
        except encryption.NotEncrypted:
            # Keys of another connection: http.sys lets nothing of it through.
            return await self._write(HttpResponse(400, close=True))
        except NotSoap:
            return await self._write(HttpResponse(400, b"<h2>Bad Request</h2>", "text/html"))
        if not (self.encrypted or self.station.tls):
            return await self._write(HttpResponse(500))  # AllowUnencrypted is false
        return await self._exchange(asked, logon)

    async def _exchange(self, asked: SoapRequest, logon: LogonState) -> bool:
        """Answer a request of the dialogue, with the fault that waits for its verb."""
        broken = self.station.faults.take(AT_REQUEST, asked.verb)
        if broken is not None and broken.kind in AT_CONNECTION:
            return await self._break(broken)
        if broken is not None and broken.kind in INSTEAD:
            if broken.kind is Fault.HANG:
                await asyncio.sleep(asked.timeout_seconds)
            return await self._reply(asked, instead(broken, self.station.machine.name), logon)
        if broken is not None and broken.kind is Fault.KILLED:
            self.station.shells.kill()
        many = broken is not None and broken.kind is Fault.MANY_RECEIVES
        client = str((self.writer.get_extra_info("peername") or ("",))[0])
        chunk = _SMALL_CHUNK if many else CHUNK
        answer = await self.station.shells.answer(asked, logon.user or "", client, chunk)
        return await self._reply(asked, damaged(answer, broken), logon)

    async def _reply(self, asked: SoapRequest, damage: Damaged, logon: LogonState) -> bool:
        if damage.response is not None:
            return await self._write(damage.response)
        text = damage.text(asked, activity_id=self.station.activity_ids)
        message, kind = self._sealed(damage, text, logon)
        close = damage.kind is Fault.CLOSE
        response = self._greeted(HttpResponse(damage.status, message, kind, close=close), logon)
        if damage.kind is Fault.CUT:
            self.writer.write(response.head() + response.body[: len(response.body) // 2])
            await self.writer.drain()
            return False
        if damage.kind is Fault.DRIP:
            return await self._drip(response)
        return await self._write(response)

    def _sealed(
        self, damage: Damaged, message: bytes, logon: LogonState
    ) -> tuple[bytes, str | None]:
        """Return the body and its type, encrypted on plain HTTP, and damaged if it is to be."""
        if damage.kind is Fault.NO_CONTENT_TYPE:
            return message, None
        if self.encrypted and logon.context is not None:
            mis_sized = damage.kind is Fault.MIS_SIZED
            sealed = encryption.encrypt(logon.context, message, mis_sized=mis_sized)
            return broken_seal(sealed, damage.kind), encryption.CONTENT_TYPE
        if damage.kind in SEALED:  # TLS would not let it through: somebody behind it did
            return message[: len(message) // 2], SOAP_TYPE
        return message, SOAP_TYPE

    def _greeted(self, response: HttpResponse, logon: LogonState) -> HttpResponse:
        """The last token of SPNEGO goes with the first answer."""
        if logon.reply is None:
            return response
        token, logon.reply = logon.reply, None
        header = ("WWW-Authenticate", f"{NEGOTIATE} {token}")
        return HttpResponse(
            response.status,
            response.body,
            response.content_type,
            (*response.headers, header),
            response.close,
        )

    async def _drip(self, response: HttpResponse) -> bool:
        """A byte at a time: no timeout of a socket ever ends it."""
        self.writer.write(response.head())
        for byte in response.body:
            self.writer.write(bytes((byte,)))
            await self.writer.drain()
            await asyncio.sleep(_DRIP_SECONDS)
        return True

    async def _write(self, response: HttpResponse) -> bool:
        self.writer.write(response.head() + response.body)
        await self.writer.drain()
        return not response.close


def _holder(tls: ssl.SSLObject) -> str | None:
    """Return the name in the client's certificate, or None if it showed none."""
    der = tls.getpeercert(binary_form=True)
    if der is None:
        return None
    subject = x509.load_der_x509_certificate(der).subject
    names = subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else None
