"""The NT hash of a password: MD4 of its UTF-16 ([MS-NLMP] 3.3.1, RFC 1320).

NTLM needs no more of the password.  Handing this to the NTLM library spares it the LM hash, which
it computes with a DES of its own in pure Python for every logon and never uses for NTLMv2: about a
tenth of a poll.  It also lets a password be one that looks like a hash, which the library would
take for one.  OpenSSL 3 no longer offers MD4.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Final

#: MD4 works on words of 32 bits.
_MASK: Final = 0xFFFFFFFF
#: An account without an LM hash. Windows stores none since Vista.
_NO_LM_HASH: Final = "0" * 32

#: Of each round: the constant, the order of the words, how far is rotated.
_ROUNDS: Final = (
    (0, tuple(range(16)), (3, 7, 11, 19)),
    (0x5A827999, (0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15), (3, 5, 9, 13)),
    (0x6ED9EBA1, (0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15), (3, 9, 11, 15)),
)


def as_hashes(password: str) -> str:
    """``LM:NT`` in the form that pyspnego takes for a password, the LM hash left out."""
    return f"{_NO_LM_HASH}:{md4(password.encode('utf-16-le', 'surrogatepass')).hex()}"


def md4(message: bytes) -> bytes:
    """RFC 1320."""
    padding = b"\x80" + b"\0" * ((55 - len(message)) % 64)
    padded = message + padding + struct.pack("<Q", len(message) * 8)
    state = [0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476]
    for start in range(0, len(padded), 64):
        words = struct.unpack_from("<16I", padded, start)
        mixed = _mixed(state, words)
        state = [(old + new) & _MASK for old, new in zip(state, mixed, strict=True)]
    return struct.pack("<4I", *state)


def _mixed(state: Sequence[int], words: Sequence[int]) -> tuple[int, ...]:
    a, b, c, d = state
    for number, (constant, order, shifts) in enumerate(_ROUNDS):
        for step, word in enumerate(order):
            total = (a + _combined(number, b, c, d) + words[word] + constant) & _MASK
            shift = shifts[step % 4]
            rotated = ((total << shift) | (total >> (32 - shift))) & _MASK
            a, b, c, d = d, rotated, b, c
    return a, b, c, d


def _combined(number: int, b: int, c: int, d: int) -> int:
    if number == 0:
        return (b & c) | (~b & d)
    if number == 1:
        return (b & c) | (b & d) | (c & d)
    return b ^ c ^ d
