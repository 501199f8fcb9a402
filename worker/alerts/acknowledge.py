"""What people say about problems: acknowledged, silenced, and back again.

Used by the doors, within their one writing transaction.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, replace
from datetime import datetime

from reconcile.findings.subjects import in_ipam
from reconcile.model.findings import Event
from reconcile.model.nouns import Evidence
from worker.alerts.problems import UnknownProblem
from worker.inventory.lookup import UnknownTarget
from worker.model.alerts import Acknowledgement, NewEvent, OpenFinding, Silence, Snapshot
from worker.model.audit import Action, AuditedDecision, AuditValues, Person
from worker.model.audit_format import kept_time
from worker.store.repositories.findings import FindingRepository
from worker.store.repositories.silences import SilenceRepository
from worker.store.unit_of_work import UnitOfWork


class NotOpen(UnknownTarget):
    """The problem is over, or was not confirmed yet."""

    code = "not_open"


class UnknownSilence(UnknownTarget):
    """There never was such a silence."""

    code = "unknown_silence"


def acknowledge(
    uow: UnitOfWork, by: Person, ids: Collection[int], note: str, until: datetime | None
) -> tuple[OpenFinding, ...]:
    """A person knows of these, and those who were told of them are told that.

    Raises UnknownProblem and NotOpen, and then acknowledges none.
    """
    current_time = uow.now()
    problems = _found(uow.findings, ids)
    for problem in problems:
        if problem.resolved_at is not None:
            raise NotOpen(f"Problem {problem.id} is over, so there is nothing to acknowledge.")
        if not problem.is_open:
            raise NotOpen(
                f"Problem {problem.id} is not confirmed yet: nobody is told of it before it is."
            )
    acknowledgement = Acknowledgement(by.who, note, current_time, until)
    for problem in problems:
        uow.findings.acknowledge(problem.id, acknowledgement)
    uow.outbox.add(_acknowledged(uow, problems, acknowledgement))
    values_after = _acknowledgement(acknowledgement)
    uow.audit.add(
        by, [_decision(Action.ACKNOWLEDGE, problem, values_after) for problem in problems]
    )
    return problems


def _acknowledged(
    uow: UnitOfWork, problems: Collection[OpenFinding], given: Acknowledgement
) -> list[NewEvent]:
    """Return the events of acknowledgements, with the evidence of each problem's latest event.

    The database's values may have changed since that event, so they are loaded anew.
    """
    latest = uow.outbox.events_at([(problem.id, problem.sequence) for problem in problems])
    evidence = {event.finding: event.snapshot.evidence for event in latest}
    records = uow.records.load(
        {server for problem in problems for server in problem.finding.servers}
    )
    return [
        NewEvent(
            problem.id,
            Event.ACKNOWLEDGED,
            Snapshot(
                problem.finding,
                evidence.get(problem.id, Evidence.NONE),
                in_ipam(problem.finding, records),
            ),
            given.at,
            who=given.by,
            note=given.note,
        )
        for problem in problems
    ]


def withdraw(uow: UnitOfWork, by: Person, ids: Collection[int]) -> tuple[int, ...]:
    """Withdraw acknowledgements, and return the problems that had one. Raises UnknownProblem."""
    acked = tuple(p for p in _found(uow.findings, ids) if p.acknowledgement is not None)
    for problem in acked:
        uow.findings.acknowledge(problem.id, None)  # it is repeated again
    uow.audit.add(by, [_decision(Action.UNACKNOWLEDGE, problem, None) for problem in acked])
    return tuple(problem.id for problem in acked)


def _found(findings: FindingRepository, ids: Collection[int]) -> tuple[OpenFinding, ...]:
    problems = findings.by_id(ids)
    for key in ids:
        if key not in problems:
            raise UnknownProblem(f"There is no problem {key}. See: ipam-sync drift list")
    return tuple(problems[key] for key in dict.fromkeys(ids))


def silence(uow: UnitOfWork, by: Person, wanted: Silence) -> Silence:
    """Add a silence, which ends at its time, and return it with its id."""
    number = uow.silences.add(replace(wanted, who=by.who))
    stored = _silence(uow.silences, number)
    uow.audit.add(by, [AuditedDecision(Action.SILENCE, f"silence {number}", None, _terms(stored))])
    return stored


def unsilence(uow: UnitOfWork, by: Person, number: int) -> bool:
    """End a silence before its time. Return False if it was over. Raises UnknownSilence."""
    silence_before = _silence(uow.silences, number)
    if not uow.silences.end(number, by.who):
        return False
    subject, terms_after = f"silence {number}", _terms(_silence(uow.silences, number))
    uow.audit.add(
        by, [AuditedDecision(Action.UNSILENCE, subject, _terms(silence_before), terms_after)]
    )
    return True


def _silence(silences: SilenceRepository, number: int) -> Silence:
    for silence in silences.load(every=True):
        if silence.id == number:
            return silence
    raise UnknownSilence(f"There is no silence {number}. See: ipam-sync drift silences --all")


def _decision(action: Action, problem: OpenFinding, after: AuditValues | None) -> AuditedDecision:
    finding = problem.finding
    suffix = "" if finding.relationship is None else f" of {finding.relationship}"
    subject = f"problem {problem.id}: {finding.kind}{suffix}"
    return AuditedDecision(action, subject, _acknowledgement(problem.acknowledgement), after)


def _acknowledgement(given: Acknowledgement | None) -> AuditValues | None:
    if given is None:
        return None
    return {
        "by": given.by,
        "note": given.note,
        "at": kept_time(given.at),
        "until": kept_time(given.until),
    }


def _terms(silence: Silence) -> AuditValues:
    values = asdict(silence)
    ends = {"starts_at": kept_time(silence.starts_at), "ends_at": kept_time(silence.ends_at)}
    return {name: value for name, value in (values | ends).items() if name != "id"}
