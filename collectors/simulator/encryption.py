"""WinRM's message encryption over plain HTTP, [MS-WSMV] 2.2.9.1.1.

A body of two MIME parts: what it was, and the signature with the encrypted bytes.  The boundary may
be in the encrypted bytes by chance, so parts are cut by their lengths.
"""

from __future__ import annotations

import re
import struct
from typing import Final

from spnego import ContextProxy

_PROTOCOL: Final = "application/HTTP-SPNEGO-session-encrypted"
CONTENT_TYPE: Final = f'multipart/encrypted;protocol="{_PROTOCOL}";boundary="Encrypted Boundary"'
#: MS-WSMV gives the length of the plain text in the MIME part.
_LENGTH: Final = re.compile(rb"Length=(\d+)")
_START: Final = b"\tContent-Type: application/octet-stream\r\n"
_END: Final = b"--Encrypted Boundary--\r\n"


class NotEncrypted(Exception):
    """A body that is not what its type says, or was tampered with."""


def decrypt(context: ContextProxy, body: bytes) -> bytes:
    """The message in an encrypted body. Raises NotEncrypted."""
    start = body.find(_START)
    length = _LENGTH.search(body[:start])
    if start < 0 or length is None or not body.endswith(_END):
        raise NotEncrypted("the parts are not there")
    payload = body[start + len(_START) : -len(_END)]
    try:
        (signature_length,) = struct.unpack_from("<I", payload)
        signature = payload[4 : 4 + signature_length]
        message: bytes = context.unwrap_winrm(signature, payload[4 + signature_length :])
    except Exception as error:  # whatever the library finds wrong with it
        raise NotEncrypted(str(error)) from error
    if len(message) != int(length[1]):
        raise NotEncrypted("the length is not the one that was said")
    return message


def encrypt(context: ContextProxy, message: bytes, *, mis_sized: bool = False) -> bytes:
    """A message as an encrypted body."""
    wrapped = context.wrap_winrm(message)
    length = len(message) + wrapped.padding_length + (7 if mis_sized else 0)
    return (
        b"--Encrypted Boundary\r\n"
        + f"\tContent-Type: {_PROTOCOL}\r\n".encode("ascii")
        + b"\tOriginalContent: type=application/soap+xml;charset=UTF-8;Length="
        + f"{length}\r\n".encode("ascii")
        + b"--Encrypted Boundary\r\n"
        + _START
        + struct.pack("<i", len(wrapped.header))
        + wrapped.header
        + wrapped.data
        + _END
    )
