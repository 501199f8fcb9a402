"""What can be said of a simulated server or relationship, in one text form: ``key=value``.

The same words serve a fleet file, ``ipam-sync simulate set``, the demo and tests.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from ipaddress import AddressValueError, IPv4Address
from typing import Any, Final, TypeVar
from uuid import UUID, uuid4

from collectors.simulator.dhcp import Copy, DhcpServer, Percent, SimulatedMode, SimulatedScope
from collectors.simulator.fleet import Fleet, UnknownName
from collectors.simulator.windows import Generation, Language, Trouble

_Word = TypeVar("_Word", bound=StrEnum)
#: A range of networks, such as 10.1.2-5.0.
_RANGE: Final = re.compile(r"(\d+\.\d+)\.(\d+)-(\d+)\.0")
#: Both spellings clear a value.
_NONE: Final = frozenset({"", "none"})
_TRUE, _FALSE = frozenset({"true", "yes"}), frozenset({"false", "no"})


class BadChange(ValueError):
    """A change that cannot be made. The message is one sentence."""


def change(fleet: Fleet, subject: str, changes: Mapping[str, str]) -> None:
    """Change a server (``NAME``), a relationship (``NAME``) or one side of it (``NAME@SERVER``).

    Raises BadChange and UnknownName; then nothing is changed.
    """
    targets, words = _targets(fleet, subject)
    settings = [_setting(words, key, text) for key, text in changes.items()]
    for target in targets:
        for setting in settings:
            setting(target)


def server_changes(server: DhcpServer, changes: Mapping[str, str]) -> None:
    """Change a server at hand. Raises BadChange, and then changes nothing."""
    for setting in [_setting(SERVER, key, text) for key, text in changes.items()]:
        setting(server)


_Setting = Callable[[Any], None]


def _targets(
    fleet: Fleet, subject: str
) -> tuple[list[Any], Mapping[str, Callable[[str], _Setting]]]:
    relationship, at, name = subject.rpartition("@")
    if at:
        server = fleet.server(name)
        if server.copy(relationship) is None:
            raise UnknownName(f"{server.name} has no relationship called {relationship!r}.")
        return [(server, server.copies[relationship.casefold()])], RELATIONSHIP
    try:
        return [fleet.server(subject)], SERVER
    except UnknownName as no_server:
        try:
            return list(fleet.sides(subject)), RELATIONSHIP
        except UnknownName:
            raise UnknownName(
                f"The fleet has neither a server nor a relationship called {subject!r}."
            ) from no_server


def _setting(words: Mapping[str, Callable[[str], _Setting]], key: str, text: str) -> _Setting:
    if key not in words:
        raise BadChange(f"{key!r} is none of {', '.join(words)}.")
    try:
        return words[key](text.strip())
    except ValueError as error:
        raise BadChange(f"{key}={text} cannot be: {error}") from error


def _server(
    attribute: str, parse: Callable[[str], object]
) -> Callable[[str], Callable[[DhcpServer], None]]:
    def setting(text: str) -> Callable[[DhcpServer], None]:
        value = parse(text)
        return lambda server: setattr(server, attribute, value)

    return setting


def _copy(
    attribute: str, parse: Callable[[str], object]
) -> Callable[[str], Callable[[tuple[DhcpServer, Copy]], None]]:
    def setting(text: str) -> Callable[[tuple[DhcpServer, Copy]], None]:
        value = parse(text)
        return lambda side: setattr(side[1], attribute, value)

    return setting


def _whole(lowest: int, highest: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not text.isdecimal() or not lowest <= int(text) <= highest:
            raise ValueError(f"give a whole number from {lowest} to {highest}.")
        return int(text)

    return parse


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError("give a number.") from None


def _seconds(text: str) -> float:
    number = _number(text)
    if not 0 <= number < 86_400:  # noqa: PLR2004  # a day
        raise ValueError("give seconds, less than a day.")
    return number


def _word(words: type[_Word]) -> Callable[[str], _Word]:
    def parse(text: str) -> _Word:
        try:
            return words(text)
        except ValueError:
            raise ValueError(f"give one of {', '.join(words)}.") from None

    return parse


def _text(text: str) -> str:
    if not text:
        raise ValueError("give a text.")
    return text


def _optional(parse: Callable[[str], object]) -> Callable[[str], object]:
    return lambda text: None if text.casefold() in _NONE else parse(text)


def _yes(text: str) -> bool:
    if text.casefold() not in _TRUE | _FALSE:
        raise ValueError("give true or false.")
    return text.casefold() in _TRUE


def _machine_id(text: str) -> str:
    """``new`` is what a reinstalled machine has."""
    return str(uuid4()) if text == "new" else str(UUID(text))


def scopes(text: str) -> tuple[str, ...]:
    """Return addresses with commas between them. ``10.1.2-5.0`` are four. Raises ValueError."""
    addresses: list[str] = []
    for part in text.replace(" ", "").split(","):
        if (match := _RANGE.fullmatch(part)) is not None:
            addresses += [f"{match[1]}.{n}.0" for n in range(int(match[2]), int(match[3]) + 1)]
        elif part:
            addresses.append(part)
    try:
        return tuple(str(IPv4Address(address)) for address in addresses)
    except AddressValueError as error:
        raise ValueError(f"{error}.") from error


def _scopes(text: str) -> Callable[[tuple[DhcpServer, Copy]], None]:
    """``+`` before the list adds to what is there, ``-`` takes away, else it is all there is."""
    sign = text[:1] if text[:1] in ("+", "-") else ""
    named_scopes = scopes(text.removeprefix(sign))

    def setting(side: tuple[DhcpServer, Copy]) -> None:
        old_scopes = side[1].scopes
        match sign:
            case "+":
                side[1].scopes = [*old_scopes, *(s for s in named_scopes if s not in old_scopes)]
            case "-":
                side[1].scopes = [s for s in old_scopes if s not in named_scopes]
            case _:
                side[1].scopes = list(named_scopes)

    return setting


def _alone(text: str) -> Callable[[DhcpServer], None]:
    named_scopes = scopes(text)
    return lambda server: setattr(server, "alone", {s: SimulatedScope(s) for s in named_scopes})


def _deleted(text: str) -> Callable[[tuple[DhcpServer, Copy]], None]:
    if not _yes(text):
        raise ValueError("what is deleted does not come back.")

    def setting(side: tuple[DhcpServer, Copy]) -> None:
        server, copy = side
        del server.copies[copy.name.casefold()]

    return setting


def _users(text: str) -> frozenset[str]:
    return frozenset(user.strip().casefold() for user in text.split(",") if user.strip())


SERVER: Final[Mapping[str, Callable[[str], _Setting]]] = {
    "os": _server("generation", _word(Generation)),
    "machine_id": _server("machine_id", _machine_id),
    "think_seconds": _server("think_seconds", _seconds),
    "clock_offset_seconds": _server("clock_offset_seconds", _number),
    "language": _server("language", _word(Language)),
    "load_balance_percent_is": _server("percent", _word(Percent)),
    "trouble": _server("trouble", _optional(_word(Trouble))),
    "calls_itself": _server("calls_itself", _optional(_text)),
    "cluster_name": _server("cluster_name", _optional(_text)),
    "refuses": _server("refuses", _users),
    "alone": _alone,
}
"""What can be said of a server."""

RELATIONSHIP: Final[Mapping[str, Callable[[str], _Setting]]] = {
    "mode": _copy("mode", _word(SimulatedMode)),
    "percent": _copy("percent", _whole(0, 100)),
    "mclt_seconds": _copy("mclt_seconds", _whole(1, 2**32 - 1)),
    "interval_seconds": _copy("interval_seconds", _optional(_whole(1, 2**32 - 1))),
    "auth": _copy("auth", _yes),
    "state": _copy("state", _text),
    "partner": _copy("partner", _text),
    "scopes": _scopes,
    "deleted": _deleted,
}
"""What can be said of a relationship, of both sides or of one."""
