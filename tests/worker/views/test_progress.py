"""How far a round is: on a terminal only, on standard error, and gone afterwards."""

from __future__ import annotations

from contextlib import redirect_stderr, redirect_stdout
from io import StringIO

import pytest
from typing_extensions import override

from reconcile.model.nouns import ReadFailure, Seen, Unseen
from tests.reconcile.fleet import START
from worker.views.progress import RoundProgress

FAILURE = ReadFailure("timeout", "No answer.", "Look.", retry=True)


class Terminal(StringIO):
    """A file that says it is a terminal."""

    @override
    def isatty(self) -> bool:
        return True


def a_round(error: StringIO) -> str:
    """Two rounds of three and one servers; what standard output got of it."""
    with redirect_stderr(error), redirect_stdout(StringIO()) as out, RoundProgress() as progress:
        progress.begin(3)
        progress.concluded(Seen(1, START, ()))
        progress.concluded(Unseen(2, START, FAILURE))
        progress.concluded(Seen(3, START, ()))
        progress.begin(1)
        progress.concluded(Seen(3, START, ()))
    return out.getvalue()


@pytest.fixture(autouse=True)
def _plain_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")


def test_a_pipe_gets_nothing() -> None:
    error = StringIO()
    assert a_round(error) == ""
    assert error.getvalue() == ""


def test_a_terminal_sees_how_many_and_who_could_not_be_read() -> None:
    """A second look asks more than were asked at first."""
    error = Terminal()
    assert a_round(error) == ""
    assert "asking servers, 1 unread" in error.getvalue()
    assert "4/4" in error.getvalue()


def test_afterwards_the_bar_is_gone() -> None:
    """The last thing that is written takes the line away again."""
    error = Terminal()
    a_round(error)
    assert error.getvalue().rstrip().endswith("\x1b[2K")


def test_an_error_within_the_round_takes_the_bar_away_too() -> None:
    error = Terminal()

    def broken_off() -> None:
        with RoundProgress() as progress:
            progress.begin(3)
            raise ZeroDivisionError

    with redirect_stderr(error), pytest.raises(ZeroDivisionError):
        broken_off()
    assert error.getvalue().rstrip().endswith("\x1b[2K")
