"""``ipam-sync plan`` and ``ipam-sync sync``: the same recipe, without and with writing."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from worker.cli.door import ipam, person, screen
from worker.cli.options import as_json, concurrency
from worker.cli.output import print_json, say

if TYPE_CHECKING:
    from collectors.base import Collector
    from collectors.exports import ExportCollector
    from worker.bootstrap import Ipam
    from worker.model.run_report import RunSummary
    from worker.model.runs import RunCounts
    from worker.processes.inline import Inline
    from worker.runs.targets import RunRequest

#: The exit code of a run that found something to look at.
ATTENTION: Final = 2


@dataclass(frozen=True, slots=True)
class _Asked:
    """The options of a command: the source of the readings, and the subject of the run."""

    exports: Path | None
    concurrency: int | None
    server: str | None
    relationship: str | None
    as_json: bool

    @property
    def command(self) -> str:
        """The sync with the same options."""
        words = ["ipam-sync", "sync"]
        if self.exports is not None:
            words += ["--exports", str(self.exports)]
        if self.server is not None:
            words += ["--server", self.server]
        if self.relationship is not None:
            words += ["--relationship", self.relationship]
        return shlex.join(words)


def _about(command: Callable[[_Asked], int]) -> Callable[..., int]:
    """The options that say what a run is about and how servers are read."""

    @as_json
    @click.option(
        "--relationship",
        metavar="REF",
        help="Only this relationship: its record id, NAME, or NAME@SERVER.",
    )
    @click.option(
        "--server",
        metavar="NAME",
        help="Only the relationships of this server, by any name; asked even in maintenance.",
    )
    @concurrency
    @click.option(
        "--exports",
        type=click.Path(path_type=Path),
        help="Do not contact servers: read <server name>.json files of this directory.",
    )
    @wraps(command)
    def with_options(
        exports: Path | None,
        concurrency: int | None,
        server: str | None,
        relationship: str | None,
        as_json: bool,
    ) -> int:
        return command(_Asked(exports, concurrency, server, relationship, as_json))

    return with_options


@click.command()
@_about
def plan(asked: _Asked) -> int:
    """Show what a sync would record now, without writing anything.

    Ends with 0, or with 2 if there is an operation, a refusal, or a finding of severity warning
    or worse. Operations that are recorded already have a number. Servers that a sync would find
    to be down are told, too; a relationship that it would only create is no witness of that.

    \b
    JSON: {"schema": 1, "operations": [...], "findings": [...],
           "refused": null | {...}, "summary": {...}}
      operation: "operation", "relationship", "server1", "server2",
        "modified_properties", "scopes", "before", "after", "evidence",
        "reason", "held", "held_because", "record", "number", "new", "fate",
        "waits_for": [{"server", "scope", "record"}]
      finding: "kind", "severity", "relationship", "servers", "detail",
        "values": [{"subject", "said": [{"by", "value"}]}]
      refused: "why", "remedy", "wanted", "applied", "limit" (each of these
        {"relationships", "scopes"}), "held": [operation numbers, or names]
      summary: numbers, and "unread": [{"server", "outcome", "read_at",
        "code", "message", "remedy"}]

    \b
    Examples:
      ipam-sync plan
      ipam-sync plan --relationship HQ@dhcp01 --json
      ipam-sync plan --exports ./exports
    """
    from worker.runs.plan import plan as make_plan
    from worker.views.advice import after_plan, loud
    from worker.views.documents import plan_json
    from worker.views.outcome import show_outcome

    request = _request(asked)
    with ipam() as working, _collector(working, asked) as collector:
        preview = make_plan(working.store, collector, request, working.run_policy)
    severities = working.settings.severities
    if asked.as_json:
        print_json(plan_json(preview, severities))
    else:
        page = screen()
        show_outcome(page, preview, severities)
        page.line()
        page.commands(after_plan(preview, asked.command, severities))
    needs_a_person = (
        preview.lines or preview.refusal or loud(preview.findings, severities, preview.ages)
    )
    return ATTENTION if needs_a_person else 0


@click.command()
@_about
def sync(asked: _Asked) -> int:
    """Read the servers, record what is needed, and apply it by policy.

    Ends with 0, or with 2 if anything stays pending or held, an asked server was unread, or a
    finding of severity warning or worse is open: in what the run was about; of a run about
    everything, in the whole database.

    \b
    JSON: as in `ipam-sync plan --help`, with "run" (its number) after
    "schema"; "fate" is "applied", "pending", "waiting" or "held".

    \b
    Examples:
      ipam-sync sync
      ipam-sync sync --server dhcp01 --json
      ipam-sync sync --exports ./exports
    """
    from worker.views.progress import RunProgress

    request = _request(asked)
    with ipam() as working:
        with RunProgress() as progress:
            summary = _inline(working, asked, progress.watch).sync(request)
        about_all = request.is_about_everything
        return tell(working, summary, asked.command, about_all=about_all, as_json=asked.as_json)


def tell(working: Ipam, summary: RunSummary, again: str, *, about_all: bool, as_json: bool) -> int:
    """Show the result of a run and the next step, whose command is ``again``.

    Return the exit code.
    """
    from worker.views.advice import after_sync
    from worker.views.documents import sync_json
    from worker.views.outcome import show_outcome

    held = _held_by_guard(working) if summary.refusal is not None else ()
    other_problems = _open_elsewhere(working, summary) if about_all else 0
    severities = working.settings.severities
    if as_json:
        print_json(sync_json(summary, severities, held))
    else:
        page = screen()
        show_outcome(page, summary, severities)
        page.line()
        page.commands(after_sync(summary, again, severities))
    if other_problems:
        say(
            f"Of relationships that this run could not look at, {other_problems} operations or "
            "findings are open: ipam-sync operations list, "
            "ipam-sync drift list --all --severity warning"
        )
    return ATTENTION if other_problems or _needs_a_person(summary, working) else 0


def _request(asked: _Asked) -> RunRequest:
    from worker.model.runs import Trigger
    from worker.runs.targets import RunRequest

    if asked.server is not None and asked.relationship is not None:
        raise click.UsageError("Give --server or --relationship (NAME@SERVER), not both.")
    if asked.exports is not None and asked.concurrency is not None:
        raise click.UsageError("--concurrency is for live servers; files are read one by one.")
    return RunRequest(Trigger.CLI, person().who, asked.server, asked.relationship)


def _inline(working: Ipam, asked: _Asked, watch: Callable[[RunCounts], None]) -> Inline:
    """Return what works at the run. Raises CommandFailed, ExportsUnusable and ReadError."""
    from worker.cli.live import need_credentials
    from worker.processes.inline import from_files, over_winrm

    if asked.exports is not None:
        return from_files(working, _exports(working, asked.exports), watch)
    need_credentials(working)
    return over_winrm(working, watch, asked.concurrency)


@contextmanager
def _collector(working: Ipam, asked: _Asked) -> Iterator[Collector]:
    if asked.exports is not None:
        yield _exports(working, asked.exports)
        return
    from worker.cli.live import live_collector

    with live_collector(working, asked.concurrency) as collector:
        yield collector


def _exports(working: Ipam, directory: Path) -> ExportCollector:
    exports = working.exports(directory)
    if exports.strangers:
        say(
            f"No server fits {', '.join(exports.strangers)}: not read. A file is named after "
            "its server, see: ipam-sync servers list"
        )
    return exports


def _needs_a_person(summary: RunSummary, working: Ipam) -> bool:
    from reconcile.model.nouns import Unseen
    from worker.model.run_report import OperationOutcome
    from worker.views.advice import loud

    return (
        any(line.fate is not OperationOutcome.APPLIED for line in summary.lines)
        or summary.refusal is not None
        or any(isinstance(s, Unseen) for s in summary.sightings.values())
        or loud(summary.findings, working.settings.severities, summary.ages)
    )


def _held_by_guard(working: Ipam) -> list[int]:
    from reconcile.model.record import Hold

    with working.store.read() as reading:
        return [
            e.number
            for e in reading.operations.pending_destructive()
            if e.planned.hold is Hold.GUARD
        ]


def _open_elsewhere(working: Ipam, summary: RunSummary) -> int:
    """Return how much is open in the database and no part of this run's summary."""
    from reconcile.model.record import EntryStatus
    from worker.operations.freshness import ages
    from worker.views.advice import loud

    shown_numbers = {line.number for line in summary.lines}
    fingerprints = {f.fingerprint for f in summary.findings}
    with working.store.read() as reading:
        entries = [
            e
            for e in reading.operations.in_force()
            if e.status is EntryStatus.PENDING and e.number not in shown_numbers
        ]
        findings = [
            o.finding
            for o in reading.findings.unresolved()
            if o.finding.fingerprint not in fingerprints
        ]
        age_of = ages(reading, findings)
    severities = working.settings.severities
    return len(entries) + sum(loud((f,), severities, age_of) for f in findings)
