"""``ipam-sync plan`` and ``ipam-sync sync``: the same recipe, without and with writing."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from worker.cli.door import ipam, person, screen
from worker.cli.options import as_json
from worker.cli.output import CommandFailed, print_json, say

if TYPE_CHECKING:
    from collectors.exports import ExportCollector
    from worker.bootstrap import Ipam
    from worker.request import Request
    from worker.summary import Summary

ATTENTION: Final = 2


def _about(command: Callable[..., int]) -> Callable[..., int]:
    """The options that say what a run is about."""

    @as_json
    @click.option(
        "--relationship",
        metavar="REF",
        help="Only this relationship: its record id, NAME, or NAME@SERVER.",
    )
    @click.option(
        "--server", metavar="NAME", help="Only the relationships of this server, by any name."
    )
    @click.option(
        "--exports",
        type=click.Path(path_type=Path),
        help="Read servers from <server name>.json files of this directory.",
    )
    @wraps(command)
    def with_options(
        exports: Path | None, server: str | None, relationship: str | None, as_json: bool
    ) -> int:
        return command(exports, server, relationship, as_json)

    return with_options


@click.command()
@_about
def plan(exports: Path | None, server: str | None, relationship: str | None, as_json: bool) -> int:
    """Show what a sync would record now; writes nothing.

    Ends with 0, or with 2 if there is an operation, a refusal, or a finding of severity warning
    or worse. Operations that are recorded already have a number.

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
      ipam-sync plan --exports ./exports
      ipam-sync plan --exports ./exports --relationship HQ@dhcp01 --json
    """
    from worker.present.advice import after_plan, loud
    from worker.present.documents import plan_json
    from worker.present.outcome import show_outcome
    from worker.sync import plan as make_plan

    request = _request(server, relationship)
    with ipam() as working:
        collector = _collector(working, exports)
        preview = make_plan(working.store, collector, request, working.conduct)
    severities = working.settings.severities
    if as_json:
        print_json(plan_json(preview, severities))
    else:
        page = screen()
        show_outcome(page, preview, severities)
        page.line()
        page.command(after_plan(preview, _sync_command(exports, request), severities))
    needs_a_person = preview.lines or preview.refusal or loud(preview.findings, severities)
    return ATTENTION if needs_a_person else 0


@click.command()
@_about
def sync(exports: Path | None, server: str | None, relationship: str | None, as_json: bool) -> int:
    """Read the servers, record what is needed, and apply it by policy.

    Ends with 0, or with 2 if anything stays pending or held, an asked server was unread, or a
    finding of severity warning or worse is open: in what the run was about; of a run about
    everything, in the whole database.

    \b
    JSON: as in `ipam-sync plan --help`, with "run" (its number) after
    "schema"; "fate" is "applied", "pending", "waiting" or "held".

    \b
    Examples:
      ipam-sync sync --exports ./exports
      ipam-sync sync --exports ./exports --server dhcp01 --json
    """
    from worker.present.advice import after_sync
    from worker.present.documents import sync_json
    from worker.present.outcome import show_outcome
    from worker.sync import sync as run_sync

    request = _request(server, relationship)
    with ipam() as working:
        collector = _collector(working, exports)
        summary = run_sync(working.store, collector, request, working.conduct)
        held = _held_by_guard(working) if summary.refusal is not None else ()
        elsewhere = _open_elsewhere(working, summary) if server is relationship is None else 0
    severities = working.settings.severities
    if as_json:
        print_json(sync_json(summary, severities, held))
    else:
        page = screen()
        show_outcome(page, summary, severities)
        page.line()
        page.command(after_sync(summary, _sync_command(exports, request), severities))
    if elsewhere:
        say(
            f"Of relationships that this run could not look at, {elsewhere} operations or "
            "findings are open: ipam-sync operations list, ipam-sync findings list"
        )
    return ATTENTION if elsewhere or _needs_a_person(summary, working) else 0


def _request(server: str | None, relationship: str | None) -> Request:
    from worker.ports import Trigger
    from worker.request import Request

    if server is not None and relationship is not None:
        raise click.UsageError("Give --server or --relationship (NAME@SERVER), not both.")
    return Request(Trigger.CLI, person(), server, relationship)


def _collector(working: Ipam, exports: Path | None) -> ExportCollector:
    if exports is None:
        raise CommandFailed(
            "exports_needed",
            "Reading live servers comes with a later version: give --exports DIR with one "
            "<server name>.json of Get-DhcpServerv4Failover per server.",
        )
    collector = working.exports(exports)
    if collector.strangers:
        say(
            f"No server fits {', '.join(collector.strangers)}: not read. A file is named after "
            "its server, see: ipam-sync servers list"
        )
    return collector


def _sync_command(exports: Path | None, request: Request) -> str:
    words = ["ipam-sync", "sync", "--exports", str(exports)]
    if request.server is not None:
        words += ["--server", request.server]
    if request.relationship is not None:
        words += ["--relationship", request.relationship]
    return shlex.join(words)


def _needs_a_person(summary: Summary, working: Ipam) -> bool:
    from reconcile.model import Unseen
    from worker.present.advice import loud
    from worker.summary import Fate

    return (
        any(line.fate is not Fate.APPLIED for line in summary.lines)
        or summary.refusal is not None
        or any(isinstance(s, Unseen) for s in summary.sightings.values())
        or loud(summary.findings, working.settings.severities)
    )


def _held_by_guard(working: Ipam) -> list[int]:
    from reconcile.record import Hold

    with working.store.read() as reading:
        return [e.number for e in reading.pending_destructive() if e.planned.hold is Hold.GUARD]


def _open_elsewhere(working: Ipam, summary: Summary) -> int:
    """What is open in the database and no part of this run's summary."""
    from reconcile.record import EntryStatus
    from worker.present.advice import loud

    shown = {line.number for line in summary.lines}
    told = {f.fingerprint for f in summary.findings}
    with working.store.read() as reading:
        entries = [
            e
            for e in reading.entries()
            if e.status is EntryStatus.PENDING and e.number not in shown
        ]
        findings = [o.finding for o in reading.open_findings() if o.finding.fingerprint not in told]
    severities = working.settings.severities
    return len(entries) + sum(loud((f,), severities) for f in findings)
