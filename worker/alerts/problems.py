"""Problems as people look at them: how loud, whose matter, and why nobody is told of some.

For the doors; what is told to channels is decided elsewhere, by the same silences.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from reconcile.findings.subjects import is_about
from reconcile.kinds.severity import severity_at
from reconcile.kinds.table import KINDS
from reconcile.model.findings import LOUDEST_FIRST, Finding, Kind, Matter, Severity, at_least
from reconcile.model.nouns import Server
from worker.alerts.rules import Match
from worker.alerts.silences import silenced_by
from worker.inventory.lookup import UnknownTarget, find_records, find_server
from worker.model.alerts import Acknowledgement, OpenFinding, Silence
from worker.store.unit_of_work import Transaction

#: In the order in which they are shown.
_MATTERS: Final = tuple(Matter)


class UnknownProblem(UnknownTarget):
    """There never was such a problem."""

    code = "unknown_problem"


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem of the store as it is now.

    ``servers`` are names, ``tags`` what one of them has.  ``acknowledgement`` and ``silence`` are there only while in force.
    """

    stored: OpenFinding
    severity: Severity
    servers: tuple[str, ...]
    acknowledgement: Acknowledgement | None = None
    silence: Silence | None = None
    tags: tuple[str, ...] = ()

    @property
    def id(self) -> int:
        return self.stored.id

    @property
    def finding(self) -> Finding:
        return self.stored.finding

    @property
    def kind(self) -> Kind:
        return self.finding.kind

    @property
    def matter(self) -> Matter:
        return KINDS[self.finding.kind].matter

    @property
    def relationship(self) -> str | None:
        return self.finding.relationship

    @property
    def is_quiet(self) -> bool:
        """True if nobody has to look: acknowledged, silenced, or explained by another one."""
        explained = self.stored.caused_by is not None
        return explained or self.acknowledgement is not None or self.silence is not None

    @property
    def counts(self) -> bool:
        """True if it is open and a person has to look."""
        return self.stored.is_open and not self.is_quiet


@dataclass(frozen=True, slots=True)
class Wanted:
    """A filter of problems. Everything given must hold.

    ``severity`` is the least. ``server`` and ``relationship`` are as a person types them. ``tag``
    may have ``*`` and ``?``.
    """

    matter: Matter | None = None
    severity: Severity = Severity.INFO
    kind: Kind | None = None
    server: str | None = None
    relationship: str | None = None
    acked: bool | None = None
    tag: str | None = None


def problems(
    reading: Transaction, severities: Mapping[str, Severity], ids: Collection[int] | None = None
) -> tuple[Problem, ...]:
    """All that are not over, or these, over or not: by matter, the loudest first."""
    servers = reading.inventory.roster().servers
    current_time, silences = reading.now(), reading.silences.load()
    problem_list = [
        _problem(stored, servers, severities, silences, current_time)
        for stored in reading.findings.by_id(ids).values()
    ]
    return tuple(sorted(problem_list, key=_rank))


def problem(reading: Transaction, severities: Mapping[str, Severity], key: int) -> Problem:
    """Return a problem, resolved or not. Raises UnknownProblem."""
    matching = problems(reading, severities, [key])
    if not matching:
        raise UnknownProblem(f"There is no problem {key}. See: ipam-sync drift list")
    return matching[0]


def _problem(
    stored: OpenFinding,
    servers: Mapping[int, Server],
    severities: Mapping[str, Severity],
    silences: Iterable[Silence],
    now: datetime,
) -> Problem:
    finding, acked = stored.finding, stored.acknowledgement
    known_servers = [servers[number] for number in finding.servers if number in servers]
    names = {server.id: server.name for server in known_servers}
    bare = Problem(
        stored,
        severity_at(finding, severities, (stored.resolved_at or now) - stored.first_seen),
        tuple(names.get(server, f"server {server}") for server in finding.servers),
        tags=tuple(sorted({tag for server in known_servers for tag in server.tags})),
    )
    silence = silenced_by(bare, silences) if stored.resolved_at is None else None
    acknowledgement = acked if acked is not None and acked.in_force(now) else None
    return replace(bare, acknowledgement=acknowledgement, silence=silence)


def _rank(found: Problem) -> tuple[int, int, bool, int]:
    loudness = LOUDEST_FIRST.index(found.severity)
    return _MATTERS.index(found.matter), loudness, found.is_quiet, found.id


def chosen(reading: Transaction, found: Iterable[Problem], wanted: Wanted) -> tuple[Problem, ...]:
    """Return the problems that a filter selects, in their order. Raises UnknownTarget."""
    server = (
        None
        if wanted.server is None
        else find_server(reading.inventory.servers(), wanted.server).id
    )
    records = () if wanted.relationship is None else find_records(reading, wanted.relationship)
    return tuple(
        candidate
        for candidate in found
        if wanted.matter in (None, candidate.matter)
        and wanted.kind in (None, candidate.kind)
        and at_least(candidate.severity, wanted.severity)
        and wanted.acked in (None, candidate.acknowledgement is not None)
        and (server is None or server in candidate.finding.servers)
        and Match(tag=wanted.tag).fits(candidate)
        and (
            wanted.relationship is None or is_about(candidate.finding, wanted.relationship, records)
        )
    )
