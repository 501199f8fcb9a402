"""The last lines: what to do next.  For ``plan`` and ``sync``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeAlias

from reconcile.model.findings import Finding, Severity
from reconcile.model.nouns import Unseen
from reconcile.remedies.own import ipam_sync
from worker.model.run_report import OperationLine, OperationOutcome, Preview, RunSummary
from worker.views.changes import moves
from worker.views.documents import Ages, Severities, loudness
from worker.views.text import counted

_NOBODY: Final = (
    "No server was asked: none is enabled, or none has an export there.",
    "Next: ipam-sync servers list",
)
_NO_CHANGES: Final = ("IPAM's database is true to what the servers tell: nothing to do.",)

#: Options of a command; None stands for a switch.
_Options: TypeAlias = dict[str, str | None]
#: More numbers than these do not make a command to copy.
_NUMBERS: Final = 12


def after_plan(preview: Preview, sync: str, severities: Severities) -> tuple[str, ...]:
    """Return the lines after a plan. ``sync`` is the command that would record this very plan."""
    if not preview.sightings:
        return _NOBODY
    if any(line.number is None for line in preview.lines):
        return (f"Next: {sync}",)
    if preview.lines:
        return _decide(preview.lines, None)
    if _unread(preview):
        return (f"Next: make the unread servers readable, then {sync}",)
    if loud(preview.findings, severities, preview.ages):
        return ("Next: nothing to record. Fix the problems above.",)
    return _NO_CHANGES


def after_sync(summary: RunSummary, sync: str, severities: Severities) -> tuple[str, ...]:
    """Return the lines about what is still open after a run."""
    if not summary.sightings:
        return _NOBODY
    open_lines = [line for line in summary.lines if line.fate is not OperationOutcome.APPLIED]
    if open_lines:
        return _decide(open_lines, summary.run)
    if summary.refusal is not None:
        return ("Next: ipam-sync operations list --held",)
    if _unread(summary):
        return (f"Next: make the unread servers readable, then {sync}",)
    if loud(summary.findings, severities, summary.ages):
        return ("Next: fix the problems. They and their remedies: ipam-sync drift list",)
    return _NO_CHANGES


def _decide(lines: Sequence[OperationLine], run: int | None) -> tuple[str, ...]:
    """Return both commands that a person chooses from, complete."""
    ready = [line for group in moves(lines) if not _only_waits(group) for line in group]
    if not ready:
        return ("Next: see what they wait for: ipam-sync drift list --kind blocked",)
    held = sum(line.fate is OperationOutcome.HELD for line in ready)
    only_held: _Options = {"held": None} if held else {}
    look = ipam_sync("operations list", **only_held).text
    head = (
        f"Next: decide about {counted(len(ready), 'operation')}{f', {held} held' if held else ''}."
    )
    which = _which(lines, ready, run)
    if which is None:
        return (head, f"  Choose by number:         {look}")
    numbers, options = which
    if held:
        options = {**options, "destructive": None}
    return (
        head,
        *((f"  Look at what is held:     {look}",) if held else ()),
        f"  If the servers are right: {ipam_sync('operations apply', *numbers, **options).text}",
        f"  If IPAM is right:         {ipam_sync('operations reject', *numbers, **options).text}",
    )


def _which(
    lines: Sequence[OperationLine], ready: Sequence[OperationLine], run: int | None
) -> tuple[tuple[str, ...], _Options] | None:
    """Return the numbers and options that select these lines, or None if that takes many."""
    numbers = tuple(str(line.number) for line in ready if line.number is not None)
    if len(numbers) <= _NUMBERS:
        return numbers, {}
    if run is not None and len(ready) == len(lines) and all(line.new for line in lines):
        return (), {"run": str(run)}
    return None


def _only_waits(group: Sequence[OperationLine]) -> bool:
    """True if nothing here would free what these operations take."""
    return all(line.fate is OperationOutcome.WAITING for line in group)


def loud(findings: Sequence[Finding], severities: Severities, ages: Ages) -> bool:
    """True if a finding is a warning or worse."""
    return any(loudness(f, severities, ages) is not Severity.INFO for f in findings)


def _unread(told: Preview | RunSummary) -> bool:
    return any(isinstance(s, Unseen) for s in told.sightings.values())
