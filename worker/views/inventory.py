"""Servers, runs and the worklist of names as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from reconcile.model.findings import Finding, Kind
from reconcile.model.nouns import Seen, Skipped, Unseen
from worker.model.runs import RunView
from worker.model.servers import Endpoint, ServerView
from worker.views.documents import sighting_json
from worker.views.operations import Json, server_name
from worker.views.text import iso


def server_json(view: ServerView) -> Json:
    """Return a server with the names that people and the server itself use."""
    server = view.server
    latest = view.last_sighting
    return {
        "id": server.id,
        "name": server.name,
        "standing": server.standing.value,
        "addresses": list(server.addresses),
        "aliases": [{"text": a.text, "provenance": a.provenance.value} for a in server.aliases],
        "tags": list(server.tags),
        "machine_id": server.machine_id,
        "winrm": _endpoint(view.endpoint),
        "relationships": view.relationships,
        "last_seen_at": iso(view.last_seen_at),
        "last_sighting": None if latest is None else sighting_json(server.name, latest),
        "changed_at": iso(server.changed_at),
    }


def _endpoint(endpoint: Endpoint) -> Json:
    """Return an endpoint. ``credential`` is a name, because a secret is never stored."""
    return {
        "url": endpoint.url,
        "transport": endpoint.transport,
        "credential": endpoint.credential,
    }


def run_json(run: RunView) -> Json:
    """Return a run. ``outcome`` null: it has not ended, or was killed."""
    return {
        "run": run.id,
        "trigger": run.trigger,
        "who": run.who,
        "target": run.target,
        "started_at": iso(run.started_at),
        "ended_at": iso(run.ended_at),
        "outcome": run.outcome,
        "summary": dict(run.summary),
    }


def sightings_json(
    sightings: Iterable[Seen | Unseen | Skipped], names: Mapping[int, str]
) -> list[Json]:
    """Return the sightings of a run by server."""
    return [sighting_json(server_name(names, s.server), s) for s in sightings]


@dataclass(frozen=True, slots=True)
class Unmatched:
    """A partner's name that matches no server, or several (``candidates``): a line of work."""

    text: str
    told_by: str
    relationship: str
    candidates: tuple[str, ...]

    def to_json(self) -> Json:
        """For ``names unmapped --json``."""
        return {
            "text": self.text,
            "told_by": self.told_by,
            "relationship": self.relationship,
            "candidates": list(self.candidates),
        }


def worklist(findings: Iterable[Finding], names: Mapping[int, str]) -> tuple[Unmatched, ...]:
    """The names that open findings tell of, by text."""
    lines = []
    for finding in findings:
        if finding.kind not in (Kind.UNMAPPED_NAME, Kind.AMBIGUOUS_NAME):
            continue
        told_by = ", ".join(server_name(names, s) for s in finding.servers)
        for text, testimony in finding.values:
            is_ambiguous = finding.kind is Kind.AMBIGUOUS_NAME
            candidates = (
                tuple(sorted(candidate for candidate, _ in testimony)) if is_ambiguous else ()
            )
            lines.append(Unmatched(text, told_by, finding.relationship or "", candidates))
    return tuple(sorted(lines, key=lambda w: (w.text, w.told_by, w.relationship)))
