"""Runs for people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reconcile.model.nouns import Sighting
from worker.model.runs import RunView
from worker.views.outcome import show_unread
from worker.views.screen import Cell, Screen
from worker.views.text import moment

#: Numbers of a run's summary that its row shows.
_SHOWN = ("servers_read", "servers_unread", "operations_new", "operations_applied", "findings")


def show_runs(screen: Screen, runs: Iterable[RunView]) -> None:
    """Show one row for each run."""
    rows = [
        (str(run.id), moment(run.started_at), run.who, run.target, _came_to(run)) for run in runs
    ]
    if rows:
        screen.table(("run", "started", "by", "about", "came to"), rows)


def _came_to(run: RunView) -> Cell:
    if run.outcome is None:
        return "not ended: still running, or killed"
    words = [f"{_words(key)} {run.summary[key]}" for key in _SHOWN if run.summary.get(key)]
    return (run.outcome, *words)


def show_run(
    screen: Screen, run: RunView, sightings: Mapping[int, Sighting], names: Mapping[int, str]
) -> None:
    """A run with its numbers and the servers it could not read."""
    screen.facts(
        (
            ("run", str(run.id)),
            ("started", f"{moment(run.started_at)} by {run.who} ({run.trigger})"),
            ("about", run.target),
            ("ended", moment(run.ended_at) if run.ended_at else "not yet, or it was killed"),
            ("outcome", run.outcome or "-"),
            *((_words(key), str(value)) for key, value in run.summary.items() if value),
        )
    )
    show_unread(screen, sightings, names)


def _words(key: str) -> str:
    return key.replace("_", " ")
