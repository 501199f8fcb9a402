"""The reference page of findings, from the table of kinds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Final

from reconcile.kinds.remedy import build_remedy
from reconcile.kinds.spec import KindSpec, ProblemGrade, Rise
from reconcile.kinds.table import KINDS
from reconcile.model.findings import LOUDEST_FIRST, Matter
from reconcile.remedies.model import GUIDE, REFERENCE
from reconcile.remedies.text import lines
from tests.reconcile.remedy_examples import example_of
from tests.reference.markdown import table

_HEAD: Final = """\
# Findings

`make docs` writes this page from the table of kinds in `reconcile/kinds`. Do not edit it by hand.

`ipam-sync drift list` lists the open problems, and `ipam-sync drift show NUMBER` prints what to do
about one. `IPAM_SYNC_SEVERITIES` sets other severities, by kind or by `kind.state`. A severity that
you set does not rise.
"""

_MATTERS: Final = {
    Matter.HEALTH: "failover itself suffers",
    Matter.DRIFT: "partners or the database differ",
    Matter.BLINDNESS: "something could not be seen",
}


def findings_page() -> str:
    """Return the page."""
    return "\n".join((_HEAD, *_overview(), *_matters(), *(_section(s) for s in KINDS.values())))


def _overview() -> Iterator[str]:
    rows = ((f"[`{s.kind}`](#{s.kind})", _severities(s), s.meaning) for s in KINDS.values())
    yield from table(("kind", "severity", "what it means"), rows)


def _matters() -> Iterator[str]:
    yield "Every kind belongs to a matter:\n"
    rows = (
        (matter, text, ", ".join(f"`{s.kind}`" for s in KINDS.values() if s.matter is matter))
        for matter, text in _MATTERS.items()
    )
    yield from table(("matter", "what is wrong", "kinds"), rows)


def _section(spec: KindSpec[...]) -> str:
    facts = [
        f"- Matter: {spec.matter}. About: {spec.subject}.",
        f"- Severity: {_severities(spec)}.",
        *(_grades(spec) if spec.grades else _grade_lines(spec.default)),
        f"- Resolved by: {spec.resolved_by}.",
        *(("- Found when a run closes.",) if spec.at_close else ()),
        *((f"- Needs the {spec.rests_on} in a reading.",) if spec.rests_on else ()),
        *_next_step(spec),
    ]
    return "\n".join((f"## {spec.kind}\n", f"{spec.meaning}\n", *facts, ""))


def _severities(spec: KindSpec[...]) -> str:
    """Return the severity, or both ends if it depends on the grade."""
    found = {grade.severity for grade in (spec.default, *spec.grades.values())}
    ordered = [severity.value for severity in reversed(LOUDEST_FIRST) if severity in found]
    return ordered[0] if len(ordered) == 1 else f"{ordered[0]} to {ordered[-1]}"


def _grade_lines(grade: ProblemGrade) -> Iterator[str]:
    if grade.confirmations > 1:
        yield f"- Opens after {grade.confirmations} readings that show it."
    if grade.rise is not Rise.NEVER:
        yield f"- Rises one step after {grade.rise}."


def _grades(spec: KindSpec[...]) -> Iterator[str]:
    """Yield a table of the grades that have a row of their own."""
    yield ""
    rows = (
        (
            f"`{spec.kind}.{name}`",
            grade.severity,
            str(grade.confirmations),
            "no" if grade.rise is Rise.NEVER else f"after {grade.rise}",
        )
        for name, grade in spec.grades.items()
    )
    yield from table(("grade", "severity", "readings that show it first", "rises"), rows)


def _next_step(spec: KindSpec[...]) -> Iterator[str]:
    """Link the guide, or print the steps for an example."""
    if spec.guide is not None:
        anchor = re.sub(r"[^\w -]", "", spec.guide.lower()).replace(" ", "-")
        guide = PurePosixPath(GUIDE).relative_to(PurePosixPath(REFERENCE).parents[1])
        yield f"- What to do: [{spec.guide}](../{guide}#{anchor})."
        return
    yield "- What to do, for example:\n"
    yield "```text"
    remedy = build_remedy(example_of(spec))
    yield from (f"{'  ' * line.level}{line.text}" for line in lines(remedy)[:-1])
    yield "```"
