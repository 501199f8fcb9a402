"""The screen: everything is shown, nothing is obeyed, and it fits."""

from __future__ import annotations

from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.views.screen import Screen
from worker.views.text import safe


def shown(columns: int, *rows: tuple[str, ...]) -> str:
    file = StringIO()
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("COLUMNS", str(columns))
        Screen(file).table([f"column {i}" for i in range(len(rows[0]))], rows)
    return file.getvalue()


@given(st.text())
def test_safe_text_is_one_printable_line_and_keeps_what_is_printable(text: str) -> None:
    assert safe(text).isprintable()
    assert not text.isprintable() or safe(text) == text


@given(st.integers(min_value=30, max_value=120), st.text(alphabet="abc[]/ ", min_size=1))
def test_a_cell_is_wrapped_and_never_cut(columns: int, text: str) -> None:
    table = shown(columns, (text, "x"))
    first = "".join(line[: -1 if line.endswith("x") else None] for line in table.splitlines()[2:])
    assert "".join(first.split()) == "".join(text.split())


@pytest.mark.parametrize("columns", [20, 40, 80, 100, 200])
def test_no_line_is_wider_than_the_terminal(columns: int) -> None:
    table = shown(columns, ("dhcp01.corp.example" * 3, "why not " * 20))
    assert max(map(len, table.splitlines())) <= columns


def test_markup_is_text() -> None:
    assert "[bold]x[/bold] :smile:" in shown(100, ("[bold]x[/bold] :smile:", ""))


def test_a_command_to_copy_is_never_broken() -> None:
    file = StringIO()
    command = "ipam-sync operations apply " + " ".join(map(str, range(200)))
    Screen(file).command(command)
    assert file.getvalue() == command + "\n"


def test_a_pipe_gets_no_blanks_at_the_end_of_lines_and_no_colours() -> None:
    table = shown(100, ("a", "b"), ("critical", "applied"))
    assert all(line == line.rstrip() for line in table.splitlines())
    assert "\x1b" not in table


def test_a_table_without_rows_is_nothing() -> None:
    file = StringIO()
    Screen(file).table(("a", "b"), ())
    assert file.getvalue() == ""
