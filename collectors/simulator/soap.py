"""WS-Management envelopes as a Windows host reads and writes them, [MS-WSMV] 3.1.4.

Names, their order and attributes follow what real hosts were recorded to answer;
``make replay`` holds this module to such recordings.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import uuid4
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape, quoteattr

SHELL: Final = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"
TRANSFER: Final = "http://schemas.xmlsoap.org/ws/2004/09/transfer"
CMD: Final = f"{SHELL}/cmd"
_SOAP: Final = "{http://www.w3.org/2003/05/soap-envelope}"
_ADDRESSING: Final = "{http://schemas.xmlsoap.org/ws/2004/08/addressing}"
_WSMAN: Final = "{http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd}"
_RSP: Final = f"{{{SHELL}}}"
#: Responses go back over the connection of the request.
_ANONYMOUS: Final = "http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous"
_NAMESPACES: Final = {
    "s": "http://www.w3.org/2003/05/soap-envelope",
    "a": "http://schemas.xmlsoap.org/ws/2004/08/addressing",
    "x": TRANSFER,
    "e": "http://schemas.xmlsoap.org/ws/2004/08/eventing",
    "n": "http://schemas.xmlsoap.org/ws/2004/09/enumeration",
    "w": "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd",
    "rsp": SHELL,
    "p": "http://schemas.microsoft.com/wbem/wsman/1/wsman.xsd",
}
#: An xs:duration in days, hours, minutes and seconds.
_DURATION: Final = re.compile(
    r"P(?:(\d{1,9})D)?(?:T(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9}(?:\.\d{1,9})?)S)?)?", re.ASCII
)
#: WinRM's default MaxTimeoutms.
_DEFAULT_OPERATION_SECONDS: Final = 60.0

CREATE: Final = f"{TRANSFER}/Create"
DELETE: Final = f"{TRANSFER}/Delete"
COMMAND: Final = f"{SHELL}/Command"
SEND: Final = f"{SHELL}/Send"
RECEIVE: Final = f"{SHELL}/Receive"
SIGNAL: Final = f"{SHELL}/Signal"


class NotSoap(Exception):
    """A request that is no WS-Management envelope."""


@dataclass(frozen=True, slots=True)
class SoapRequest:
    """A client's request. ``body`` is the first element in the Body, None if there is none."""

    action: str
    message_id: str
    to: str
    resource: str
    shell_id: str | None
    timeout_seconds: float
    options: dict[str, str]
    body: ET.Element | None

    @property
    def verb(self) -> str:
        """The last word of the action: Create, Command, Receive..."""
        return self.action.rpartition("/")[2]

    def text(self, name: str) -> str | None:
        """The text of a shell element in the body."""
        element = None if self.body is None else self.body.find(_RSP + name)
        return None if element is None else element.text or ""

    def texts(self, name: str) -> list[str]:
        """The texts of all of that name."""
        return [] if self.body is None else [e.text or "" for e in self.body.findall(_RSP + name)]

    def element(self, name: str) -> ET.Element | None:
        """A shell element in the body."""
        return None if self.body is None else self.body.find(_RSP + name)

    def variables(self) -> list[tuple[str, str]]:
        """The environment that a Create wishes for."""
        environment = self.element("Environment")
        elements = [] if environment is None else environment.findall(f"{_RSP}Variable")
        return [(v.get("Name", ""), v.text or "") for v in elements]


def parse(content: bytes) -> SoapRequest:
    """The request in the bytes of a POST. Raises NotSoap."""
    try:
        envelope = ET.fromstring(content)  # noqa: S314  # who asks has logged on, on loopback
    except (ET.ParseError, ValueError, LookupError) as error:
        raise NotSoap(str(error)) from error
    header, body = envelope.find(f"{_SOAP}Header"), envelope.find(f"{_SOAP}Body")
    if header is None or body is None:
        raise NotSoap("no header or no body")

    def text(name: str) -> str:
        return (header.findtext(name) or "").strip()

    return SoapRequest(
        action=text(f"{_ADDRESSING}Action"),
        message_id=text(f"{_ADDRESSING}MessageID"),
        to=text(f"{_ADDRESSING}To"),
        resource=text(f"{_WSMAN}ResourceURI"),
        shell_id=_selector(header, "ShellId"),
        timeout_seconds=seconds_of(text(f"{_WSMAN}OperationTimeout")),
        options={
            option.get("Name", ""): (option.text or "").strip()
            for option in header.findall(f"{_WSMAN}OptionSet/{_WSMAN}Option")
        },
        body=body[0] if len(body) else None,
    )


def _selector(header: ET.Element, name: str) -> str | None:
    for selector in header.findall(f"{_WSMAN}SelectorSet/{_WSMAN}Selector"):
        if selector.get("Name") == name:
            return (selector.text or "").strip()
    return None


def seconds_of(duration: str) -> float:
    """Return ``PT1M20.5S`` in seconds. Without a duration it is the default wait of Windows."""
    match = _DURATION.fullmatch(duration)
    if match is None or not any(match.groups()):
        return _DEFAULT_OPERATION_SECONDS
    days, hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return days * 86400 + hours * 3600 + minutes * 60 + seconds


@dataclass(frozen=True, slots=True)
class Answer:
    """A response before it is text: ``action`` whole, ``body`` XML with the prefixes of Windows.

    ``fault`` answers go out as HTTP 500.
    """

    action: str
    body: str
    prefixes: Sequence[str] = ("s", "a", "x", "w", "rsp", "p")
    fault: bool = False

    def envelope(self, request: SoapRequest, *, activity_id: bool = False) -> str:
        """Return the whole response. Some hosts give every answer an ``activity_id``."""
        names = " ".join(f'xmlns:{p}="{_NAMESPACES[p]}"' for p in self.prefixes)
        activity = f"<p:ActivityId>{guid()}</p:ActivityId>" if activity_id else ""
        return (
            f'<s:Envelope xml:lang="en-US" {names}><s:Header>'
            f"<a:Action>{self.action}</a:Action><a:MessageID>uuid:{guid()}</a:MessageID>{activity}"
            f"<a:To>{_ANONYMOUS}</a:To><a:RelatesTo>{escape(request.message_id)}</a:RelatesTo></s:Header>"
            f"<s:Body>{self.body}</s:Body></s:Envelope>"
        )


def guid() -> str:
    """An identifier as Windows spells them."""
    return str(uuid4()).upper()


@dataclass(frozen=True, slots=True)
class CreatedShell:
    """The values of a shell that the answer to a Create repeats."""

    shell_id: str
    address: str
    owner: str
    client: str
    idle_seconds: float
    input_streams: str = "stdin"
    output_streams: str = "stdout stderr"
    environment: Sequence[tuple[str, str]] = ()
    working_directory: str | None = None


def created(shell: CreatedShell) -> Answer:
    """The response to Create, [MS-WSMV] 3.1.4.5.2."""
    variables = "".join(
        f"<rsp:Variable Name={quoteattr(name)}>{escape(value)}</rsp:Variable>"
        for name, value in shell.environment
    )
    environment = f"<rsp:Environment>{variables}</rsp:Environment>" if variables else ""
    place = shell.working_directory
    directory = (
        "" if place is None else f"<rsp:WorkingDirectory>{escape(place)}</rsp:WorkingDirectory>"
    )
    return Answer(
        f"{CREATE}Response",
        f"<x:ResourceCreated><a:Address>{escape(shell.address)}</a:Address>"
        f"<a:ReferenceParameters><w:ResourceURI>{CMD}</w:ResourceURI><w:SelectorSet>"
        f'<w:Selector Name="ShellId">{shell.shell_id}</w:Selector></w:SelectorSet>'
        f'</a:ReferenceParameters></x:ResourceCreated><rsp:Shell xmlns:rsp="{SHELL}">'
        f"<rsp:ShellId>{shell.shell_id}</rsp:ShellId><rsp:ResourceUri>{CMD}</rsp:ResourceUri>"
        f"<rsp:Owner>{escape(shell.owner)}</rsp:Owner>"
        f"<rsp:ClientIP>{escape(shell.client)}</rsp:ClientIP>{environment}{directory}"
        f"<rsp:IdleTimeOut>PT{shell.idle_seconds:.3f}S</rsp:IdleTimeOut>"
        f"<rsp:InputStreams>{escape(shell.input_streams)}</rsp:InputStreams>"
        f"<rsp:OutputStreams>{escape(shell.output_streams)}</rsp:OutputStreams>"
        "<rsp:ShellRunTime>P0DT0H0M0S</rsp:ShellRunTime>"
        "<rsp:ShellInactivity>P0DT0H0M0S</rsp:ShellInactivity></rsp:Shell>",
    )


def command_started(command_id: str) -> Answer:
    """The response to Command."""
    return Answer(
        f"{COMMAND}Response",
        f"<rsp:CommandResponse><rsp:CommandId>{command_id}</rsp:CommandId></rsp:CommandResponse>",
    )


def received(command_id: str, chunks: Iterable[tuple[str, bytes]], exit_code: int | None) -> Answer:
    """Return the response to Receive with (stream, bytes) in order.

    The exit code is None while the command is running.
    """
    streams = "".join(
        f'<rsp:Stream Name="{name}" CommandId="{command_id}">'
        f"{b64encode(content).decode('ascii')}</rsp:Stream>"
        for name, content in chunks
    )
    state = f'<rsp:CommandState CommandId="{command_id}" State="{SHELL}/CommandState/'
    if exit_code is None:
        end = f'{state}Running"></rsp:CommandState>'
    else:
        ends = "".join(
            f'<rsp:Stream Name="{name}" CommandId="{command_id}" End="true"></rsp:Stream>'
            for name in ("stdout", "stderr")
        )
        end = f'{ends}{state}Done"><rsp:ExitCode>{exit_code}</rsp:ExitCode></rsp:CommandState>'
    return Answer(
        f"{RECEIVE}Response",
        f"<rsp:ReceiveResponse>{streams}{end}</rsp:ReceiveResponse>",
        ("s", "a", "w", "rsp", "p"),
    )


def sent() -> Answer:
    """The response to Send."""
    return Answer(f"{SEND}Response", "<rsp:SendResponse/>")


def signalled() -> Answer:
    """The response to Signal."""
    return Answer(f"{SIGNAL}Response", "<rsp:SignalResponse/>")


def deleted() -> Answer:
    """The response to Delete."""
    return Answer(f"{DELETE}Response", "", ("s", "a", "w", "p"))
