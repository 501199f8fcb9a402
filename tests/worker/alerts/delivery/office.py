"""Three channels, the files that route to them, and what each of them should know and does."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from reconcile.model.findings import Event, Finding, Kind, Severity
from tests.worker.alerts.delivery.clocks import BEGIN
from tests.worker.alerts.delivery.inbox import EVERYTHING, Died, Digests, Inbox
from tests.worker.alerts.delivery.oracle import Oracle
from tests.worker.alerts.delivery.small_fleet import SERVERS
from tests.worker.alerts.delivery.words import REPEATED, Key, Problem
from worker.alerts.alerting import Alerting
from worker.alerts.channels.port import Channel
from worker.alerts.delivery.composer import Words
from worker.alerts.delivery.deliverer import Deliverer
from worker.alerts.delivery.retry import Which, retry
from worker.alerts.message import Alert, members
from worker.alerts.rules import AlertRoute, Match
from worker.model.audit import Person
from worker.store.unit_of_work import Store
from worker.telemetry.events import EventRecorder

#: The channels of a file, and what each takes: everything, what is so loud, what is about one
#: server, nothing at all.
FILES: Final[tuple[dict[str, str | int], ...]] = (
    {"log": "info", "pager": "critical", "desk": 3},
    {"log": "info", "pager": "warning", "desk": 1},
    {"log": 4, "pager": "critical", "desk": "info"},
    {"log": "info", "desk": "critical"},
    {"log": 2, "pager": 0, "desk": "info"},
)
_LOUD: Final = ("info", "warning", "critical")
_NUMBERS: Final = {server.name: n for n, server in SERVERS.items()}
#: What a receiver that is down, or a deliverer that died, costs at most.
_BACK: Final = timedelta(hours=1)
_CLAIM: Final = timedelta(minutes=3)
_FORGETS: Final = timedelta(minutes=50)


class Office:
    """The channels of one installation, and what should be known there."""

    def __init__(self, store: Store) -> None:
        self.inboxes = {
            "log": Inbox("log"),
            "pager": Digests("pager"),
            "desk": Inbox("desk", _FORGETS),
        }
        self.silences: dict[int, tuple[datetime, int | None, str | None]] = {}
        self._store = store
        self._file = FILES[0]
        self._deliverer = self._new()
        #: What each has to know now, and what it may know as it was to be told of it before.
        self._is_due: dict[str, set[Key]] = {name: set() for name in self.inboxes}
        self._may_know: dict[str, set[Key]] = {name: set() for name in self.inboxes}
        self._failed_until = dict.fromkeys(self.inboxes, BEGIN)
        self._claimed_until = dict.fromkeys(self.inboxes, BEGIN)
        #: Of these relationships a channel refused something, and nobody had it tried again since.
        self._given_up: dict[str, set[str]] = {name: set() for name in self.inboxes}
        self._retried: set[str] = set()
        #: What ended while the channel was not in the file: nobody tells it.
        self._missed: dict[str, set[Key | str]] = {name: set() for name in self.inboxes}
        #: The channels whose trouble was told over the others, before and after a deliverer ran.
        self._troubled: tuple[set[str], set[str]] = (set(), set())

    def new_file(self, file: dict[str, str | int]) -> None:
        """The process is started again with it."""
        for name in self.inboxes.keys() - file.keys():
            self._given_up[name].clear()  # nothing waits for it any more
        self._file = file
        self.new_process()

    def new_process(self) -> None:
        """Another one delivers from now on."""
        self._deliverer = self._new()

    def _new(self) -> Deliverer:
        channels: dict[str, Channel] = {name: self.inboxes[name] for name in self._file}
        routes = tuple(_route(channel, what) for channel, what in self._file.items())
        return Deliverer(self._store, Alerting(channels, routes), Words({}), EventRecorder())

    def retry(self, channel: str) -> None:
        """A person has everything tried again that this channel did not take."""
        with self._store.write() as uow:
            retry(uow, Person("ada", "test@here"), Which(channel, {channel}))
            uow.commit()
        self._failed_until[channel] = BEGIN
        self._retried.add(channel)

    def deliver(self, oracle: Oracle, now: datetime) -> None:
        """A deliverer runs, or dies; what it decided stands."""
        dying = {name: inbox.dies for name, inbox in self.inboxes.items() if inbox.dies}
        before = {n: (len(i.messages), i.refused) for n, i in self.inboxes.items()}
        troubled = self.troubles()
        try:
            self._deliverer.deliver()
        except Died:
            self.new_process()
        self._troubled = troubled, self.troubles()
        for name, inbox in self.inboxes.items():
            if not inbox.is_up or (dying.get(name) == "nothing" and not inbox.dies):
                self._failed_until[name] = now + _BACK
            elif name in dying and not inbox.dies:
                self._claimed_until[name] = max(self._claimed_until[name], now + _CLAIM)
            inbox.dies = ""
            due = {k for k, p in oracle.open.items() if self.lets_through(name, p, now)}
            self._is_due[name] = due
            self._may_know[name] = (self._may_know[name] & oracle.open.keys()) | due
            if name in self._file:
                took, refused = (
                    len(inbox.messages) - before[name][0],
                    inbox.refused - before[name][1],
                )
                self._may_have_given_up(name, took=took, refused=refused, now=now)
            else:
                self._missed[name] |= view(inbox) - oracle.open.keys()
                self._missed[name] |= troubles_known(inbox) - self._troubled[1]

    def _may_have_given_up(self, name: str, *, took: int, refused: int, now: datetime) -> None:
        """What was refused for good is tried again when the channel takes something, or a person
        says so; until then there is a problem for people.
        """
        inbox, is_in_trouble = self.inboxes[name], name in self._troubled[1]
        assert is_in_trouble or not refused, f"{name} refused something, and nobody is told"
        if inbox.refuses is not None:
            self._given_up[name].add(EVERYTHING if inbox.for_people else inbox.refuses)
        elif (took or name in self._retried) and name in self.certain(now):
            assert not (is_in_trouble and took), f"{name} works again, and nobody is told"
            self._given_up[name].clear()
        self._retried.discard(name)

    def troubles(self) -> set[str]:
        """The channels that do not work, as far as people can know."""
        with self._store.read() as reading:
            known = reading.findings.unresolved(kinds={Kind.ALERT_UNDELIVERED})
        return {problem.finding.about or "" for problem in known}

    def lets_through(self, channel: str, problem: Problem, now: datetime) -> bool:
        """Do routes and silences have this channel told of the problem?  Not of what is explained."""
        what = self._file.get(channel)
        silenced = any(_fits(silence, problem, now) for silence in self.silences.values())
        return _takes(what, problem, now) and not silenced and not problem.is_explained

    def repeats(self, problem: Problem, now: datetime) -> timedelta | None:
        """How often somebody is told of it again."""
        told = any(self.lets_through(name, problem, now) for name in self.inboxes)
        if problem.is_acknowledged(now) or not told:
            return None
        return REPEATED.get(problem.severity(now))

    def certain(self, now: datetime) -> Iterable[str]:
        """The channels of which nothing excuses that they do not know what they should."""
        return [
            name
            for name in self._file
            if self.inboxes[name].is_up
            and max(self._failed_until[name], self._claimed_until[name]) <= now
        ]

    def check(self, now: datetime) -> None:
        """Every view is what it should be."""
        for name in self.certain(now):
            knows, may = view(self.inboxes[name]), self._may_know[name]
            lost = {k for k in self._is_due[name] - knows if not self._is_given_up(name, k)}
            stale = {k for k in knows - may if not self._is_given_up(name, k)}
            stale -= self._missed[name]
            assert not lost | stale, f"{name} does not know {lost}, and knows {stale}"
            self._troubles_are_known(name, now)
        assert self._troubled[1] <= self._file.keys(), "nobody can mend what is not there"
        for inbox in self.inboxes.values():
            _in_order(inbox)

    def _troubles_are_known(self, name: str, now: datetime) -> None:
        """That a channel does not work is told over the others whose routes take it; what happened
        while a deliverer was at it is for the next one.
        """
        before, after = self._troubled
        knows = troubles_known(self.inboxes[name])
        is_told = _LOUD.index(str(self._file[name])) if self._file[name] in _LOUD else None
        silenced = any(
            until > now and s is None and r is None for until, s, r in self.silences.values()
        )
        if EVERYTHING in self._given_up[name]:
            return
        if is_told is not None and not silenced:
            assert before & after - {name} <= knows, f"{name} does not know that others fail"
        wrong = knows - before - after - self._missed[name]
        assert not wrong, f"{name} does not know that {wrong} work again"

    def _is_given_up(self, name: str, key: Key) -> bool:
        return not self._given_up[name].isdisjoint({EVERYTHING, key.relationship})


def view(inbox: Inbox) -> set[Key]:
    """The problems that are open for who knows nothing but what arrived there."""
    last = {key_of_alert(alert): alert.event for alert in _about_problems(inbox)}
    return {key for key, event in last.items() if event is not Event.RESOLVED}


def troubles_known(inbox: Inbox) -> set[str]:
    """The same of channels that do not work."""
    told = (alert for alert in inbox.alerts if alert.kind is Kind.ALERT_UNDELIVERED)
    last = {alert.sentence.split()[5].rstrip(":"): alert.event for alert in told}
    return {name for name, event in last.items() if event is not Event.RESOLVED}


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


def _route(channel: str, what: str | int) -> AlertRoute:
    if isinstance(what, int):
        return AlertRoute(Match(server=f"DHCP{what:02}*"), (channel,))
    return AlertRoute(Match(severity_at_least=Severity(what)), (channel,))


def _fits(
    silence: tuple[datetime, int | None, str | None], problem: Problem, now: datetime
) -> bool:
    until, server, relationship = silence
    return (
        until > now
        and (server is None or server in problem.key.servers)
        and (relationship is None or relationship == problem.key.relationship)
    )
