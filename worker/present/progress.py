"""How far a round over live servers is, on standard error of a terminal and nowhere else."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from reconcile.model import Seen, Sighting


class RoundProgress:
    """A bar that is gone when the round is over; keeps the promises of a collector's progress."""

    def __init__(self) -> None:
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            disable=not sys.stderr.isatty(),
            transient=True,
        )
        self._task = self._bar.add_task("asking servers", total=0)
        self._asked = 0
        self._unread = 0

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def begin(self, servers: int) -> None:
        """So many more servers will be asked."""
        self._asked += servers
        self._bar.update(self._task, total=self._asked)

    def concluded(self, sighting: Sighting) -> None:
        """One of them, whatever came of it."""
        self._unread += not isinstance(sighting, Seen)
        unread = f", {self._unread} unread" if self._unread else ""
        self._bar.update(self._task, advance=1, description=f"asking servers{unread}")
