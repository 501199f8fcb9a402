"""What would be told, and to whom, if something happened now to a problem; nothing is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from reconcile.findings import MATTERS, Finding, Kind, severity
from reconcile.life import Event
from reconcile.model import Evidence
from worker.alert_ports import OpenFinding, PastEvent, Snapshot
from worker.alerts.config import Alerting
from worker.alerts.message import Alert, Note, trial
from worker.alerts.routes import Fate
from worker.ports import Reading
from worker.problems import UnknownProblem
from worker.telling.composing import as_told, composed, words_of
from worker.telling.foretelling import Stored, of_a_problem, of_an_example
from worker.telling.words import Words

_SOMEBODY: Final = Note("somebody", "an example of a note")


@dataclass(frozen=True, slots=True)
class Supposed:
    """The alert, and what becomes of it by channel."""

    alert: Alert
    fates: tuple[Fate, ...]


def problem_of(reading: Reading, number: int) -> OpenFinding:
    """A problem, over or not. Raises UnknownProblem."""
    found = reading.problems([number]).get(number)
    if found is None:
        raise UnknownProblem(f"There is no problem {number}. See: ipam-sync drift list")
    return found


def suppose(
    reading: Reading, number: int, event: Event | None, alerting: Alerting, words: Words
) -> Supposed:
    """That this happens next to a stored problem; None: what happened to it last.

    Raises UnknownProblem.
    """
    problem = problem_of(reading, number)
    past = reading.events([number])
    happened = _next(problem, past, event, reading.now())
    alert = composed(happened, problem, words_of(reading, words))
    stored = Stored(problem, reading.deliveries([number]), reading.silences())
    return Supposed(alert, of_a_problem(alert, stored, alerting, reading.now()))


def as_channel_is_told(reading: Reading, alert: Alert, channel: str) -> Alert:
    """The same as that channel is told it, by what it knows of the problem."""
    known = {delivery.channel: delivery for delivery in reading.deliveries([alert.finding])}
    return as_told(alert, known.get(channel))


def _next(
    problem: OpenFinding, past: Sequence[PastEvent], event: Event | None, now: datetime
) -> PastEvent:
    if event is None and past:
        return past[-1]
    evidence = past[-1].snapshot.evidence if past else Evidence.NONE
    ipam = past[-1].snapshot.ipam if past else {}
    return PastEvent(
        finding=problem.id,
        sequence=problem.sequence + 1,
        event=event or Event.OPENED,
        at=now,
        snapshot=Snapshot(problem.finding, evidence, ipam),
        who=_SOMEBODY.by,
        note=_SOMEBODY.text,
        outcome=None,
    )


def suppose_example(
    kind: Kind, event: Event, alerting: Alerting, words: Words, now: datetime
) -> Supposed:
    """A problem of that kind, of which everything else is made up."""
    finding = Finding(kind, None, (), "")
    alert = replace(
        trial(now, event=event),
        kind=kind,
        matter=MATTERS[kind],
        severity=severity(finding, words.severities),
        sentence=f"An example of {kind.replace('_', ' ')}: what is wrong is said here.",
        note=_SOMEBODY if event is Event.ACKNOWLEDGED else None,
        test=False,
    )
    return Supposed(alert, of_an_example(alert, alerting, now))
