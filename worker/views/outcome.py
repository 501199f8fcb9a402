"""What ``plan`` and ``sync`` show to people, from what was read to what to do next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from reconcile.model.findings import LOUDEST_FIRST, Finding, Kind, Severity
from reconcile.model.nouns import Seen, Sighting, Skipped, Unseen
from reconcile.planning.guard import RemovalRefusal
from worker.model.run_report import OperationLine, OperationOutcome, Preview, RunSummary
from worker.views.changes import between, moves, waits_for, what_changes, why
from worker.views.documents import Ages, Severities, loudness
from worker.views.operations import server_name
from worker.views.screen import Cell, Screen
from worker.views.text import counted

#: So many operations that need nobody are shown one by one; the rest is counted.
LINES_SHOWN: Final = 60
#: So many findings of one kind; the rest is counted.
FINDINGS_SHOWN: Final = 30
_UNEVENTFUL: Final = (OperationOutcome.APPLIED, OperationOutcome.PLANNED)


def show_outcome(
    screen: Screen,
    told: Preview | RunSummary,
    severities: Severities,
    *,
    lines_shown: int = LINES_SHOWN,
) -> None:
    """Everything but the last line."""
    show_headline(screen, told)
    show_unread(screen, told.sightings, told.names)
    show_lines(screen, told.lines, lines_shown, all_with=_all_with(told))
    findings = [_without_repetition(f, told) for f in told.findings]
    show_findings(screen, findings, told.names, severities, told.ages)
    if told.refusal is not None:
        show_refusal(screen, told.refusal)


def show_headline(screen: Screen, told: Preview | RunSummary) -> None:
    """A run or a plan in one sentence."""
    read_count = sum(isinstance(s, Seen) for s in told.sightings.values())
    run = f"Run {told.run}: " if isinstance(told, RunSummary) else ""
    parts = [
        f"{run}{read_count} of {counted(len(told.sightings), 'server')} read",
        f"{counted(told.pairs, 'relationship')} judged",
        f"{counted(len(told.lines), 'operation')}{_by_fate(told.lines)}",
        counted(len(told.findings), "finding"),
    ]
    if told.overtaken:
        parts.append(f"{told.overtaken} overtaken by a newer change and left alone")
    if told.paused:
        parts.append(f"{told.paused} left alone for maintenance")
    screen.line(", ".join(parts) + ".")


def _without_repetition(finding: Finding, told: Preview | RunSummary) -> Finding:
    """Return the finding with a short text if its details are shown above or below."""
    if finding.kind is Kind.PLAN_REFUSED and told.refusal is not None:
        return replace(finding, detail="Removals are held, see below.")
    if finding.kind is Kind.SERVER_UNREAD and all(s in told.sightings for s in finding.servers):
        return replace(finding, detail="It could not be read, see above.")
    return finding


def _by_fate(lines: Iterable[OperationLine]) -> str:
    fates = Counter(line.fate for line in lines)
    words = ", ".join(f"{fates[f]} {f}" for f in OperationOutcome if fates[f])
    return f" ({words})" if words else ""


def _all_with(told: Preview | RunSummary) -> str:
    if isinstance(told, RunSummary):
        return f"ipam-sync operations list --run {told.run} --status all"
    return "ipam-sync plan --json"


def show_unread(
    screen: Screen, sightings: Mapping[int, Sighting], names: Mapping[int, str]
) -> None:
    """Servers without a reading, why, and what to do."""
    rows: list[tuple[str, tuple[str, ...]]] = []
    for server, sighting in sightings.items():
        match sighting:
            case Unseen(failure=failure):
                rows.append((server_name(names, server), (failure.message, failure.remedy)))
            case Skipped(reason=reason):
                rows.append((server_name(names, server), (f"skipped: {reason}",)))
            case _:
                pass
    if rows:
        screen.heading("Servers that were not read")
        screen.table(("server", "why, and what to do"), sorted(rows))


def show_lines(screen: Screen, lines: Sequence[OperationLine], room: int, all_with: str) -> None:
    """Show operations in their order. A removal and the operations that wait for it are one move.

    Operations that need no attention are shown as far as there is ``room``.
    """
    if not lines:
        return
    screen.heading("Operations")
    rows: list[tuple[Cell, ...]] = []
    for group in moves(lines):
        for line in group:
            if line.fate in _UNEVENTFUL and (room := room - 1) < 0:
                continue
            rows.append(_row(line, lines, one_move=len(group) > 1))
    screen.table(("operation", "relationship", "changes", "why"), rows)
    if room < 0:
        screen.note(f"... and {counted(-room, 'more operation')} that nobody has to look at.")
        screen.command(f"  All of them: {all_with}")


def _row(
    line: OperationLine, lines: Sequence[OperationLine], *, one_move: bool
) -> tuple[Sequence[str], ...]:
    number = "" if line.number is None else f"#{line.number} "
    head = [f"{number}{line.planned.operation}", line.fate.value]
    if one_move:
        head.append("(one move)")
    contests = waits_for(line.planned, lines)
    return (
        head,
        between(line.planned),
        what_changes(line.planned),
        why(line.planned, line.fate, contests),
    )


def show_findings(
    screen: Screen,
    findings: Sequence[Finding],
    names: Mapping[int, str],
    severities: Severities,
    ages: Ages,
) -> None:
    """Show findings by severity, the most severe first. Of many of one kind only some are shown."""
    for severity in LOUDEST_FIRST:
        group = [f for f in findings if loudness(f, severities, ages) is severity]
        if group:
            screen.heading(f"Findings: {severity} ({len(group)})")
            _show_group(screen, group, names, severity)


def _show_group(
    screen: Screen,
    group: Sequence[Finding],
    names: Mapping[int, str],
    severity: Severity,
) -> None:
    remaining: Counter[str] = Counter(f.kind for f in group)
    displayed: Counter[str] = Counter()
    rows = []
    for finding in group:
        if displayed[finding.kind] < FINDINGS_SHOWN:
            displayed[finding.kind] += 1
            rows.append((finding.kind.value, finding_about(finding, names), finding.detail))
    screen.table(("kind", "about", "what"), rows)
    for kind, count in (remaining - displayed).items():
        screen.note(f"... and {count} more {kind}.")
        screen.command(
            f"  All of them: ipam-sync drift list --all --kind {kind} --severity {severity}"
        )


def finding_about(finding: Finding, names: Mapping[int, str]) -> tuple[str, ...]:
    """The relationship and the servers that a finding is about."""
    parts = (finding.relationship or "", *(server_name(names, s) for s in finding.servers))
    return tuple(line for line in parts if line) or ("the whole store",)


def show_refusal(screen: Screen, refusal: RemovalRefusal) -> None:
    """Why nothing destructive runs, with the numbers."""
    screen.heading("refused: nothing is taken away")
    screen.note(f"{refusal.why[:1].upper()}{refusal.why[1:]}.")
    screen.facts(
        (
            ("  waiting to be taken", _amount(refusal.wanted.relationships, refusal.wanted.scopes)),
            ("  taken in 24 hours", _amount(refusal.applied.relationships, refusal.applied.scopes)),
            ("  limit", _amount(refusal.limit.relationships, refusal.limit.scopes)),
        )
    )
    screen.note(refusal.remedy)


def _amount(relationships: int, scopes: int) -> str:
    return f"{counted(relationships, 'relationship')}, {counted(scopes, 'scope membership')}"
