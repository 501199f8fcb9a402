"""Requests to a simulated service, written as freely as a test needs them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from uuid import uuid4
from xml.sax.saxutils import escape, quoteattr

from collectors.simulator import soap
from collectors.simulator.soap import SoapRequest

_NAMES: Final = (
    'xmlns:s="http://www.w3.org/2003/05/soap-envelope"'
    ' xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing"'
    ' xmlns:w="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"'
    f' xmlns:rsp="{soap.SHELL}"'
)


def envelope(
    action: str,
    body: str = "",
    *,
    shell_id: str | None = None,
    seconds: float = 20,
    options: Mapping[str, str] | None = None,
    resource: str = soap.CMD,
) -> str:
    """A whole message; ``body`` is XML."""
    chosen = "".join(
        f"<w:Option Name={quoteattr(name)}>{escape(value)}</w:Option>"
        for name, value in (options or {}).items()
    )
    selector = f'<w:Selector Name="ShellId">{escape(shell_id)}</w:Selector>' if shell_id else ""
    return (
        f"<s:Envelope {_NAMES}><s:Header><a:To>http://dc1.corp.example:5985/wsman</a:To>"
        f"<a:Action>{escape(action)}</a:Action><a:MessageID>uuid:{uuid4()}</a:MessageID>"
        f"<w:ResourceURI>{escape(resource)}</w:ResourceURI>"
        f"<w:OperationTimeout>PT{seconds:.3f}S</w:OperationTimeout>"
        f"<w:SelectorSet>{selector}</w:SelectorSet><w:OptionSet>{chosen}</w:OptionSet></s:Header>"
        f"<s:Body>{body}</s:Body></s:Envelope>"
    )


def create(inside: str = "", **options: str) -> SoapRequest:
    """Open a shell; ``inside`` is XML of what it shall have."""
    body = f"<rsp:Shell>{inside}</rsp:Shell>"
    return soap.parse(envelope(soap.CREATE, body, options=options).encode())


def command(shell: str, program: str, *arguments: str, **options: str) -> SoapRequest:
    told = "".join(f"<rsp:Arguments>{escape(each)}</rsp:Arguments>" for each in arguments)
    line = f"<rsp:CommandLine><rsp:Command>{escape(program)}</rsp:Command>{told}</rsp:CommandLine>"
    return soap.parse(envelope(soap.COMMAND, line, shell_id=shell, options=options).encode())


def send(shell: str, started: str, content: str, *, end: bool) -> SoapRequest:
    """Standard input, in base64."""
    stream = f'<rsp:Stream Name="stdin" CommandId="{started}" End="{end}">{content}</rsp:Stream>'
    return soap.parse(
        envelope(soap.SEND, f"<rsp:Send>{stream}</rsp:Send>", shell_id=shell).encode()
    )


def receive(shell: str, started: str | None, seconds: float = 20) -> SoapRequest:
    told = "" if started is None else f' CommandId="{started}"'
    body = f"<rsp:Receive><rsp:DesiredStream{told}>stdout stderr</rsp:DesiredStream></rsp:Receive>"
    return soap.parse(envelope(soap.RECEIVE, body, shell_id=shell, seconds=seconds).encode())


def terminate(shell: str, started: str) -> SoapRequest:
    code = f"<rsp:Code>{soap.SHELL}/signal/terminate</rsp:Code>"
    body = f'<rsp:Signal CommandId="{started}">{code}</rsp:Signal>'
    return soap.parse(envelope(soap.SIGNAL, body, shell_id=shell).encode())


def delete(shell: str) -> SoapRequest:
    return soap.parse(envelope(soap.DELETE, shell_id=shell).encode())
