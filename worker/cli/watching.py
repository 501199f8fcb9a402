"""Looking on: a list that is drawn anew on a terminal, and tells only what changed elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from worker.alerts.problems import Problem
    from worker.views.screen import Screen


def watch(
    screen: Screen,
    look: Callable[[], Sequence[Problem]],
    seconds: float,
    pause: Callable[[float], None] = time.sleep,
) -> None:
    """Until Ctrl-C, which is how it ends.  A store that is away for a while is said, and waited for.

    Raises StoreError if even the first look fails.
    """
    previous = look()
    _draw(screen, previous)
    with suppress(KeyboardInterrupt):
        while True:
            pause(seconds)
            current = _looked(look)
            if current is None:
                continue
            if screen.is_terminal:
                _draw(screen, current)
            else:
                for line in changes(previous, current):
                    click.echo(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {line}")
            previous = current


def _looked(look: Callable[[], Sequence[Problem]]) -> Sequence[Problem] | None:
    """None if nobody could look."""
    from worker.cli.output import say
    from worker.model.errors import StoreUnavailable

    try:
        return look()
    except StoreUnavailable as error:
        say(f"{error} It is looked for again.")
        return None


def _draw(screen: Screen, found: Sequence[Problem]) -> None:
    from worker.views.drift import show_problems

    if screen.is_terminal:
        screen.clear()
        screen.line(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC, until Ctrl-C")
    show_problems(screen, found)
    if not found:
        screen.line("No open problem is like that.")
    screen.flush()


def changes(known: Sequence[Problem], found: Sequence[Problem]) -> Iterator[str]:
    """Yield a line for each problem that is new, has changed, or is over."""
    from worker.views.drift import in_a_line

    previous_problems = {problem.id: problem for problem in known}
    current_problems = {problem.id: problem for problem in found}
    for key, problem in current_problems.items():
        if key not in previous_problems:
            yield f"+ {in_a_line(problem)}"
        elif _told(problem) != _told(previous_problems[key]):
            yield f"~ {in_a_line(problem)}"
    for key, problem in previous_problems.items():
        if key not in current_problems:
            yield f"- {in_a_line(problem)}"


def _told(problem: Problem) -> tuple[object, ...]:
    """Return the parts of a problem that a person sees."""
    from worker.views.drift import in_a_line

    return in_a_line(problem), problem.finding.detail, problem.finding.values
