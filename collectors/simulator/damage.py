"""What a fault makes of an answer: other bytes, another status, or no end of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from collectors.simulator.faults import Fault, Injection
from collectors.simulator.http import HttpResponse
from collectors.simulator.soap import Answer, SoapRequest
from collectors.simulator.wsman_faults import OPERATION_TIMEOUT, fault, wmi_fault

_PORTAL: Final = b"<html><body><h1>Welcome to the guest network</h1></body></html>"
_NOT_UTF8: Final = b"<html>Erreur d\xe9finitive \xff</html>"

#: What stands before the service drops the request, or answers it: before anybody looks who asks
#: and what for, or at a verb.
AT_CONNECTION: Final = (
    Fault.DROP,
    Fault.STALL,
    Fault.STATUS,
    Fault.UNENCRYPTED,
    Fault.REDIRECT,
    Fault.PORTAL,
)
#: At a verb of the dialogue.
AT_REQUEST: Final = frozenset(Fault)

#: The service answers with a fault and does nothing.
INSTEAD: Final = frozenset({Fault.WSMAN, Fault.WMI, Fault.HANG})

#: Happens to the encrypted form of an answer.
SEALED: Final = frozenset({Fault.TAMPERED, Fault.MIS_SIZED, Fault.BROKEN_MIME})

_SHELL_ID: Final = r'<w:Selector Name="ShellId">[^<]*</w:Selector>|<rsp:ShellId>[^<]*</rsp:ShellId>'
_RELATES_TO: Final = r"<a:RelatesTo>[^<]*</a:RelatesTo>"
#: A well-formed id that no request ever had.
_NOBODY: Final = "uuid:00000000-0000-0000-0000-000000000000"

#: (what is cut out of the envelope, what stands there instead)
_EDITS: Final = {
    Fault.NO_SHELL_ID: (_SHELL_ID, ""),
    Fault.NO_COMMAND_ID: (r"<rsp:CommandId>[^<]*</rsp:CommandId>", ""),
    Fault.NO_EXIT_CODE: (r"<rsp:ExitCode>[^<]*</rsp:ExitCode>", ""),
    Fault.NO_STATE: (r"<rsp:Stream.*</rsp:CommandState>", ""),
    Fault.NO_RELATES_TO: (_RELATES_TO, ""),
    Fault.WRONG_RELATES_TO: (_RELATES_TO, f"<a:RelatesTo>{_NOBODY}</a:RelatesTo>"),
    Fault.BAD_BASE64: (r'(CommandId="[^"]*">)[A-Za-z0-9+/]{3}', r"\1*?"),
}


@dataclass(frozen=True, slots=True)
class Damaged:
    """An answer and its damage. ``response`` replaces an answer that is no SOAP at all."""

    answer: Answer
    kind: Fault | None = None
    response: HttpResponse | None = None

    @property
    def status(self) -> int:
        """Faults are internal errors to HTTP."""
        return 500 if self.answer.fault or self.kind is Fault.NO_CONTENT_TYPE else 200

    def text(self, request: SoapRequest, *, activity_id: bool) -> bytes:
        """The message before it is encrypted."""
        if self.kind is Fault.EMPTY:
            return b""
        if self.kind is Fault.NO_CONTENT_TYPE:
            return b"<html/>"
        message = self.answer.envelope(request, activity_id=activity_id)
        if self.kind in _EDITS:
            pattern, instead = _EDITS[self.kind]
            message = re.sub(pattern, instead, message, flags=re.DOTALL)
        encoded = message.encode("utf-8")
        if self.kind is Fault.TRUNCATED:
            return encoded[: len(encoded) * 2 // 3]
        if self.kind is Fault.BAD_UTF8:
            return encoded.replace(b'xml:lang="en-US"', b'xml:lang="\xff\xfe"', 1)
        return encoded


def instead(broken: Injection, machine: str) -> Damaged:
    """The answer of a service that did not do what it was asked for."""
    if broken.kind is Fault.WMI:
        return Damaged(wmi_fault(broken.argument or 0))
    code = OPERATION_TIMEOUT if broken.kind is Fault.HANG else broken.argument or 0
    return Damaged(fault(code, machine))


def damaged(answer: Answer, broken: Injection | None) -> Damaged:
    """Return the answer as the fault leaves it, or a whole one without a fault."""
    if broken is None:
        return Damaged(answer)
    return Damaged(answer, broken.kind, faulted(broken))


def broken_seal(sealed: bytes, kind: Fault | None) -> bytes:
    """Return a body as a fault leaves it between its encryption and decryption."""
    place = len(sealed) // 2
    match kind:
        case Fault.TAMPERED:
            return sealed[:place] + bytes((sealed[place] ^ 0x55,)) + sealed[place + 1 :]
        case Fault.BROKEN_MIME:
            return sealed[: sealed.find(b"\r\n")]
        case _:
            return sealed


def faulted(broken: Injection) -> HttpResponse | None:
    """The answer of something that is no WinRM service, None if the fault is none of these."""
    match broken.kind:
        case Fault.STATUS:
            return HttpResponse(broken.argument or 500, b"<html><h2>Error</h2></html>", "text/html")
        case Fault.UNENCRYPTED:
            return HttpResponse(500)
        case Fault.REDIRECT:
            return HttpResponse(302, headers=(("Location", "http://127.0.0.1:9/wsman"),))
        case Fault.PORTAL:
            return HttpResponse(200, _PORTAL, "text/html")
        case Fault.NOT_UTF8:
            return HttpResponse(500, _NOT_UTF8, "text/html")
        case _:
            return None
