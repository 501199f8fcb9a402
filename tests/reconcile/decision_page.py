"""Reading docs/explanation/decisions.md: its rows, cell by cell; used by ``test_decisions``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = ROOT / "docs" / "explanation" / "decisions.md"
EXPECTED: Final = ("operations", "findings", "evidence")


@dataclass(frozen=True)
class Row:
    """One line of a table: its section, its cells by column."""

    section: str
    line: int
    cells: tuple[tuple[str, str], ...]

    def __getitem__(self, column: str) -> str:
        return dict(self.cells)[column]

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(c for c, _ in self.cells)

    @property
    def words(self) -> tuple[str, ...]:
        """The cells that say what is given."""
        return tuple(v for c, v in self.cells if c not in EXPECTED)

    @property
    def impossible(self) -> bool:
        return self["operations"].startswith("impossible: ")

    def __str__(self) -> str:
        return f"{self.section}, line {self.line}: {' | '.join(self.words)}"


def _cells(line: str) -> list[str]:
    assert line.startswith("| ") and line.endswith(" |"), f"not a table row: {line!r}"  # noqa: PT018 - one rule
    return [cell.strip().strip("`") for cell in line[2:-2].split(" | ")]


def read_page(text: str) -> list[Row]:
    """Every row of every table with expectations; the legend is not one."""
    rows: list[Row] = []
    section, header = "", None
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("## "):
            section, header = line.removeprefix("## "), None
        if not line.startswith("|"):
            header = None
        elif header is None:
            header = _cells(line)
        elif not line.startswith("|--") and header[-3:] == list(EXPECTED):
            cells = _cells(line)
            assert len(cells) == len(header), f"line {number} has {len(cells)} cells"
            rows.append(Row(section, number, tuple(zip(header, cells, strict=True))))
    return rows


ROWS: Final = read_page(PAGE.read_text(encoding="utf-8"))
