"""The channels and routes of an installation, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType
from typing import Final

from reconcile.model.findings import Severity
from worker.alerts.channels.port import Channel
from worker.alerts.rules import AlertRoute, MatchChange
from worker.alerts.templates import Texts

#: Problems of severity info are never repeated.
REPEAT: Final[Mapping[Severity, timedelta]] = MappingProxyType(
    {Severity.CRITICAL: timedelta(hours=4), Severity.WARNING: timedelta(hours=24)}
)


@dataclass(frozen=True, slots=True)
class AppliedChangeRule:
    """The channels that get what the machine applied, if it matches.

    It is collected for the time ``every`` first.
    """

    channels: tuple[str, ...] = ()
    every: timedelta = timedelta(minutes=15)
    match: MatchChange = field(default_factory=MatchChange)


@dataclass(frozen=True, slots=True)
class Alerting:
    """The channels by name, the routes in their order, and the channels that get changes.

    ``repeat`` says by severity how often an open problem is repeated. ``types`` are the types of
    the channels, in the words of the file. ``texts`` are the templates of the installation.
    """

    channels: Mapping[str, Channel]
    routes: tuple[AlertRoute, ...]
    repeat: Mapping[Severity, timedelta] = field(default_factory=lambda: REPEAT)
    applied: AppliedChangeRule = AppliedChangeRule()
    types: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    texts: Texts = field(default_factory=Texts, repr=False, compare=False)
