"""The five messages of a WinRM shell, written and read ([MS-WSMV] 3.1.4, DSP0226).

Requests are written as text, for that is a tenth of the client's time otherwise.  Answers are
foreign: whatever is missing in one, or is not what it should be, is ``Malformed``.
"""

from __future__ import annotations

import base64
import binascii
import uuid
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from collectors.quote import escaped

#: ElementTree wants namespaces in braces before each name.
_SOAP = "{http://www.w3.org/2003/05/soap-envelope}"
_ADDRESSING = "{http://schemas.xmlsoap.org/ws/2004/08/addressing}"
_WSMAN = "{http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd}"
_SHELL = "{http://schemas.microsoft.com/wbem/wsman/1/windows/shell}"

#: The actions of MS-WSMV's remote shell.
_ACTIONS = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"
#: The actions that create and delete a shell, from WS-Transfer.
_TRANSFER = "http://schemas.xmlsoap.org/ws/2004/09/transfer"
_STATES = f"{_ACTIONS}/CommandState/"
#: What pywinrm, pypsrp and the servers of their recordings agree on, in bytes.
_MOST_ENVELOPE = 153600

#: The headers that every message has in common.
_HEAD = (
    '<?xml version="1.0" encoding="utf-8"?>'
    '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"'
    ' xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing"'
    ' xmlns:w="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"'
    ' xmlns:p="http://schemas.microsoft.com/wbem/wsman/1/wsman.xsd"'
    f' xmlns:rsp="{_ACTIONS}"><s:Header><a:ReplyTo><a:Address s:mustUnderstand="true">'
    "http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</a:Address></a:ReplyTo>"
    f'<w:MaxEnvelopeSize s:mustUnderstand="true">{_MOST_ENVELOPE}</w:MaxEnvelopeSize>'
    '<w:Locale s:mustUnderstand="false" xml:lang="en-US"/>'
    '<p:DataLocale s:mustUnderstand="false" xml:lang="en-US"/>'
    '<w:ResourceURI s:mustUnderstand="true">'
    "http://schemas.microsoft.com/wbem/wsman/1/windows/shell/cmd</w:ResourceURI>"
)

#: A code page in which the script's output comes as it is, whatever the server's language.
_UTF_8: Final = 65001


class Malformed(Exception):
    """The peer's answer breaks the protocol. The text continues "it ...".

    The text is fit to be shown: the peer's parts are escaped.
    """


@dataclass(frozen=True, slots=True)
class Message:
    """A request. Its answer must relate to ``id``."""

    id: str
    text: str


@dataclass(frozen=True, slots=True)
class Received:
    """The output of one Receive. ``exit_code`` is None while the command runs."""

    stdout: bytes
    stderr: bytes
    exit_code: int | None


def create(to: str, seconds: float, idle_seconds: int) -> Message:
    """Open a shell that the server itself gives up after ``idle_seconds`` without a request."""
    return _message(
        f"{_TRANSFER}/Create",
        to,
        seconds,
        options={"WINRS_NOPROFILE": "TRUE", "WINRS_CODEPAGE": str(_UTF_8)},
        body=(
            f"<rsp:Shell><rsp:IdleTimeOut>PT{idle_seconds}.000S</rsp:IdleTimeOut>"
            "<rsp:InputStreams>stdin</rsp:InputStreams>"
            "<rsp:OutputStreams>stdout stderr</rsp:OutputStreams></rsp:Shell>"
        ),
    )


def command(to: str, seconds: float, shell: str, program: str, arguments: Iterable[str]) -> Message:
    """Start a program. All arguments are in one element, as in pywinrm and Windows' own client."""
    return _message(
        f"{_ACTIONS}/Command",
        to,
        seconds,
        shell=shell,
        options={"WINRS_CONSOLEMODE_STDIN": "TRUE", "WINRS_SKIP_CMD_SHELL": "FALSE"},
        body=(
            f"<rsp:CommandLine><rsp:Command>{escape(program)}</rsp:Command>"
            f"<rsp:Arguments>{escape(' '.join(arguments))}</rsp:Arguments></rsp:CommandLine>"
        ),
    )


def receive(to: str, seconds: float, shell: str, started: str) -> Message:
    """Request output. The server may hold the request for ``seconds``."""
    return _message(
        f"{_ACTIONS}/Receive",
        to,
        seconds,
        shell=shell,
        body=(
            f"<rsp:Receive><rsp:DesiredStream CommandId={quoteattr(started)}>"
            "stdout stderr</rsp:DesiredStream></rsp:Receive>"
        ),
    )


def terminate(to: str, seconds: float, shell: str, started: str) -> Message:
    """End the command: also one that is done stays until it is told this."""
    return _message(
        f"{_ACTIONS}/Signal",
        to,
        seconds,
        shell=shell,
        body=(
            f"<rsp:Signal CommandId={quoteattr(started)}>"
            f"<rsp:Code>{_ACTIONS}/signal/terminate</rsp:Code></rsp:Signal>"
        ),
    )


def delete(to: str, seconds: float, shell: str) -> Message:
    """Close the shell and end what still runs in it."""
    return _message(f"{_TRANSFER}/Delete", to, seconds, shell=shell)


def answer(content: bytes, message: Message) -> ET.Element:
    """The Body of an answer to ``message``."""
    try:
        # The answer is bounded, and so is what expat makes of entities (since 2.4.1).
        envelope = ET.fromstring(content)  # noqa: S314
    except (ET.ParseError, ValueError, LookupError) as error:  # ValueError: encodings
        raise Malformed("sent no well-formed XML") from error
    if envelope.tag != f"{_SOAP}Envelope":
        raise Malformed("sent a page, or XML, that is no SOAP envelope")
    relates_to = _text(envelope.find(f"{_SOAP}Header/{_ADDRESSING}RelatesTo"), "RelatesTo")
    if relates_to.upper() != message.id.upper():
        raise Malformed("answered another request than the one sent (RelatesTo differs)")
    body = envelope.find(f"{_SOAP}Body")
    if body is None:
        raise Malformed("sent an answer without a Body")
    return body


def shell_id(body: ET.Element) -> str:
    """Return the id of the shell that Create opened."""
    for selector in body.iter(f"{_WSMAN}Selector"):
        if selector.get("Name") == "ShellId":
            return _text(selector, "ShellId")
    raise Malformed("sent an answer without ShellId")


def command_id(body: ET.Element) -> str:
    """Return the id of the program that Command started."""
    return _text(body.find(f".//{_SHELL}CommandId"), "CommandId")


def received(body: ET.Element, started: str) -> Received:
    """Output of the command ``started``, of which nothing may be lost or doubtful."""
    streams: dict[str, list[bytes]] = {"stdout": [], "stderr": []}
    for stream in body.iter(f"{_SHELL}Stream"):
        name = stream.get("Name", "")
        if name not in streams:
            raise Malformed(f'sent output for an unknown stream, "{escaped(name)}"')
        if stream.text:
            streams[name].append(_decoded(stream.text))
    state = body.find(f".//{_SHELL}CommandState")
    if state is None or state.get("CommandId", "").upper() != started.upper():
        raise Malformed("answered Receive without the state of the command (CommandState)")
    return Received(b"".join(streams["stdout"]), b"".join(streams["stderr"]), _exit_code(state))


def _exit_code(state: ET.Element) -> int | None:
    state_word = state.get("State", "").removeprefix(_STATES)
    if state_word in {"Running", "Pending"}:
        return None
    if state_word != "Done":
        raise Malformed(f'told an unknown state of the command, "{escaped(state_word)}"')
    text = _text(state.find(f"{_SHELL}ExitCode"), "ExitCode")
    try:
        return int(text)
    except ValueError as error:
        raise Malformed(f'told an exit code that is no number, "{escaped(text)}"') from error


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()).encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise Malformed("sent output that is not valid base64") from error


def _text(element: ET.Element | None, name: str) -> str:
    text = "" if element is None or element.text is None else element.text.strip()
    if not text:
        raise Malformed(f"sent an answer without {name}")
    return text


def _message(
    action: str,
    to: str,
    seconds: float,
    *,
    shell: str | None = None,
    options: Mapping[str, str] | None = None,
    body: str = "",
) -> Message:
    message_id = f"uuid:{str(uuid.uuid4()).upper()}"
    parts = [
        _HEAD,
        f'<a:To>{escape(to)}</a:To><a:Action s:mustUnderstand="true">{action}</a:Action>',
        f"<a:MessageID>{message_id}</a:MessageID>",
        f"<w:OperationTimeout>PT{seconds:.3f}S</w:OperationTimeout>",
    ]
    if shell is not None:
        parts.append(
            f'<w:SelectorSet><w:Selector Name="ShellId">{escape(shell)}</w:Selector>'
            "</w:SelectorSet>"
        )
    if options:
        option_elements = (
            f'<w:Option Name="{name}">{value}</w:Option>' for name, value in options.items()
        )
        parts.append(
            f'<w:OptionSet s:mustUnderstand="true">{"".join(option_elements)}</w:OptionSet>'
        )
    parts.append(f"</s:Header><s:Body>{body}</s:Body></s:Envelope>")
    return Message(message_id, "".join(parts))
