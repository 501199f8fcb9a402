"""The JSON documents of ``plan`` and ``sync``, and findings as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Final

from reconcile.kinds.severity import severity_at
from reconcile.model.findings import LOUDEST_FIRST, Finding, Severity
from reconcile.model.nouns import Sighting, Skipped, Unseen
from reconcile.model.record import Hold
from reconcile.planning.guard import Counts, RemovalRefusal
from worker.model.run_report import OperationLine, Preview, RunSummary, counts
from worker.views.operations import Json, line_json, server_name
from worker.views.text import iso

#: Grows when a key changes its meaning. New keys do not change it.
SCHEMA: Final = 1
Severities = Mapping[str, Severity]
#: How long findings are open, by fingerprint; one that is not there is new, or no louder for it.
Ages = Mapping[str, timedelta]
NEW: Final[Ages] = MappingProxyType({})

#: From loud to quiet: the order in which findings are shown.


def plan_json(preview: Preview, severities: Severities) -> Json:
    """Return the document of ``plan --json``."""
    return {
        "schema": SCHEMA,
        **_common(preview, severities, held_by_guard(preview.lines)),
        "summary": {
            **_numbers(preview, severities),
            "unread": unread_json(preview.sightings, preview.names),
        },
    }


def sync_json(summary: RunSummary, severities: Severities, held: Collection[int] = ()) -> Json:
    """Return the document of ``sync --json``. ``held`` are all operations that the limit holds."""
    return {
        "schema": SCHEMA,
        "run": summary.run,
        **_common(summary, severities, sorted(held) or held_by_guard(summary.lines)),
        "summary": {
            **_numbers(summary, severities),
            "superseded": summary.superseded,
            "findings_opened": summary.opened,
            "findings_resolved": summary.resolved,
            "unread": unread_json(summary.sightings, summary.names),
        },
    }


def _common(told: Preview | RunSummary, severities: Severities, held: Collection[object]) -> Json:
    return {
        "operations": [line_json(line, told.names) for line in told.lines],
        "findings": [finding_json(f, told.names, severities, told.ages) for f in told.findings],
        "refused": None if told.refusal is None else refusal_json(told.refusal, held),
    }


def _numbers(told: Preview | RunSummary, severities: Severities) -> Json:
    severities_found = Counter(loudness(f, severities, told.ages) for f in told.findings)
    return {
        **counts(told.lines, told.sightings),
        "pairs": told.pairs,
        "overtaken": told.overtaken,
        "paused": told.paused,
        **{f"findings_{s}": severities_found[s] for s in LOUDEST_FIRST},
    }


def loudness(finding: Finding, severities: Severities, ages: Ages) -> Severity:
    """The severity of a finding now."""
    return severity_at(finding, severities, ages.get(finding.fingerprint, timedelta(0)))


def finding_json(
    finding: Finding, names: Mapping[int, str], severities: Severities, ages: Ages = NEW
) -> Json:
    """Return a finding. ``values`` are the testimonies by subject."""
    return {
        "kind": finding.kind.value,
        "severity": loudness(finding, severities, ages).value,
        "relationship": finding.relationship,
        "servers": [server_name(names, s) for s in finding.servers],
        "detail": finding.detail,
        "values": [
            {"subject": subject, "said": [{"by": by, "value": value} for by, value in testimony]}
            for subject, testimony in finding.values
        ],
    }


def refusal_json(refusal: RemovalRefusal, held: Collection[object]) -> Json:
    """Return why removals are on hold. ``held`` are operation numbers, or names without one."""
    return {
        "why": refusal.why,
        "remedy": refusal.remedy,
        "wanted": _counts_json(refusal.wanted),
        "applied": _counts_json(refusal.applied),
        "limit": _counts_json(refusal.limit),
        "held": list(held),
    }


def _counts_json(counts: Counts) -> Json:
    return {"relationships": counts.relationships, "scopes": counts.scopes}


def held_by_guard(lines: Iterable[OperationLine]) -> list[int | str]:
    """Numbers of what the guard holds, names of relationships where there is no number yet."""
    return [
        line.planned.relationship if line.number is None else line.number
        for line in lines
        if line.planned.hold is Hold.GUARD
    ]


def sighting_json(server: str, sighting: Sighting) -> Json:
    """Return the result of reading a server."""
    nothing: Json = {
        "server": server,
        "read_at": None,
        "code": None,
        "message": None,
        "remedy": None,
    }
    match sighting:
        case Unseen(read_at=read_at, failure=failure):
            return {
                **nothing,
                "outcome": "unread",
                "read_at": iso(read_at),
                "code": failure.code,
                "message": failure.message,
                "remedy": failure.remedy,
            }
        case Skipped(reason=reason):
            return {**nothing, "outcome": "skipped", "code": reason.value}
        case _:
            return {**nothing, "outcome": "read", "read_at": iso(sighting.read_at)}


def unread_json(sightings: Mapping[int, Sighting], names: Mapping[int, str]) -> list[Json]:
    """Servers that were asked or left out, and gave no reading."""
    return [
        sighting_json(server_name(names, server), sighting)
        for server, sighting in sorted(sightings.items())
        if isinstance(sighting, Unseen | Skipped)
    ]
