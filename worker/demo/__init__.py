"""``ipam-sync demo``: three runs over a made-up fleet, on any machine, with nothing to configure.

The screen is made by what shows a real run; only the words between are the demo's own.
"""

from __future__ import annotations

import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import FrameType
from typing import Final

from reconcile.model.record import Record
from worker.demo.scenery import FLEET
from worker.demo.script import FAREWELL, FIRST, INTRODUCTION, SECOND, THIRD, TRY_NEXT, DemoStep
from worker.demo.stage import Contents, DemoStage, contents, staged
from worker.model.run_report import RunSummary
from worker.processes.signals import ENDING
from worker.telemetry.logs import no_lines
from worker.views.advice import after_sync
from worker.views.outcome import show_headline, show_outcome
from worker.views.records import side_name
from worker.views.screen import Screen
from worker.views.text import counted

#: A FailoverCreate looks like the other.
_CREATES_SHOWN: Final = 1
#: Fits a terminal of 80 columns.
_RULE_WIDTH: Final = 76


def run() -> int:
    """See it work: three runs over a simulated fleet, with nothing to configure.

    They are done as for servers of your own: by ipam-sync up, with a broker, workers and a beat, in
    a temporary directory. Where that cannot run (it needs Linux), this process does it all. Nothing
    but this machine's loopback and sockets is used, and afterwards all of it is gone; your own
    settings and database are not looked at.

    Example: ipam-sync demo
    """
    no_lines()
    screen = Screen()
    screen.line(INTRODUCTION)
    screen.command(f"The fleet: {FLEET}")
    with _ending_in_order() as ending, staged(screen.line) as stage:
        ending.heed()
        _first(screen, stage)
        ending.heed()
        _second(screen, stage)
        ending.heed()
        is_quiet = _third(screen, stage)
        ending.heed()
    if not is_quiet:
        return 1
    _farewell(screen)
    return 0


class _Ending:
    """A handler that ends the process as Ctrl-C does, and remembers that it was to."""

    def __init__(self) -> None:
        self._came = False

    def __call__(self, _: int, __: FrameType | None) -> None:
        self._came = True
        raise KeyboardInterrupt

    def heed(self) -> None:
        """Raised in the middle of a library it may have been swallowed there."""
        if self._came:
            raise KeyboardInterrupt


@contextmanager
def _ending_in_order() -> Iterator[_Ending]:
    """Handle the other signals that end a process like Ctrl-C. An ignored one stays ignored."""
    handlers = {number: signal.getsignal(number) for number in ENDING}
    ending = _Ending()
    for number, handler in handlers.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, ending)
    try:
        yield ending
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _first(screen: Screen, stage: DemoStage) -> None:
    """Perform the first step, and show the first Creates by name and the totals."""
    _introduce(screen, stage, FIRST)
    summary = stage.perform(FIRST)
    lines = sorted(summary.lines, key=lambda line: line.planned.relationship)
    summary = replace(summary, lines=tuple(lines))
    show_outcome(screen, summary, stage.ipam.settings.severities, lines_shown=_CREATES_SHOWN)
    with stage.ipam.store.read() as reading:
        _show_records(screen, reading.records.load())


def _second(screen: Screen, stage: DemoStage) -> None:
    _introduce(screen, stage, SECOND)
    summary = stage.perform(SECOND)
    show_outcome(screen, summary, stage.ipam.settings.severities)
    _advise(screen, stage, summary)


def _third(screen: Screen, stage: DemoStage) -> bool:
    """True if nothing was written, as promised."""
    _introduce(screen, stage, THIRD)
    contents_before = contents(stage.ipam.store)
    summary = stage.perform(THIRD)
    contents_after = contents(stage.ipam.store)
    show_headline(screen, summary)
    _show_writes(screen, contents_before, contents_after)
    return contents_before == contents_after


def _introduce(screen: Screen, stage: DemoStage, step: DemoStep) -> None:
    _rule(screen, step.title)
    screen.line(step.says)
    if step.meanwhile:
        columns = ("relationship", "what happened on the servers", "what becomes of it")
        screen.table(columns, ((c.about, c.event, c.result) for c in step.meanwhile))
    for command in (*step.before, stage.command):
        screen.command(f"$ {command}")


def _rule(screen: Screen, title: str) -> None:
    screen.line()
    screen.line(f"=== {title} ".ljust(_RULE_WIDTH, "="), "bold")


def _show_records(screen: Screen, records: Iterable[Record]) -> None:
    screen.heading("What IPAM has now")
    screen.table(
        ("relationship", "server 1 (primary)", "server 2", "mode", "scopes", "evidence"),
        (
            (
                record.relationship_name,
                side_name(record, 1),
                side_name(record, 2),
                str(record.mode),
                str(len(record.scopes)),
                record.evidence.value,
            )
            for record in sorted(records, key=lambda record: record.relationship_name)
        ),
    )
    screen.note(
        "one_side: only one partner could tell it; the other was not read, or IPAM does not know it."
    )


def _advise(screen: Screen, stage: DemoStage, summary: RunSummary) -> None:
    screen.line()
    screen.commands(after_sync(summary, stage.command, stage.ipam.settings.severities))


def _show_writes(screen: Screen, before: Contents, after: Contents) -> None:
    """Say what was compared, and whether it is what it was."""
    unchanged = (
        f"{counted(len(after.servers), 'server')}, "
        f"{counted(len(after.relationships), 'relationship')}, "
        f"{counted(len(after.operations), 'operation')} and "
        f"{counted(len(after.findings), 'open finding')}"
    )
    if before == after:
        screen.line(
            f"Nothing was written but the run and what it saw: {unchanged}, row by row as before."
        )
    else:
        screen.line(
            f"This should not happen: the run changed what was there ({unchanged}).", "bold red"
        )


def _farewell(screen: Screen) -> None:
    _rule(screen, "Now with your own servers")
    screen.line(FAREWELL)
    screen.facts(
        (f"{number}. {title}", command) for number, (title, command) in enumerate(TRY_NEXT, 1)
    )
