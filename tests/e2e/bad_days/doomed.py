"""An ``ipam-sync`` that is killed when it is told to: `python -m tests.e2e.bad_days.doomed ORDERS ARGS...`.

ORDERS is a directory.  A file there with the name of a point is the order to kill who is the first
to get there, as by SIGKILL; it is taken away by who dies, whose number is put behind its name.
Without an order it works like any other.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from enum import StrEnum, auto
from pathlib import Path
from types import ModuleType
from typing import ParamSpec, TypeVar

from worker.cli import main
from worker.config.run_policy import RunPolicy
from worker.messaging.dispatcher import Dispatcher
from worker.model.runs import OpenRun
from worker.operations.apply import ApplyResult, apply_entries, at_once
from worker.runs import ending, engine, judge
from worker.runs.claims import Concluded, send
from worker.runs.record import RecordedBatch
from worker.store.unit_of_work import Store

_Given = ParamSpec("_Given")
_Result = TypeVar("_Result")


class Point(StrEnum):
    """The moments that matter."""

    CONCLUDED_NOT_PUBLISHED = auto()
    """The sighting is committed; nobody is told to read the partners in it, nor to judge it."""
    RECORDED_NOT_APPLIED = auto()
    """Lines of OperationTracker are committed, as pending, that are to be applied at once."""
    IN_THE_MIDDLE_OF_APPLYING = auto()
    """Rows are changed, and nothing of it is committed."""
    IN_THE_MIDDLE_OF_CLOSING = auto()
    """The same of what is taken away, and of the run's end."""
    APPLIED_NOT_ACKNOWLEDGED = auto()
    """Everything of the task is committed, its message is still with the broker."""


Die = Callable[[Point], None]


def doom(die: Die) -> None:
    """Have ``die`` called at every point."""
    middle = {
        judge: Point.IN_THE_MIDDLE_OF_APPLYING,
        ending: Point.IN_THE_MIDDLE_OF_CLOSING,
    }
    for module, point in middle.items():
        _put(module, apply_entries, _dying_after(apply_entries, point, die))
    _put(engine, send, _dying_around(send, die))
    _doom_settling(die)


def _put(
    module: ModuleType, old: Callable[_Given, _Result], new: Callable[_Given, _Result]
) -> None:
    """Where the module looks for it."""
    assert getattr(module, old.__name__) is old
    setattr(module, old.__name__, new)


def _dying_around(
    send: Callable[[Dispatcher, Concluded], None], die: Die
) -> Callable[[Dispatcher, Concluded], None]:
    def sending(dispatcher: Dispatcher, concluded: Concluded) -> None:
        if any(servers for _, servers in concluded.to_read):
            die(Point.CONCLUDED_NOT_PUBLISHED)
        send(dispatcher, concluded)

    return sending


def _doom_settling(die: Die) -> None:
    settle, apply = engine.Engine.settle, judge._apply
    here = threading.local()

    def applying(
        store: Store,
        written: RecordedBatch,
        holder: judge._Holder,
        run: OpenRun,
        run_policy: RunPolicy,
    ) -> None:
        if at_once(written.confirmed, run_policy.policy):
            here.applied = True
            die(Point.RECORDED_NOT_APPLIED)
        apply(store, written, holder, run, run_policy)

    def settling_it(self: engine.Engine, run: int) -> None:
        here.applied = False
        settle(self, run)
        if here.applied:
            die(Point.APPLIED_NOT_ACKNOWLEDGED)

    _put(judge, apply, applying)
    engine.Engine.settle = settling_it  # type: ignore[method-assign]


def _dying_after(
    apply: Callable[_Given, ApplyResult], point: Point, die: Die
) -> Callable[_Given, ApplyResult]:
    def dying(*given: _Given.args, **more: _Given.kwargs) -> ApplyResult:
        applied = apply(*given, **more)
        if applied.done:
            die(point)
        return applied

    return dying


def by_order(orders: Path) -> Die:
    """What kills this process if there is an order, and takes the order away."""

    def die(point: Point) -> None:
        order = orders / point
        try:
            order.rename(order.with_suffix(f".{os.getpid()}"))
        except FileNotFoundError:
            return
        os.kill(os.getpid(), signal.SIGKILL)

    return die


if __name__ == "__main__":
    directory, *arguments = sys.argv[1:]
    doom(by_order(Path(directory)))
    sys.argv = ["ipam-sync", *arguments]
    sys.exit(main())
