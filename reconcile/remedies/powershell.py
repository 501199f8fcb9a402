"""Commands for Windows PowerShell 5.1, with names from the network as literals."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import Final, TypeAlias

from reconcile.remedies.command import Command, CommandShell

#: A value of a parameter: text becomes a literal, a tuple of addresses stays bare, None is a switch.
Argument: TypeAlias = str | bool | int | timedelta | tuple[str, ...] | None

#: PowerShell takes the typographic ones as quotes, too.
_QUOTES: Final = re.compile("(['\u2018-\u201b])")
#: The form in which findings spell durations, see reconcile.model.formatting.
_DURATION: Final = re.compile(
    r"P(?=.)(?:(\d{1,5})D)?(?:T(?=.)(?:(\d{1,2})H)?(?:(\d{1,2})M)?(?:(\d{1,2})S)?)?", re.ASCII
)
#: IPv4 in dotted form. The octets are checked separately.
_ADDRESS: Final = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}", re.ASCII)
#: Each part of an address is below this.
_OCTETS: Final = 256
#: Names that cannot be taken for an option or an expression in PowerShell.
_HOST: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,252}", re.ASCII)


def cmdlet(name: str, /, **arguments: Argument) -> Command:
    """Build a call of a cmdlet from its parameters."""
    parts = [name, *(_parameter(key, value) for key, value in arguments.items())]
    return Command(CommandShell.POWERSHELL, " ".join(parts))


def windows_program(text: str) -> Command:
    """Build a call of a Windows program, which takes no hostile name."""
    return Command(CommandShell.POWERSHELL, text)


def typed_secret(relationship: str) -> Command:
    """Build the command that asks for a shared secret, so that none is ever printed."""
    ours = cmdlet("Set-DhcpServerv4Failover", Name=relationship)
    return replace(ours, text=f"{ours.text} -SharedSecret (Read-Host 'Shared secret')")


def literal(text: str) -> str:
    """Quote text as a PowerShell literal in which nothing is expanded."""
    doubled = _QUOTES.sub(r"\1\1", text)
    return f"'{doubled}'"


def time_span(duration: timedelta) -> str:
    """Spell a duration as a TimeSpan: ``01:00:00``, ``1.02:00:00``."""
    minutes, seconds = divmod(int(duration.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    clock = f"{hours:02}:{minutes:02}:{seconds:02}"
    return f"{days}.{clock}" if days else clock


def duration_of(text: str) -> timedelta | None:
    """Parse a duration as findings spell it (``PT1H``). Return None for any other text."""
    match = _DURATION.fullmatch(text)
    if match is None:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def is_address(text: str) -> bool:
    """Return whether text is an IPv4 address in dotted form."""
    return _ADDRESS.fullmatch(text) is not None and all(int(n) < _OCTETS for n in text.split("."))


def is_host(text: str) -> bool:
    """Return whether text is a host name that any program takes without quotes."""
    return _HOST.fullmatch(text) is not None


def _parameter(key: str, value: Argument) -> str:
    match value:
        case None:
            return f"-{key}"
        case bool():
            return f"-{key} {'$true' if value else '$false'}"
        case int():
            return f"-{key} {value}"
        case timedelta():
            return f"-{key} {time_span(value)}"
        case str():
            return f"-{key} {literal(value)}"
        case tuple():
            return f"-{key} {','.join(value)}"
