"""Channels and routes of one installation, from the file that IPAM_SYNC_ALERTS_FILE names.

docs/alerts.md describes the file.  Everything that is wrong with it is reported at once; secrets
are in files and variables of their own, and are read here.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Mapping
from datetime import time, timedelta
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Final, TypeVar
from zoneinfo import ZoneInfo

from collectors.quote import escaped
from reconcile.model.findings import Kind, Matter, Severity
from reconcile.model.nouns import Operation
from worker.alerts.alerting import REPEAT, Alerting, AppliedChangeRule
from worker.alerts.channel_types import FOR_INCIDENTS, KINDS
from worker.alerts.channels.port import Channel
from worker.alerts.rules import AlertRoute, Match, MatchChange, QuietHours
from worker.alerts.templates import Texts, TextsUnusable
from worker.alerts.toml_section import AlertsFileUnusable, Section, TomlFile, flag, text, texts
from worker.config.parsers import seconds, word
from worker.config.suggest import did_you_mean

_Word = TypeVar("_Word", bound=StrEnum)


def load_alerting(path: Path, environ: Mapping[str, str] = os.environ) -> Alerting:
    """Load the file of channels. Raises AlertsFileUnusable."""
    document = _document(path)
    sheet = TomlFile(path.parent, environ)
    top = sheet.section("", document)
    own_texts = _texts(top)
    channels: dict[str, Channel] = {}
    types: dict[str, str] = {}
    for name, section in top.sections("channels"):
        types[name] = section.need("type", text, "")
        if (channel := _channel(types[name], name, section, own_texts)) is not None:
            channels[name] = channel
    names = _names(document)
    routes = tuple(_route(section, names) for section in top.listed("routes"))
    repeat = _repeat(top.inner("repeat"))
    applied = _applied(top.inner("applied"), names, channels)
    top.done()
    if sheet.problems:
        file_words = f"The alerts file {escaped(str(path), 300)}"
        raise AlertsFileUnusable(tuple(f"{file_words}: {problem}" for problem in sheet.problems))
    return Alerting(
        MappingProxyType(channels), routes, repeat, applied, MappingProxyType(types), own_texts
    )


def _repeat(section: Section | None) -> Mapping[Severity, timedelta]:
    if section is None:
        return REPEAT
    often = {s: section.get(s, seconds(0), REPEAT.get(s, timedelta())) for s in Severity}
    section.done()
    return MappingProxyType({severity: period for severity, period in often.items() if period})


def _applied(
    section: Section | None, names: frozenset[str], channels: Mapping[str, Channel]
) -> AppliedChangeRule:
    if section is None:
        return AppliedChangeRule()
    target_names = _channels(section, names)
    for name in target_names:
        if isinstance(channels.get(name), FOR_INCIDENTS):
            section.wrong("channels", f"{escaped(name)} takes incidents, and a change is none.")
    period = section.get("every", seconds(60), AppliedChangeRule().every)
    match = section.inner("match")
    section.done()
    return AppliedChangeRule(
        target_names, period, MatchChange() if match is None else _match_change(match)
    )


def _document(path: Path) -> Mapping[str, object]:
    file_words = f"The alerts file {escaped(str(path), 300)}"
    try:
        return tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise AlertsFileUnusable((f"{file_words} cannot be read: {error.strerror}.",)) from None
    except UnicodeDecodeError:
        raise AlertsFileUnusable((f"{file_words} is not UTF-8 text.",)) from None
    except (ValueError, RecursionError) as error:
        raise AlertsFileUnusable((f"{file_words} is not TOML: {error}.",)) from None


def _names(document: Mapping[str, object]) -> frozenset[str]:
    """Return the names of the channels in the file, good ones or not."""
    channels = document.get("channels")
    return frozenset(channels) if isinstance(channels, Mapping) else frozenset()


def _texts(top: Section) -> Texts:
    directory = top.file("texts")
    try:
        return Texts(directory)
    except TextsUnusable as error:
        for problem in error.problems:
            top.wrong("texts", problem)
        return Texts()


def _channel(kind: str, name: str, section: Section, own: Texts) -> Channel | None:
    make = KINDS.get(kind)
    if make is None:
        if kind:
            guess = did_you_mean(kind, KINDS)
            section.wrong("type", f"{kind!r} is none of {', '.join(KINDS)}{guess}")
        return None
    channel = make(name, section, own)
    section.done()
    return channel


def _route(section: Section, channels: frozenset[str]) -> AlertRoute:
    names = _channels(section, channels)
    match, quiet_hours = section.inner("match"), section.inner("quiet_hours")
    section.done()
    return AlertRoute(
        Match() if match is None else _match(match),
        names,
        None if quiet_hours is None else _quiet_hours(quiet_hours),
    )


def _channels(section: Section, channels: frozenset[str]) -> tuple[str, ...]:
    names = section.need("channels", texts, _NOWHERE)
    for name in names:
        if name not in channels:
            guess = did_you_mean(name, channels)
            section.wrong("channels", f"there is no channel {escaped(name)}{guess}")
    return names


def _match(section: Section) -> Match:
    match = Match(
        kind=section.get("kind", words(Kind), frozenset()),
        matter=section.get("matter", words(Matter), frozenset()),
        severity_at_least=section.get("severity_at_least", word(Severity), Severity.INFO),
        server=section.get("server", text, None),
        relationship=section.get("relationship", text, None),
        tag=section.get("tag", text, None),
    )
    section.done()
    return match


def _match_change(section: Section) -> MatchChange:
    match = MatchChange(
        operation=section.get("operation", words(Operation), frozenset()),
        server=section.get("server", text, None),
        relationship=section.get("relationship", text, None),
    )
    section.done()
    return match


def _quiet_hours(section: Section) -> QuietHours | None:
    start = section.need("from", time_of_day, _MIDNIGHT)
    end = section.need("to", time_of_day, _MIDNIGHT)
    zone = section.need("timezone", timezone, _UTC)
    except_critical = section.get("except_critical", flag, True)
    section.done()
    return QuietHours(start, end, zone, except_critical)


_NOWHERE: Final[tuple[str, ...]] = ()
#: Quiet hours that end at 24:00 end at 00:00 of the next day.
_MIDNIGHT: Final = time(0)
_UTC: Final = ZoneInfo("UTC")


def words(known: type[_Word]) -> Callable[[object], frozenset[_Word]]:
    """Return a parser of one or several of the words."""

    def parse(value: object) -> frozenset[_Word]:
        given_words = texts(value)
        for item in given_words:
            if item not in set(known):
                raise ValueError(f"there is no {item!r}{did_you_mean(item, known)}")
        return frozenset(known(item) for item in given_words)

    return parse


def time_of_day(value: object) -> time:
    """``22:00``, or TOML's own ``22:00:00``."""
    if isinstance(value, str):
        try:
            value = time.fromisoformat(value)
        except ValueError:
            value = None
    if not isinstance(value, time) or value.tzinfo is not None:
        raise ValueError("give a time of day, such as '22:00'.")
    return value


def timezone(value: object) -> ZoneInfo:
    """A time zone by its name in the IANA database."""
    try:
        return ZoneInfo(text(value))
    except (KeyError, OSError, ValueError):  # unknown, a directory, or no name at all
        raise ValueError("give a time zone such as 'Europe/Vienna'.") from None
