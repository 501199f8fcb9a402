"""The screen of people: plain lines and tables that fit the terminal and hide nothing.

With ``progress`` the only module that imports rich.  Everything is shown as it is: no markup is interpreted, and
what is unprintable is spelt out (names come from the network).  On a terminal there are colours
unless NO_COLOR is set; elsewhere none, and the width is COLUMNS or 100.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from typing import Final, TextIO, TypeAlias

from rich import box
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from worker.views.text import safe

#: A cell: one line, or several.
Cell: TypeAlias = str | Sequence[str]

#: Used where there is no terminal, so that logs have lines of one length.
_WIDTH: Final = 100
#: A narrower table has a letter in each line.
_NARROWEST: Final = 20

#: Style by the word that a line or a cell begins with: colour only repeats what the words say.
_STYLES: Final = {
    "critical": "bold red",
    "warning": "yellow",
    "held": "yellow",
    "waiting": "yellow",
    "refused": "bold red",
    "applied": "green",
    "unread": "red",
    "pending": "cyan",
    "ok": "green",
    "planned": "cyan",
}


class Screen:
    """Prints to a file, standard output unless told otherwise."""

    def __init__(self, file: TextIO | None = None) -> None:
        self._file = file or sys.stdout
        self._is_terminal = self._file.isatty()
        self._console = Console(
            file=self._file,
            width=None if self._is_terminal else _plain_width(),
            markup=False,
            highlight=False,
            emoji=False,
        )

    @property
    def is_terminal(self) -> bool:
        """True if somebody looks on."""
        return self._is_terminal

    def clear(self) -> None:
        """An empty terminal."""
        self._console.clear()

    def flush(self) -> None:
        """Nothing stays behind."""
        self._file.flush()

    def line(self, text: str = "", style: str = "") -> None:
        """Print a sentence, wrapped at blanks."""
        self._print(Text(safe(text), style=style, overflow="fold"))

    def command(self, text: str) -> None:
        """A line to copy: never broken."""
        self._print(Text(safe(text), style="bold"), soft_wrap=True)

    def commands(self, lines: Iterable[str]) -> None:
        """Lines to copy from."""
        for line in lines:
            self.command(line)

    def verbatim(self, text: str) -> None:
        """A line of something that is for others: never broken, without style."""
        self._print(Text(safe(text)), soft_wrap=True)

    def heading(self, text: str) -> None:
        """An empty line and a heading."""
        self.line()
        self.line(text, "bold")

    def note(self, text: str, indent: int = 2) -> None:
        """A sentence under what it belongs to."""
        self._print(Padding(Text(safe(text), overflow="fold"), (0, 0, 0, indent)))

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
        """Print a table, or nothing without rows. Cells are wrapped, never cut."""
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")
        for column in columns:
            table.add_column(Text(column), overflow="fold", vertical="top")
        for row in rows:
            table.add_row(*map(_cell, row))
        if table.row_count:
            self._print(table)

    def facts(self, rows: Iterable[tuple[str, Cell]]) -> None:
        """Names and values below each other."""
        table = Table.grid(padding=(0, 2))
        table.add_column(overflow="fold", style="bold")
        table.add_column(overflow="fold")
        for name, value in rows:
            table.add_row(Text(safe(name)), _cell(value))
        self._print(table)

    def _print(self, what: RenderableType, *, soft_wrap: bool = False) -> None:
        """Into a file or a pipe without the blanks that fill a terminal's line."""
        if self._is_terminal:
            self._console.print(what, soft_wrap=soft_wrap)
            return
        with self._console.capture() as captured:
            self._console.print(what, soft_wrap=soft_wrap)
        for line in captured.get().splitlines():
            self._file.write(f"{line.rstrip()}\n")


def _plain_width() -> int:
    columns = os.environ.get("COLUMNS", "")
    return max(int(columns), _NARROWEST) if columns.isascii() and columns.isdigit() else _WIDTH


def _cell(cell: Cell) -> Text:
    lines = (cell,) if isinstance(cell, str) else cell
    return Text("\n").join(_styled(line) for line in lines)


def _styled(line: str) -> Text:
    text = safe(line)
    return Text(text, style=_STYLES.get(text.partition(" ")[0].partition(":")[0], ""))
