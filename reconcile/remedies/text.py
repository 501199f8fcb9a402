"""A remedy as lines of text, and what may stand in a command to copy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from reconcile.remedies.model import Remedy

#: A name of a Windows server or relationship is not longer.
_LONGEST: Final = 256


def is_copyable(name: str) -> bool:
    """Return whether a name survives being printed, copied and pasted.

    Control characters, line ends, lone surrogates and marks of direction do not.  Nor do blanks
    at an end or beside each other, which HTML and Markdown show as one.
    """
    return name.isprintable() and 0 < len(name) <= _LONGEST and name == " ".join(name.split())


@dataclass(frozen=True, slots=True)
class RemedyLine:
    """A line of a remedy. A command stands alone on its line."""

    text: str
    level: int
    is_command: bool = False


def lines(remedy: Remedy) -> tuple[RemedyLine, ...]:
    """Return the remedy as lines, steps numbered if there are several."""
    return tuple(_lines(remedy))


def _lines(remedy: Remedy) -> Iterator[RemedyLine]:
    for number, step in enumerate(remedy.steps, 1):
        yield RemedyLine(f"{number}. {step.text}" if len(remedy.steps) > 1 else step.text, 0)
        for command in step.commands:
            yield RemedyLine(command.text, 1, is_command=True)
        for option in step.options:
            yield RemedyLine(f"{option.condition} {option.loss}", 1)
            yield RemedyLine(option.command.text, 2, is_command=True)
    yield RemedyLine(f'See {remedy.page}, "{remedy.heading}".', 0)


def summary_line(remedy: Remedy, number: int | None) -> str:
    """Return the remedy in one sentence or more, where there is no room for commands.

    A single command is part of it.  Several are shown by ``drift show``.
    """
    text = " ".join(f"{step.text.rstrip(':.')}." for step in remedy.steps)
    commands = tuple(remedy.commands)
    if len(commands) == 1 and len(remedy.steps) == 1:
        return f"{text} Command: {commands[0].text}"
    if commands and number is not None:
        return f"{text} Commands: ipam-sync drift show {number}"
    return text
