"""The remedy of a problem on the screen."""

from __future__ import annotations

from typing import Final

from reconcile.findings.subjects import in_ipam
from reconcile.kinds.remedy import build_remedy
from reconcile.model.record import Record
from reconcile.remedies.model import Facts, Remedy
from worker.alerts.next_steps import next_steps
from worker.alerts.problems import Problem
from worker.views.screen import Screen

_INDENT: Final = "    "


def remedy_of_problem(problem: Problem, record: Record | None) -> Remedy:
    """Build the remedy of a problem as it is now."""
    finding = problem.finding
    return build_remedy(
        Facts(
            kind=finding.kind,
            number=problem.id,
            relationship=finding.relationship,
            servers=problem.servers,
            values=finding.values,
            grade=finding.grade,
            about=finding.about,
            stored=in_ipam(finding, () if record is None else (record,)),
        )
    )


def show_remedy(screen: Screen, remedy: Remedy) -> None:
    """Print the steps. A command is a line of its own, never broken."""
    screen.heading("Next")
    for step in next_steps(remedy):
        if step.is_command:
            screen.command(f"{_INDENT * step.level}{step.text}")
        else:
            screen.note(step.text, len(_INDENT) * step.level)
