"""What an HTTP answer says before anything is believed of it; used by ``connection`` for each one.

requests and the libraries of the logons act on what they get: they follow, log on once more, read
without end.  So an answer that no WinRM service gives is turned away here.
"""

from __future__ import annotations

from typing import Final

import requests
from winrm.exceptions import WinRMTransportError

from collectors.powershell.attempt import Attempt, ProofResult
from collectors.powershell.soap import Malformed
from collectors.quote import escaped

#: An answer is an envelope of at most 150 KiB, as we ask for, or a page that says why not.
_MOST_BODY: Final = 4 * 1024 * 1024
#: A body is read in pieces, so that its limit holds before it is in memory.
_PIECE: Final = 64 * 1024

#: With these a WinRM service speaks; others come from what stands before it.
_ANSWERS: Final = (requests.codes.ok, requests.codes.server_error)
_WINRM_TYPES: Final = ("application/soap+xml", "multipart/encrypted", "multipart/x-multi-encrypted")
#: How the token begins that says that we wish to log on by NTLM ([MS-NLMP] 2.2.1.1).
_NTLM_WISH: Final = ("Negotiate TlRMTVNTUAAB", "NTLM TlRMTVNTUAAB")


def inspect(
    request: requests.PreparedRequest, response: requests.Response, attempt: Attempt
) -> None:
    """Raises Malformed, or WinRMTransportError, for what must not go any further."""
    status = response.status_code
    if response.is_redirect:
        target = escaped(response.headers["Location"])
        raise Malformed(f"redirects to {target}, where we do not follow")
    if "Content-Encoding" in response.headers or _length(response) > _MOST_BODY:
        raise Malformed(f"packs its answer, or sends more than {_MOST_BODY // 1024} KiB")
    if status == requests.codes.proxy_authentication_required:
        raise Malformed("asks for a logon to a proxy, and we use none (HTTP 407)")
    if status == requests.codes.unauthorized:
        attempt.offered = offered(response)
        if attempt.proof is ProofResult.ACCEPTED:
            raise Malformed("asks for a second logon in the middle of the conversation")
    else:
        _inspect_welcome(request, response, attempt)
    sealed = str(request.headers.get("Content-Type")).startswith("multipart/")
    is_plain = status in _ANSWERS and not _type(response).startswith("multipart/")
    if sealed and is_plain and not _is_empty(response):
        raise Malformed("answers an encrypted request in plain text")


def _inspect_welcome(
    request: requests.PreparedRequest, response: requests.Response, attempt: Attempt
) -> None:
    """NTLM begins with a 401 and a challenge: without them its library stumbles."""
    if attempt.proven:
        return
    wishes = str(request.headers.get("Authorization", "")).startswith(_NTLM_WISH)
    if wishes and not response.ok:
        raise WinRMTransportError("http", response.status_code, "")
    if wishes or (attempt.encrypts and response.ok):
        raise Malformed(f"answers a logon with HTTP {response.status_code} and no challenge")


def is_winrm(response: requests.Response) -> bool:
    """A WinRM service spoke, and not what stands before it."""
    if response.status_code not in _ANSWERS:
        return False
    return (response.ok and _is_empty(response)) or _type(response).startswith(_WINRM_TYPES)


def offered(response: requests.Response) -> tuple[str, ...]:
    """The schemes a server names, in small letters (requests joins several headers by commas)."""
    schemes = response.headers.get("WWW-Authenticate", "").split(",")
    return tuple(
        words[0].lower() for part in schemes if (words := part.split()) and "=" not in words[0]
    )


def whole(response: requests.Response) -> bytes:
    """The body, as sent: nothing is unpacked, and nothing without end is read."""
    body = bytearray()
    for piece in response.raw.stream(_PIECE, decode_content=False):
        body += piece
        if len(body) > _MOST_BODY:
            raise Malformed(f"sent an answer of more than {_MOST_BODY // 1024} KiB")
    return bytes(body)


def _is_empty(response: requests.Response) -> bool:
    return response.headers.get("Content-Length") == "0"


def _length(response: requests.Response) -> int:
    header = response.headers.get("Content-Length", "")
    return int(header) if header.isdecimal() and header.isascii() else 0


def _type(response: requests.Response) -> str:
    return response.headers.get("Content-Type", "").lower()
