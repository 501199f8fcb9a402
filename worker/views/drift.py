"""Problems for people and for programs: the list, one of them, and what happened."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from reconcile.model.findings import LOUDEST_FIRST, Event, Matter
from reconcile.model.nouns import Seen
from reconcile.remedies.model import Remedy
from reconcile.remedies.text import summary_line
from worker.alerts.next_steps import remedy_document
from worker.alerts.problems import Problem
from worker.alerts.wording import HAPPENED
from worker.model.alerts import NOBODY, OpenFinding, PastEvent
from worker.views.comparison import Comparison, Row
from worker.views.documents import finding_json
from worker.views.operations import Json, server_name
from worker.views.remedies import show_remedy
from worker.views.screen import Cell, Screen
from worker.views.text import counted, iso, moment

_TITLES: Final = {
    Matter.HEALTH: "Health: failover itself suffers",
    Matter.DRIFT: "Drift: partners or IPAM differ",
    Matter.BLINDNESS: "Blindness: something could not be seen",
}


def problem_json(problem: Problem) -> Json:
    """Return a problem as it is now."""
    stored, acked = problem.stored, problem.acknowledgement
    names = dict(zip(problem.finding.servers, problem.servers, strict=True))
    return {
        "id": problem.id,
        "matter": problem.matter.value,
        **finding_json(problem.finding, names, {}),
        "tags": list(problem.tags),
        "severity": problem.severity.value,
        "state": _state(stored),
        "first_seen": iso(stored.first_seen),
        "changed_at": iso(stored.changed_at),
        "confirmed_at": iso(stored.life.confirmed_at),
        "resolved_at": iso(stored.resolved_at),
        "openings": [iso(opening) for opening in stored.life.openings],
        "acknowledged": (
            None
            if acked is None
            else {
                "by": acked.by,
                "note": acked.note,
                "at": iso(acked.at),
                "until": iso(acked.until),
            }
        ),
        "silenced_by": None if problem.silence is None else problem.silence.id,
        "explained_by": stored.caused_by,
    }


def _state(stored: OpenFinding) -> str:
    if stored.resolved_at is not None:
        return "over"
    return "open" if stored.is_open else "unconfirmed"


def show_problems(screen: Screen, problems: Sequence[Problem]) -> None:
    """Show problems by category, the most severe first."""
    for matter, title in _TITLES.items():
        group = [problem for problem in problems if problem.matter is matter]
        if group:
            severity_counts = [(s, sum(p.severity is s for p in group)) for s in LOUDEST_FIRST]
            screen.heading(f"{title} ({', '.join(f'{n} {s}' for s, n in severity_counts if n)})")
            columns = ("problem", "about", "what", "since")
            screen.table(columns, (_row(problem) for problem in group))
    if problems:
        screen.line()
        screen.command(f"What to do, step by step: ipam-sync drift show {problems[0].id}")


def _row(problem: Problem) -> tuple[Cell, ...]:
    return (
        (problem.severity.value, f"#{problem.id} {problem.kind}", *marks(problem)),
        about(problem),
        problem.finding.detail,
        moment(problem.stored.first_seen),
    )


def marks(problem: Problem) -> Iterator[str]:
    """Why nobody is told of it, in brackets."""
    stored = problem.stored
    if not stored.is_open:
        yield f"[{_state(stored)}]"
    if stored.life.absent_since is not None:
        yield "[comes and goes]"
    if problem.acknowledgement is not None:
        yield f"[acknowledged by {problem.acknowledgement.by}]"
    if problem.silence is not None:
        yield f"[silenced by {problem.silence.id}]"
    if stored.caused_by is not None:
        yield f"[explained by #{stored.caused_by}]"


def about(problem: Problem) -> tuple[str, ...]:
    """The relationship and the servers that it is about."""
    lines = (problem.relationship or "", *problem.servers)
    return tuple(line for line in lines if line) or ("the whole store",)


def in_a_line(problem: Problem) -> str:
    """For who looks on from a pipe: ``#3 critical one_sided: HQ, dhcp01, dhcp02 [silenced by 1]``."""
    line = f"#{problem.id} {problem.severity} {problem.kind}: {', '.join(about(problem))}"
    return " ".join((line, *marks(problem)))


def shown_json(
    problem: Problem,
    compared: Comparison,
    readings: Mapping[int, Seen],
    events: Sequence[PastEvent],
    remedy: Remedy,
) -> Json:
    """Return a problem with the values of each side and its events."""
    names = dict(zip(problem.finding.servers, problem.servers, strict=True))
    return {
        **problem_json(problem),
        "next": summary_line(remedy, problem.id),
        "remedy": remedy_document(remedy),
        "read_at": {server_name(names, s): iso(reading.read_at) for s, reading in readings.items()},
        "compared": [
            {
                "property": row.property,
                "values": [
                    {"by": by, "value": value, "differs": differs}
                    for by, value, differs in zip(
                        compared.columns, row.values, row.differs, strict=True
                    )
                ],
            }
            for row in compared.rows
        ],
        "events": [event_json(event, names) for event in events],
    }


def show_problem(
    screen: Screen,
    problem: Problem,
    compared: Comparison,
    readings: Mapping[int, Seen],
    events: Sequence[PastEvent],
    remedy: Remedy,
) -> None:
    """Show a problem, the values of each side, its events, and what to do."""
    screen.heading(f"Problem {problem.id}: {problem.kind.replace('_', ' ')}")
    screen.facts(_facts(problem, readings))
    screen.note(problem.finding.detail, 0)
    if compared.rows:
        screen.heading("What each side has")
        columns = ("property", *compared.columns)
        screen.table(columns, (_compared_row(row) for row in compared.rows))
        if any(any(row.differs) for row in compared.rows):
            screen.note("* differs from the others", 0)
    if events:
        screen.heading("What happened")
        show_events(screen, events)
    if problem.stored.resolved_at is None:
        show_remedy(screen, remedy)


def _facts(problem: Problem, readings: Mapping[int, Seen]) -> Iterator[tuple[str, Cell]]:
    stored, life, acked = problem.stored, problem.stored.life, problem.acknowledgement
    yield "severity", problem.severity.value
    yield "matter", problem.matter.value
    yield "about", about(problem)
    yield "state", (_state(stored), *marks(problem)) if stored.is_open else _state(stored)
    yield "first seen", moment(stored.first_seen)
    yield "confirmed", moment(life.confirmed_at)
    if stored.resolved_at is not None:
        yield "over since", moment(stored.resolved_at)
    if len(life.openings) > 1:
        yield "opened", (counted(len(life.openings), "time"), *map(moment, life.openings))
    if acked is not None:
        quiet_until = "until it is over" if acked.until is None else f"until {moment(acked.until)}"
        yield "acknowledged", (f"by {acked.by}, {moment(acked.at)}, {quiet_until}", acked.note)
    if (silence := problem.silence) is not None:
        yield (
            "silenced",
            (f"by {silence.who}, until {moment(silence.ends_at)} (#{silence.id})", silence.reason),
        )
    names = dict(zip(problem.finding.servers, problem.servers, strict=True))
    if readings:
        yield (
            "last read",
            tuple(f"{server_name(names, s)}: {moment(r.read_at)}" for s, r in readings.items()),
        )


def _compared_row(row: Row) -> tuple[Cell, ...]:
    """The mark is a sign, so that it is there without colours."""
    cells = (
        f"{'* ' if differs else ''}{'-' if value is None else value}"
        for value, differs in zip(row.values, row.differs, strict=True)
    )
    return row.property, *cells


def show_events(
    screen: Screen, events: Iterable[PastEvent], names: Mapping[int, str] | None = None
) -> None:
    """Show one row for each event. With ``names`` of servers a row names its problem."""
    rows = [
        (
            moment(event.at),
            *(() if names is None else (_subject(event, names),)),
            _happened(event),
            _outcome(event),
        )
        for event in events
    ]
    about_which = () if names is None else ("problem",)
    screen.table(("when", *about_which, "what happened", "who was told"), rows)


def _subject(event: PastEvent, names: Mapping[int, str]) -> tuple[str, ...]:
    finding = event.snapshot.finding
    parts = (finding.relationship or "", *(server_name(names, s) for s in finding.servers))
    return (f"#{event.finding} {finding.kind}", *(line for line in parts if line))


def _happened(event: PastEvent) -> tuple[str, ...]:
    word = HAPPENED[event.event]
    headline = word if event.who is None else f"{word} by {event.who}"
    if event.note:
        return headline, event.note
    return (
        (headline, event.snapshot.finding.detail) if event.event is Event.CHANGED else (headline,)
    )


def _outcome(event: PastEvent) -> tuple[str, ...]:
    if event.outcome is None:
        return ("not decided yet",)
    return tuple(
        f"nobody: {outcome}" if channel == NOBODY else f"{channel}: {outcome}"
        for channel, outcome in event.outcome.items()
    )


def event_json(event: PastEvent, names: Mapping[int, str]) -> Json:
    """Return an event with its values of then. ``outcome`` null: it is not decided yet."""
    finding = event.snapshot.finding
    document = finding_json(finding, names, {})
    return {
        "problem": event.finding,
        "sequence": event.sequence,
        "event": event.event.value,
        "at": iso(event.at),
        **{
            name: document[name] for name in ("kind", "relationship", "servers", "detail", "values")
        },
        "ipam": dict(event.snapshot.ipam),
        "evidence": event.snapshot.evidence.value,
        "who": event.who,
        "note": event.note,
        "outcome": None if event.outcome is None else dict(event.outcome),
    }
