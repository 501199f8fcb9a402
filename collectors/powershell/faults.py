"""What the fault codes of WS-Management and the status codes before it mean for a poll.

The numbers are HRESULTs as servers send them (wsmerror.h, winerror.h); their texts come in the server's
language and are only shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from collectors.powershell.errors import (
    Forbidden,
    PollError,
    ProtocolBroken,
    QuotaExceeded,
    ScriptFailed,
    TimedOut,
    Unreachable,
)

#: How an account that is no administrator is let in.
RIGHTS: Final = (
    "Put the account into Remote Management Users on that server and give it Read and Execute in"
    " winrm configSDDL default; a local administrator always may."
)
_LEFT_OPEN: Final = (
    "Wait until the shells that are open there end by themselves, or look who leaves them open:"
    " winrm enumerate shell; raise MaxShellsPerUser or MaxConcurrentOperationsPerUser if all are"
    " needed."
)
_OURS: Final = "This is a defect of ipam-sync or of what stands between: please report it."
_PREFIX: Final = "Correct the URL: the path of WinRM is /wsman, its ports are 5985 and 5986."
_BETWEEN: Final = "Look for a proxy or filter between ipam-sync and the server and pass it by."
_OVERLOADED: Final = "Look at the load of the server; the next poll tries again."


@dataclass(frozen=True, slots=True)
class Meaning:
    """The class of an error, what happened (continues "the server ..."), what to do about it."""

    kind: type[PollError]
    what: str
    remedy: str
    retry: bool = False


_QUOTA: Final = Meaning(
    QuotaExceeded, "has reached a limit of its WinRM service", _LEFT_OPEN, retry=True
)
_DENIED: Final = Meaning(Forbidden, "let the account in, but does not let it open a shell", RIGHTS)
_NOT_UNDERSTOOD: Final = Meaning(ProtocolBroken, "did not understand the request", _OURS)
_GONE: Final = Meaning(
    ProtocolBroken,
    "no longer knows the shell that was just opened",
    "It was ended there, by a restart of the WinRM service or for its memory"
    " (MaxMemoryPerShellMB); if this stays, look into the server's event log.",
    retry=True,
)

FAULTS: Final[Mapping[int, Meaning]] = {
    5: _DENIED,
    0x80070005: _DENIED,
    0x803381A5: Meaning(QuotaExceeded, "allows no more shells for this user", _LEFT_OPEN, True),
    0x803381A6: Meaning(QuotaExceeded, "allows no more operations for this user", _LEFT_OPEN, True),
    0x803381A7: _QUOTA,  # per user
    0x803381A8: _QUOTA,  # of the system
    0x803381AB: Meaning(QuotaExceeded, "allows no more users to have shells", _LEFT_OPEN, True),
    0x803381AC: Meaning(
        Forbidden,
        "allows nobody remote shells",
        'Allow them there: winrm set winrm/config/winrs @{AllowRemoteShellAccess="true"},'
        " or the group policy Allow Remote Shell Access.",
    ),
    **dict.fromkeys(range(0x803381E4, 0x803381EB), _QUOTA),  # the same for each plug-in
    0x8033803F: _QUOTA,  # wsman:QuotaLimit
    0x80338029: Meaning(TimedOut, "gave up the request as too slow", _OVERLOADED, retry=True),
    0x8033805B: _GONE,
    0x8007000E: Meaning(
        QuotaExceeded,
        "ran out of memory",
        "Look at the memory of the server, and at MaxMemoryPerShellMB in winrm/config/winrs.",
        retry=True,
    ),
    0x800700CE: Meaning(ScriptFailed, "says that the command line is too long", _OURS),
    0x80070002: Meaning(
        ScriptFailed,
        "did not find powershell.exe",
        "Windows PowerShell must be on the PATH of the account on that server.",
    ),
    87: _NOT_UNDERSTOOD,
    0x80338041: _NOT_UNDERSTOOD,  # against the schema
    0x8033800F: _NOT_UNDERSTOOD,  # a header
    0x80338026: Meaning(
        ProtocolBroken,
        "says that the envelope is too large",
        'Set it to its default there: winrm set winrm/config @{MaxEnvelopeSizekb="500"}',
    ),
}

STATUSES: Final[Mapping[int, Meaning]] = {
    400: Meaning(
        ProtocolBroken,
        "did not understand the request (HTTP 400)",
        "An http: URL must not point to a TLS port, nor an https: one to a plain port;"
        " else the next poll tries again.",
        retry=True,
    ),
    403: Meaning(Forbidden, "forbids the request (HTTP 403)", RIGHTS),
    404: Meaning(ProtocolBroken, "has no WinRM at this path (HTTP 404)", _PREFIX),
    405: Meaning(ProtocolBroken, "takes no such request at this path (HTTP 405)", _PREFIX),
    411: Meaning(ProtocolBroken, "wants a length that was sent (HTTP 411)", _BETWEEN),
    413: Meaning(ProtocolBroken, "takes no request of this size (HTTP 413)", _BETWEEN),
    415: Meaning(ProtocolBroken, "takes no request of this type (HTTP 415)", _BETWEEN),
    500: Meaning(
        ProtocolBroken,
        "failed without saying why (HTTP 500)",
        "Look into its event log (Windows Remote Management): winrm refuses unencrypted messages"
        " or an account that is no administrator so.",
        retry=True,
    ),
    502: Meaning(Unreachable, "is not reached by the proxy before it (HTTP 502)", _BETWEEN, True),
    503: Meaning(
        Unreachable,
        "has no WinRM service behind its address now (HTTP 503)",
        "Start the service WinRM there; the next poll tries again.",
        retry=True,
    ),
    504: Meaning(Unreachable, "is not reached by the proxy before it (HTTP 504)", _BETWEEN, True),
}
