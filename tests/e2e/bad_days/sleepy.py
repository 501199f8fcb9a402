"""An ``ipam-sync`` that stands still when it is told to: `python -m tests.e2e.bad_days.sleepy ORDERS SECONDS ARGS...`.

As with ``doomed`` a file in ORDERS is the order, but who gets there first is stopped and not killed.
It waits no longer than SECONDS for a database.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from functools import partial
from pathlib import Path

from tests.e2e.bad_days.doomed import Die, Point, doom
from worker import bootstrap
from worker.cli import main


def by_order(orders: Path) -> Die:
    """What stops this process if there is an order, and takes the order away."""

    def stop(point: Point) -> None:
        order = orders / point
        try:
            order.rename(order.with_suffix(f".{os.getpid()}"))
        except FileNotFoundError:
            return
        os.kill(os.getpid(), signal.SIGSTOP)
        time.sleep(0.1)  # the kernel may tell another thread first, and this one must not go on

    return stop


def impatient(seconds: float) -> None:
    """Have no transaction wait for longer, or be held up for longer."""
    patient = bootstrap.open_store  # type: ignore[attr-defined]  # where it is looked for
    bootstrap.open_store = partial(patient, lock_timeout_seconds=seconds)  # type: ignore[attr-defined]


if __name__ == "__main__":
    directory, patience, *arguments = sys.argv[1:]
    doom(by_order(Path(directory)))
    impatient(float(patience))
    sys.argv = ["ipam-sync", *arguments]
    sys.exit(main())
