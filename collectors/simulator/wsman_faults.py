"""The SOAP faults of WS-Management that a shell can end in, as Windows words them.

Codes and subcodes are from recordings and [MS-WSMV] 2.2.4.43; those that were not recorded are
named so and share the shape of the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

from collectors.simulator.soap import Answer

_ACTION: Final = "http://schemas.dmtf.org/wbem/wsman/1/wsman/fault"
_DETAIL: Final = "http://schemas.dmtf.org/wbem/wsman/1/wsman/faultDetail/"
_PREFIXES: Final = ("s", "a", "x", "e", "n", "w", "p")
_FAULT: Final = "http://schemas.microsoft.com/wbem/wsman/1/wsmanfault"
_PROVIDER: Final = (
    '<f:ProviderFault provider="Shell cmd plugin" path="%systemroot%\\system32\\winrscmd.dll">'
)

#: ERROR_WSMAN_OPERATION_TIMEDOUT. A Receive without output ends with it.
OPERATION_TIMEOUT: Final = 2150858793
#: ERROR_WSMAN_INVALID_SELECTORS, as recorded for a shell that is gone.
NO_SUCH_SHELL: Final = 2150858843
#: ERROR_INVALID_PARAMETER of Win32.
INVALID_PARAMETER: Final = 87
#: ERROR_ACCESS_DENIED of Win32.
ACCESS_DENIED: Final = 5
#: HRESULT of ERROR_FILE_NOT_FOUND: the program of a Command is not there.
FILE_NOT_FOUND: Final = 2147942402
MAX_SHELLS_PER_USER: Final = 2150859173
MAX_OPERATIONS: Final = 2150859174
#: HRESULT of ERROR_FILENAME_EXCED_RANGE: the command line is too long.
LINE_TOO_LONG: Final = 2147942606
BAD_SCHEMA: Final = 2150858817
RESOURCE_NOT_FOUND: Final = 2150858752


@dataclass(frozen=True, slots=True)
class _Wording:
    """A fault: its sender, the subcode, the reason and how the detail is built."""

    sender: bool
    subcode: str
    reason: str
    detail: str | None = None
    message: str | None = None
    by_provider: bool = False


_NO_COMMAND: Final = (
    "The Windows Remote Shell received a request to perform an operation on a command identifier "
    "that does not exist. Either the command has completed execution or the client specified an "
    "invalid command identifier. "
)
_WORDINGS: Final = {
    OPERATION_TIMEOUT: _Wording(
        False,
        "w:TimedOut",
        "The WS-Management service cannot complete the operation within the time specified in "
        "OperationTimeout.  ",
    ),
    NO_SUCH_SHELL: _Wording(
        True,
        "w:InvalidSelectors",
        "The WS-Management service cannot process the request because the request contained "
        "invalid selectors for the resource. ",
        "UnexpectedSelectors",
        "The request for the Windows Remote Shell with ShellId failed because the shell was not "
        "found on the server. ",
    ),
    INVALID_PARAMETER: _Wording(
        True, "w:InvalidParameter", "The parameter is incorrect. ", "InvalidValue", None, True
    ),
    ACCESS_DENIED: _Wording(True, "w:AccessDenied", "Access is denied. "),
    2147942405: _Wording(True, "w:AccessDenied", "Access is denied. "),
    FILE_NOT_FOUND: _Wording(
        False,
        "w:InternalError",
        "The system cannot find the file specified. ",
        by_provider=True,
    ),
    LINE_TOO_LONG: _Wording(
        False, "w:InternalError", "The filename or extension is too long. ", by_provider=True
    ),
    MAX_SHELLS_PER_USER: _Wording(
        True,
        "w:QuotaLimit",
        "The WS-Management service cannot process the request. The maximum number of concurrent "
        "shells for this user has been exceeded. Close existing shells or raise the quota for "
        "this user. ",
    ),
    MAX_OPERATIONS: _Wording(
        True,
        "w:QuotaLimit",
        "The WS-Management service cannot process the request. The maximum number of concurrent "
        "operations for this user has been exceeded. ",
    ),
    RESOURCE_NOT_FOUND: _Wording(
        True,
        "w:InvalidResourceURI",
        "The WS-Management service cannot process the request. The resource URI does not exist. ",
    ),
}
_OTHER: Final = _Wording(False, "w:InternalError", "The operation could not be carried out. ")


def fault(code: int, machine: str, *, message: str | None = None) -> Answer:
    """Return the fault with this WSManFault code. ``message`` replaces the usual one."""
    wording = _WORDINGS.get(code, _OTHER)
    text = escape(message or wording.message or wording.reason)
    if wording.by_provider:
        text = f"{_PROVIDER}{text}</f:ProviderFault>"
    detail = (
        ""
        if wording.detail is None
        else f"<w:FaultDetail>{_DETAIL}{wording.detail}</w:FaultDetail>"
    )
    return _fault(
        wording,
        f'{detail}<f:WSManFault xmlns:f="{_FAULT}" Code="{code}" '
        f'Machine="{escape(machine)}"><f:Message>{text}</f:Message></f:WSManFault>',
    )


def no_such_command(machine: str) -> Answer:
    """An unknown command has the code of an unknown shell and words of its own."""
    return fault(NO_SUCH_SHELL, machine, message=_NO_COMMAND)


def wmi_fault(code: int) -> Answer:
    """A quota fault of Windows Server 2012 R2 and later: the code is in an MSFT_WmiError only."""
    wording = _WORDINGS.get(code, _OTHER)
    schema = "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/MSFT_WmiError"
    return _fault(
        wording,
        f'<p:MSFT_WmiError b:IsCIM_Error="true" xmlns:p="{schema}" '
        'xmlns:b="http://schemas.dmtf.org/wbem/wsman/1/cimbinding.xsd" '
        'xmlns:cim="http://schemas.dmtf.org/wbem/wscim/1/common">'
        "<p:CIMStatusCode>27</p:CIMStatusCode>"
        f'<p:CIMStatusCodeDescription xsi:type="cim:cimString" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        f"{escape(wording.reason)}</p:CIMStatusCodeDescription>"
        f"<p:error_Code>{code}</p:error_Code><p:error_Type>HRESULT</p:error_Type>"
        f"<p:Message>{escape(wording.reason)}</p:Message></p:MSFT_WmiError>",
    )


def _fault(wording: _Wording, detail: str) -> Answer:
    code_word = "s:Sender" if wording.sender else "s:Receiver"
    return Answer(
        _ACTION,
        f"<s:Fault><s:Code><s:Value>{code_word}</s:Value><s:Subcode><s:Value>{wording.subcode}</s:Value>"
        f'</s:Subcode></s:Code><s:Reason><s:Text xml:lang="en-US">{escape(wording.reason)}</s:Text>'
        f"</s:Reason><s:Detail>{detail}</s:Detail></s:Fault>",
        _PREFIXES,
        fault=True,
    )
