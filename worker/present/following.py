"""How far a run is that workers do, on standard error of a terminal and nowhere else."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from worker.run_ports import Progress


class RunProgress:
    """A bar that is gone when the run is over."""

    def __init__(self) -> None:
        self._bar = Bar(
            TextColumn("servers"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            disable=not sys.stderr.isatty(),
            transient=True,
        )
        self._task = self._bar.add_task("", total=None)

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

    def watch(self, progress: Progress) -> None:
        """So far."""
        words = f"{progress.pairs} pairs, {progress.operations} operations, {progress.findings} findings"
        if not progress.working:
            words += "; waits for a worker"
        self._bar.update(
            self._task, total=progress.servers, completed=progress.concluded, description=words
        )
