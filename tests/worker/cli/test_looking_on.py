"""``--watch``: a terminal is drawn anew, a pipe is told what changes, and a lost store is waited for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from io import StringIO

import pytest
from typing_extensions import override

from reconcile.findings.life import Life
from reconcile.model.findings import Finding, Kind, Severity
from worker.alerts.problems import Problem
from worker.cli.watching import changes, watch
from worker.model.alerts import OpenFinding
from worker.model.errors import StoreUnavailable
from worker.views.screen import Screen

AT = datetime(2026, 1, 1, tzinfo=UTC)


def a_problem(number: int, detail: str = "they differ") -> Problem:
    finding = Finding(Kind.PARTNER_MISMATCH, f"R{number}", (), detail)
    stored = OpenFinding(number, finding, Life(AT, AT, 1, AT, AT, openings=(AT,)), run=1)
    return Problem(stored, Severity.WARNING, ())


class Terminal(StringIO):
    @override
    def isatty(self) -> bool:
        return True


Look = Callable[[], Sequence[Problem]]


def looks(*found: Sequence[Problem] | Exception) -> tuple[Look, Callable[[float], None]]:
    """One after the other, then Ctrl-C."""
    left = list(found)

    def look() -> Sequence[Problem]:
        one = left.pop(0)
        if isinstance(one, Exception):
            raise one
        return one

    def pause(_: float) -> None:
        if not left:
            raise KeyboardInterrupt

    return look, pause


def test_changes_are_what_came_what_is_another_and_what_went() -> None:
    one, two, three = a_problem(1), a_problem(2), a_problem(3)
    other = replace(two, severity=Severity.CRITICAL)
    assert list(changes([one, two], [other, three])) == [
        "~ #2 critical partner_mismatch: R2",
        "+ #3 warning partner_mismatch: R3",
        "- #1 warning partner_mismatch: R1",
    ]
    assert list(changes([one], [a_problem(1, "they differ more")])) == [
        "~ #1 warning partner_mismatch: R1"
    ]
    assert list(changes([one, two], [one, two])) == []


def test_a_terminal_is_drawn_anew_each_time(capsys: pytest.CaptureFixture[str]) -> None:
    file = Terminal()
    look, pause = looks([a_problem(1)], [a_problem(2)])
    watch(Screen(file), look, 5, pause)
    first, second = file.getvalue().split("until Ctrl-C")[1:]
    assert ("R1" in first, "R2" in first) == (True, False)
    assert ("R1" in second, "R2" in second) == (False, True)
    assert file.getvalue().count("\x1b[2J") == 2
    assert capsys.readouterr() == ("", "")


def test_a_pipe_is_told_the_list_once_and_then_the_changes(
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = StringIO()
    look, pause = looks([], [], [a_problem(1)])
    watch(Screen(file), look, 5, pause)
    assert file.getvalue() == "No open problem is like that.\n"
    (line,) = capsys.readouterr().out.splitlines()
    assert line.endswith("Z + #1 warning partner_mismatch: R1")


def test_a_store_that_is_away_for_a_while_is_said_and_waited_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    look, pause = looks([a_problem(1)], StoreUnavailable("No connection."), [a_problem(1)])
    watch(Screen(StringIO()), look, 5, pause)
    assert capsys.readouterr() == ("", "No connection. It is looked for again.\n")


def test_one_that_cannot_be_looked_at_at_all_is_an_error() -> None:
    look, pause = looks(StoreUnavailable("No connection."))
    with pytest.raises(StoreUnavailable):
        watch(Screen(StringIO()), look, 5, pause)
