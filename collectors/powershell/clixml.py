"""PowerShell's standard error, which is a serialised object tree when no terminal is there."""

from __future__ import annotations

import re
from typing import Final

from collectors.quote import escaped

_MARK: Final = "#< CLIXML"
#: Only the error stream counts. Progress records are in the same document.
_ERROR_LINE: Final = re.compile(r'<S S="Error">(.*?)</S>', re.DOTALL)
#: CLIXML writes characters that XML cannot have as _xHHHH_.
_ESCAPE: Final = re.compile(r"_x([0-9A-Fa-f]{4})_")
_ENTITIES: Final = {"&lt;": "<", "&gt;": ">", "&quot;": '"', "&apos;": "'", "&amp;": "&"}
#: A sentence may quote so many characters of an error.
_LONGEST: Final = 300


def beginning(stderr: bytes) -> str:
    """Return the errors on one line, fit for a sentence, or nothing if there is only progress."""
    text = stderr.decode("utf-8", "replace")
    if _MARK in text:
        lines = (_ESCAPE.sub(_character, line) for line in _ERROR_LINE.findall(text))
        text = "".join(lines)
        for entity, character in _ENTITIES.items():
            text = text.replace(entity, character)
    return escaped(" ".join(text.split()), _LONGEST)


def _character(match: re.Match[str]) -> str:
    return chr(int(match[1], 16))
