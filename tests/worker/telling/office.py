"""Three channels, the files that route to them, and what each of them should know and does."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from reconcile.findings import Finding, Kind, Severity
from reconcile.life import Event
from tests.worker.telling.inbox import Died, Digests, Inbox
from tests.worker.telling.oracle import REPEATED, Key, Oracle, Problem
from tests.worker.telling.small_fleet import BEGIN, SERVERS
from worker.alerts.channels.port import Channel
from worker.alerts.config import Alerting
from worker.alerts.message import Alert, members
from worker.alerts.routes import Match, Route
from worker.store.store import SqlStore
from worker.telling.delivering import Deliverer
from worker.telling.words import Words

#: What a channel takes: everything, what is so loud, what is about one server.
FILES: Final[tuple[dict[str, str | int], ...]] = (
    {"log": "info", "pager": "critical", "desk": 3},
    {"log": "info", "pager": "warning", "desk": 1},
    {"log": 4, "pager": "critical", "desk": "info"},
    {"log": "info", "desk": "critical"},
)
_LOUD: Final = ("info", "warning", "critical")
_NUMBERS: Final = {server.name: n for n, server in SERVERS.items()}
#: What a receiver that is down, or a deliverer that died, costs at most.
_BACK: Final = timedelta(hours=1)
_CLAIM: Final = timedelta(minutes=3)
_FORGETS: Final = timedelta(minutes=50)


class Office:
    """The channels of one installation, and what should be known there."""

    def __init__(self, store: SqlStore) -> None:
        self.inboxes = {
            "log": Inbox("log"),
            "pager": Digests("pager"),
            "desk": Inbox("desk", _FORGETS),
        }
        self.silences: dict[int, tuple[datetime, int | None, str | None]] = {}
        self._store = store
        self._file = FILES[0]
        self._deliverer = self._new()
        self._should_know: dict[str, set[Key]] = {name: set() for name in self.inboxes}
        self._certain_from = dict.fromkeys(self.inboxes, BEGIN)

    def new_file(self, file: dict[str, str | int]) -> None:
        """The process is started again with it."""
        self._file = file
        self.new_process()

    def new_process(self) -> None:
        """Another one delivers from now on."""
        self._deliverer = self._new()

    def _new(self) -> Deliverer:
        channels: dict[str, Channel] = dict(self.inboxes)
        routes = tuple(_route(channel, what) for channel, what in self._file.items())
        return Deliverer(self._store, Alerting(channels, routes), Words({}))

    def deliver(self, oracle: Oracle, now: datetime) -> None:
        """A deliverer runs, or dies; what it decided stands."""
        dying = {name for name, inbox in self.inboxes.items() if inbox.dies}
        try:
            self._deliverer.deliver()
        except Died:
            self.new_process()
        for name, inbox in self.inboxes.items():
            if not inbox.is_up:
                self._certain_from[name] = now + _BACK
            elif name in dying and not inbox.dies:
                self._certain_from[name] = max(self._certain_from[name], now + _CLAIM)
            inbox.dies = ""
            due = {k for k, p in oracle.open.items() if self.lets_through(name, p, now)}
            self._should_know[name] = (self._should_know[name] & oracle.open.keys()) | due

    def lets_through(self, channel: str, problem: Problem, now: datetime) -> bool:
        """Do routes and silences have this channel told of the problem?"""
        what = self._file.get(channel)
        silenced = any(_fits(silence, problem, now) for silence in self.silences.values())
        return _takes(what, problem, now) and not silenced

    def repeats(self, problem: Problem, now: datetime) -> timedelta | None:
        """How often somebody is told of it again."""
        told = any(self.lets_through(name, problem, now) for name in self.inboxes)
        if problem.is_acknowledged(now) or not told:
            return None
        return REPEATED.get(problem.severity(now))

    def certain(self, now: datetime) -> Iterable[str]:
        """The channels of which nothing excuses that they do not know what they should."""
        return [n for n, i in self.inboxes.items() if i.is_up and self._certain_from[n] <= now]

    def check(self, now: datetime) -> None:
        """Every view is what it should be."""
        for name in self.certain(now):
            knows, should = view(self.inboxes[name]), self._should_know[name]
            wrong = f"{name} does not know {should - knows}, and knows {knows - should}"
            assert knows == should, wrong
        for inbox in self.inboxes.values():
            _in_order(inbox)


def view(inbox: Inbox) -> set[Key]:
    """The problems that are open for who knows nothing but what arrived there."""
    last = {key_of_alert(alert): alert.event for alert in _about_problems(inbox)}
    return {key for key, event in last.items() if event is not Event.RESOLVED}


def _about_problems(inbox: Inbox) -> list[Alert]:
    return [alert for alert in inbox.alerts if alert.kind is not Kind.ALERT_UNDELIVERED]


def _in_order(inbox: Inbox) -> None:
    """Numbers of a problem rise, and the same comes again only after a death or where it would be
    forgotten; it is the same then, so who drops doubles loses nothing.
    """
    last: dict[int, int] = {}
    contents: dict[str, set[tuple[str, str]]] = {}
    unmarked: set[str] = set()
    for place, message in enumerate(inbox.messages):
        reads_keys_only = inbox.refresh is not None
        content = {(a.key, "" if reads_keys_only else a.event) for a in members(message)}
        first = contents.setdefault(message.key, content)
        assert content <= first, f"{message.key} is another, and no double"
        for alert in members(message):
            before = last.get(alert.finding, 0)
            double = inbox.refresh is not None or alert.key in unmarked
            assert alert.sequence > before or (double and alert.sequence == before), alert.key
            last[alert.finding] = alert.sequence
            unmarked.discard(alert.key)
        if place in inbox.deaths:
            unmarked |= {alert.key for alert in members(message)}


def key_of(found: Finding) -> Key:
    """A problem in the oracle's words."""
    return Key(found.kind, frozenset(found.servers), found.relationship)


def key_of_alert(alert: Alert) -> Key:
    """The same of what arrived."""
    return Key(alert.kind, frozenset(_NUMBERS[s] for s in alert.servers), alert.relationship)


def _takes(what: str | int | None, problem: Problem, now: datetime) -> bool:
    if what is None or isinstance(what, int):
        return what in problem.key.servers
    return _LOUD.index(problem.severity(now)) >= _LOUD.index(what)


def _route(channel: str, what: str | int) -> Route:
    if isinstance(what, int):
        return Route(Match(server=f"DHCP{what:02}*"), (channel,))
    return Route(Match(severity_at_least=Severity(what)), (channel,))


def _fits(
    silence: tuple[datetime, int | None, str | None], problem: Problem, now: datetime
) -> bool:
    until, server, relationship = silence
    return (
        until > now
        and (server is None or server in problem.key.servers)
        and (relationship is None or relationship == problem.key.relationship)
    )
