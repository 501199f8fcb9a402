"""Scripts as they are sent, and what can be known of them without running them."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

#: What runs a script.  ``-NoProfile``: no stranger's code; ``-NonInteractive``: never asks.
PROGRAM: Final = "powershell.exe"
OPTIONS: Final = ("-NoProfile", "-NonInteractive", "-EncodedCommand")
_NAMES: Final = ("failover",)
#: Ours, and how ``Session.run_ps`` of pywinrm writes it.
_LINE: Final = re.compile(
    r"powershell(?:\.exe)?(?: -NoProfile)?(?: -NonInteractive)? -encodedcommand (\S+)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Script:
    """A packaged script: ``source`` as people read it, ``sent`` without comments and indentation."""

    name: str
    source: str
    sent: str

    @property
    def command(self) -> str:
        """The program that runs it."""
        return PROGRAM

    @property
    def arguments(self) -> tuple[str, ...]:
        """Its arguments, the script among them: nothing of it needs quoting."""
        return (*OPTIONS, b64encode(self.sent.encode("utf-16-le")).decode("ascii"))


@dataclass(frozen=True, slots=True)
class Projection:
    """The members that a script prints, by the part of the document, in order."""

    relationship: tuple[str, ...]
    error: tuple[str, ...]
    scope: tuple[str, ...]
    service: tuple[str, ...]
    host: tuple[str, ...]


@cache
def packaged(name: str) -> Script:
    """The script of that name."""
    source = (files("collectors.scripts") / f"{name}.ps1").read_text(encoding="ascii")
    return Script(name, source, _packed(source))


def _packed(source: str) -> str:
    """Only whole lines are left out and only their beginnings cut, so no string is touched."""
    lines = (line.strip() for line in source.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("#"))


def recognised(command_line: str) -> Script | None:
    """The packaged script that a command line runs, by its content."""
    match = _LINE.fullmatch(command_line.strip())
    if match is None:
        return None
    try:
        text = b64decode(match[1], validate=True).decode("utf-16-le")
    except ValueError:  # not base64, or not UTF-16
        return None
    return next((s for s in map(packaged, _NAMES) if s.sent == text), None)


@cache
def projection(script: Script) -> Projection:
    """Read from the script's source the members that it prints.

    Raises ValueError if a part is not there.
    """
    return Projection(
        *(_members(script, part) for part in ("relationship", "error", "scope", "service", "host"))
    )


def _members(script: Script, part: str) -> tuple[str, ...]:
    """The names in the lines below ``# members: part``, up to the end of that literal."""
    _, mark, after = script.source.partition(f"# members: {part}\n")
    if not mark:
        raise ValueError(f"{script.name}.ps1 has no members of {part}")
    literal, *rest = re.split(r"^\s*\}", after, maxsplit=1, flags=re.MULTILINE)
    names = tuple(re.findall(r"^\s*(\w+) = ", literal, flags=re.MULTILINE))
    if not rest or len(names) != len([line for line in literal.splitlines() if line.strip()]):
        raise ValueError(f"{script.name}.ps1 does not list the members of {part} line by line")
    return names
