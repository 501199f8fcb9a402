"""Taking secrets out of what is about to be written for people (rule R12); for ``worker.telemetry.logs``.

Nobody here knows which words are secret, so it goes by where secrets stand: under telling names,
in URLs, in headers.  Rather too much is taken out than too little.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

HIDDEN: Final = "***"

_NAME: Final = r"(?:password|passwd|passphrase|secret|token|authorization|cookie|api_?key)"
_SCHEME: Final = "NTLM|Negotiate|Kerberos|CredSSP|Basic|Digest|Bearer"
_TELLING: Final = re.compile(rf"(?i){_NAME}$")

#: What is found is replaced by its groups with the secret left out, in this order.
_PLACES: Final = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        # To the last @ of the line: a password may hold one, and a blank.  Digits after the colon
        # are the port of a URL that has no password.
        (r"(?<=://)([^:/@\s]*):(?!\d+(?:[/\s]|$)).*@", rf"\1:{HIDDEN}@"),
        (r"(?i)((?:proxy-)?authorization['\"]?\s*[:=]\s*).*", rf"\1{HIDDEN}"),
        # A scheme and its proof.  A word in small letters is a word of a sentence.
        (
            rf"(?i:\b({_SCHEME}))(\s+)(?=\S+[0-9A-Z+/=])[\w+/=.~-]{{4,}}",
            rf"\1\2{HIDDEN}",
        ),
        (rf"(?i)({_NAME}['\"]?\s*=\s*)(?:'[^']*'|\"[^\"]*\"|[^\s&;,'\")]+)", rf"\1{HIDDEN}"),
        (rf"(?i)({_NAME}['\"]\s*:\s*)(?:'[^']*'|\"[^\"]*\"|[^\s,}}]+)", rf"\1{HIDDEN}"),
    )
)


def redacted(text: str) -> str:
    """The text without what looks like a secret."""
    return "\n".join(map(_line, text.split("\n")))


def _line(text: str) -> str:
    for pattern, replacement in _PLACES:
        text = pattern.sub(replacement, text)
    return text


def redacted_value(name: str, value: object) -> object:
    """Redact a fact of this name. A value that is not plain becomes text."""
    if _TELLING.search(name) and value is not None:
        return HIDDEN
    match value:
        case None | bool() | int() | float():
            return value
        case str():
            return redacted(value)
        case Mapping():
            return {str(k): redacted_value(str(k), v) for k, v in value.items()}
        case list() | tuple() | set() | frozenset():
            return [redacted_value(name, v) for v in value]
        case _:
            return redacted(repr(value))
