"""The last line: what to do next.  For ``plan`` and ``sync``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from reconcile.findings import Finding, Severity
from reconcile.model import Unseen
from worker.present.changes import moves
from worker.present.documents import Ages, Severities, loudness
from worker.summary import Fate, Line, Preview, Summary

_NOBODY: Final = (
    "No server was asked: none is enabled, or none has an export there. See: ipam-sync servers list"
)

#: More numbers than these do not make a command to copy.
_NUMBERS: Final = 12


def after_plan(preview: Preview, sync: str, severities: Severities) -> str:
    """``sync`` is the command that would record this very plan."""
    if not preview.sightings:
        return _NOBODY
    if any(line.number is None for line in preview.lines):
        return f"Next: {sync}"
    if preview.lines:
        return f"Next: {_decide(preview.lines, None)}"
    if _unread(preview):
        return f"Next: make the unread servers readable, then {sync}"
    if loud(preview.findings, severities, preview.ages):
        return "Next: nothing to record; mend what the findings say."
    return "IPAM's database is true to what the servers tell: nothing to do."


def after_sync(summary: Summary, sync: str, severities: Severities) -> str:
    """What is still open after a run."""
    if not summary.sightings:
        return _NOBODY
    left = [line for line in summary.lines if line.fate is not Fate.APPLIED]
    if left:
        return f"Next: {_decide(left, summary.run)}"
    if summary.refusal is not None:
        return "Next: ipam-sync operations list --held"
    if _unread(summary):
        return f"Next: make the unread servers readable, then {sync}"
    if loud(summary.findings, severities, summary.ages):
        return "Next: mend what the findings say; `ipam-sync findings list` shows what is open."
    return "IPAM's database is true to what the servers tell: nothing to do."


def _decide(lines: Sequence[Line], run: int | None) -> str:
    """The command that applies what is left, held ones said so."""
    ready = [line for group in moves(lines) if not _only_waits(group) for line in group]
    if not ready:
        return "see what they wait for: ipam-sync findings list --kind blocked"
    numbers = [line.number for line in ready if line.number is not None]
    held = any(line.fate is Fate.HELD for line in ready)
    flag = " --destructive" if held else ""
    if len(numbers) <= _NUMBERS:
        which = " ".join(map(str, numbers))
    elif run is not None and all(line.new for line in lines):
        which = f"--run {run}"
    else:
        which = "--all"
    look = "check what is held, then: " if held else ""
    return f"{look}ipam-sync operations apply {which}{flag}   (or: operations reject {which})"


def _only_waits(group: Sequence[Line]) -> bool:
    """True if nothing here would free what these operations take."""
    return all(line.fate is Fate.WAITING for line in group)


def loud(findings: Sequence[Finding], severities: Severities, ages: Ages) -> bool:
    """True if a finding is a warning or worse."""
    return any(loudness(f, severities, ages) is not Severity.INFO for f in findings)


def _unread(told: Preview | Summary) -> bool:
    return any(isinstance(s, Unseen) for s in told.sightings.values())
