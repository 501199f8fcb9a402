"""An ``ipam-sync`` that is killed at a named point: `python -m tests.e2e.bad_days.doomed POINT MARK ARGS...`.

Who gets there first among all that have the same MARK makes that file and dies as by SIGKILL; the
others, and all that come later, live on.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from worker.cli import main
from worker.pipeline import crew, settling
from worker.pipeline.crew import Crew
from worker.recording import Written


def concluded_not_published(die: Callable[[], None]) -> None:
    """The sighting is committed; nobody was told of partners to read, nothing is judged."""
    crew.send = lambda *_: die()  # type: ignore[assignment]


def recorded_not_applied(die: Callable[[], None]) -> None:
    """Lines of OperationTracker are committed as pending."""
    apply = settling._apply

    def dying(store: Any, written: Written, *rest: Any) -> None:
        if written.entries:
            die()
        apply(store, written, *rest)

    settling._apply = dying


def in_the_middle_of_applying(die: Callable[[], None]) -> None:
    """The rows are changed, and nothing of it is committed."""
    apply = settling.apply_entries

    def dying(*given: Any, **more: Any) -> Any:
        result = apply(*given, **more)
        die()
        return result

    settling.apply_entries = dying


def applied_not_acknowledged(die: Callable[[], None]) -> None:
    """Everything of the task is committed, its message is still with the broker."""
    settle = Crew.settle
    apply = settling._apply
    applied: list[bool] = []

    def applying(store: Any, written: Written, *rest: Any) -> None:
        apply(store, written, *rest)
        applied.extend([True] * bool(written.entries))

    def dying(self: Crew, run: int) -> None:
        settle(self, run)
        if applied:
            die()

    settling._apply = applying
    Crew.settle = dying  # type: ignore[method-assign]


POINTS: Final = {
    point.__name__: point
    for point in (
        concluded_not_published,
        recorded_not_applied,
        in_the_middle_of_applying,
        applied_not_acknowledged,
    )
}


def once(mark: Path) -> Callable[[], None]:
    """What kills the process that is the first to call it."""

    def die() -> None:
        try:
            mark.touch(exist_ok=False)
        except FileExistsError:
            return
        os.kill(os.getpid(), signal.SIGKILL)

    return die


if __name__ == "__main__":
    point, file, *arguments = sys.argv[1:]
    POINTS[point](once(Path(file)))
    sys.argv = ["ipam-sync", *arguments]
    sys.exit(main())
