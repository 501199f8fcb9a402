"""What there is to say about an alert, part by part, in words that are harmless in plain text.

Whatever came from the network is on one line here, of bounded length, without control characters
or marks of direction.  Each medium adds its own escaping in ``worker.alerts.templates``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from collectors.quote import escaped
from reconcile.model.findings import Event, Testimony
from reconcile.model.nouns import Evidence
from reconcile.remedies.model import Remedy
from reconcile.remedies.text import summary_line
from worker.alerts.message import Alert
from worker.alerts.next_steps import NextStep, next_steps, remedy_of

#: As long as a DNS name may be.
_NAME: Final = 255
#: A finding's sentence is shorter unless a server sent hostile text.
_DETAIL: Final = 2000
#: A command in it must not be cut.
_NEXT: Final = 4000
#: Values are short words or numbers. A longer one is hostile or broken.
_VALUE: Final = 200
#: A message with more lines is not read. The rest is counted.
_MOST_VALUES: Final = 20
#: A subject with more names is not read. The rest is counted.
_MOST_SERVERS: Final = 10

SURE: Final[Mapping[Evidence, str]] = {
    Evidence.BOTH: "certain: both partners were read",
    Evidence.ONE_SIDE: "likely: only one partner was read",
    Evidence.NONE: "unverified: no partner was read",
}

HAPPENED: Final[Mapping[Event, str]] = {
    Event.OPENED: "opened",
    Event.CHANGED: "changed",
    Event.STILL_OPEN: "still open",
    Event.ACKNOWLEDGED: "acknowledged",
    Event.RESOLVED: "resolved",
}


class Link(str):
    """A URL of our own, which a medium may make a link of."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Telling:
    """The texts about an alert. Every text is one line and harmless as plain text.

    ``what`` is wrong, ``where``, ``since`` when, ``values`` as the partners and IPAM have them, how
    ``sure`` that is, the ``next`` action in a line and by ``steps``, with their commands. Empty
    texts are left out. ``sentence`` is all of it on one line.
    """

    key: str
    event: str
    severity: str
    kind: str
    matter: str
    subject: str
    what: str
    where: str
    since: str
    values: tuple[str, ...]
    sure: str
    next: str
    steps: tuple[NextStep, ...]
    note: str
    url: Link
    test: bool

    @property
    def sentence(self) -> str:
        parts = (self.what, f"Where: {self.where}.", f"Since {self.since}.", *self._said())
        confidence = f"How sure: {self.sure}." if self.sure else ""
        rest = (confidence, self.note, f"Next: {self.next}" if self.next else "")
        return " ".join(part for part in (*parts, *rest) if part)

    def _said(self) -> Iterator[str]:
        for value in self.values:
            yield f"{value}."


def telling(alert: Alert) -> Telling:
    """The words about an alert."""
    remedy = remedy_of(alert)
    return Telling(
        key=escaped(alert.key, _NAME),
        event=alert.event,
        severity=alert.severity,
        kind=alert.kind,
        matter=alert.matter,
        subject=subject(alert),
        what=_what(alert),
        where=where(alert),
        since=_since(alert),
        values=tuple(_values(alert)),
        sure="" if alert.relationship is None else SURE[alert.evidence],  # it takes two to tell
        next="" if remedy is None else _next(alert, remedy),
        steps=() if remedy is None else next_steps(remedy),
        note=_note(alert),
        url=Link(escaped(alert.url or "", _DETAIL)),
        test=alert.test,
    )


def _next(alert: Alert, remedy: Remedy) -> str:
    return escaped(summary_line(remedy, alert.finding or None), _NEXT)


def subject(alert: Alert) -> str:
    """Return a subject such as ``[CRITICAL] one sided: HQ (dhcp01, dhcp02)``.

    It leaves out what changes while the problem is open.
    """
    mark = "TEST" if alert.test else alert.severity.upper()
    if alert.event in (Event.RESOLVED, Event.ACKNOWLEDGED) and not alert.test:
        mark = HAPPENED[alert.event].upper()
    relationship = _relationship(alert)
    servers = _servers(alert)
    place = (
        f"{relationship} ({servers})"
        if relationship and servers
        else relationship or servers or "the whole store"
    )
    return f"[{mark}] {alert.kind.replace('_', ' ')}: {place}"


def where(alert: Alert) -> str:
    """The relationship and its servers, or what there is of them."""
    relationship, servers = _relationship(alert), _servers(alert)
    if relationship:
        return f"relationship {relationship}" + (f" of {servers}" if servers else "")
    return f"{servers}" if servers else "the whole store"


def moment(time: datetime) -> str:
    """A time for people."""
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def lasting(time: timedelta) -> str:
    """Return a duration in its largest unit, such as ``3 hours``."""
    seconds = max(0, int(time.total_seconds()))
    for size, word in ((86_400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            number = seconds // size
            return f"{number} {word}{'' if number == 1 else 's'}"
    return "less than a minute"


def _relationship(alert: Alert) -> str:
    return escaped(alert.relationship or "", _NAME)


def _servers(alert: Alert) -> str:
    names = [escaped(name, _NAME) for name in alert.servers[:_MOST_SERVERS]]
    remaining = len(alert.servers) - len(names)
    return ", ".join(names) + (f" and {remaining} more" if remaining else "")


def _since(alert: Alert) -> str:
    if alert.resolved_at is not None:
        lasted = lasting(alert.resolved_at - alert.first_seen)
        return f"{moment(alert.first_seen)}, resolved {moment(alert.resolved_at)} after {lasted}"
    return f"{moment(alert.first_seen)} ({lasting(alert.at - alert.first_seen)})"


def _what(alert: Alert) -> str:
    """Return the finding's sentence. At the end of a problem it begins with the news of that."""
    sentence = escaped(alert.sentence.strip(), _DETAIL) or alert.kind.replace("_", " ")
    return f"This is over: {sentence}" if alert.event is Event.RESOLVED else sentence


def _values(alert: Alert) -> Iterator[str]:
    """Yield the witnesses' reports of each property, then the values that only IPAM has."""
    subjects = {testimony[0] for testimony in alert.said}
    lines = [_line(testimony, alert.ipam.get(testimony[0])) for testimony in alert.said]
    lines += [
        f"{escaped(name, _NAME)}: IPAM has {escaped(value, _VALUE)}"
        for name, value in alert.ipam.items()
        if name not in subjects
    ]
    yield from lines[:_MOST_VALUES]
    if len(lines) > _MOST_VALUES:
        yield f"and {len(lines) - _MOST_VALUES} more values"


def _line(said: Testimony, stored: str | None) -> str:
    """Return ``MCLT: IPAM 3600 -> 7200 (dhcp01, dhcp02)``, or each value if they differ."""
    name, words = said
    values = {value for _, value in words}
    witnesses = ", ".join(escaped(w, _NAME) for w, _ in words)
    if stored is not None and len(values) == 1 and values != {stored}:
        new = escaped(values.pop(), _VALUE)
        return f"{escaped(name, _NAME)}: IPAM {escaped(stored, _VALUE)} -> {new} ({witnesses})"
    reports = ", ".join(f"{escaped(w, _NAME)} says {escaped(v, _VALUE)}" for w, v in words)
    ours = "" if stored is None else f", IPAM has {escaped(stored, _VALUE)}"
    return f"{escaped(name, _NAME)}: {reports}{ours}"


def _note(alert: Alert) -> str:
    if alert.note is None:
        return ""
    by, text = escaped(alert.note.by, _NAME), escaped(alert.note.text, _DETAIL)
    return f"Acknowledged by {by}: {text}" if text else f"Acknowledged by {by}"
