"""A deliverer of its own: `python -m tests.e2e.bad_days.teller DATABASE_URL ALERTS_FILE MANNER`.

It tells what there is to tell, again and again until its standard input ends, then once more.  Of a
manner that is a moment it kills itself there, as by SIGKILL, at the first message.
"""

from __future__ import annotations

import os
import select
import signal
import sys
from dataclasses import replace
from enum import StrEnum, auto
from pathlib import Path

from tests.worker.alerts.delivery.receiving_ends import Around
from worker.alerts.alerting import Alerting
from worker.alerts.config import load_alerting
from worker.alerts.delivery.composer import Words
from worker.alerts.delivery.deliverer import Deliverer
from worker.store.schema import open_store
from worker.telemetry.events import EventRecorder


class Manner(StrEnum):
    """What becomes of it."""

    LIVES = auto()
    CLAIMED_NOT_SENT = auto()
    SENT_NOT_MARKED = auto()


def doomed(alerting: Alerting, manner: Manner) -> Alerting:
    """The same with channels at which who uses them dies."""
    before = _die if manner is Manner.CLAIMED_NOT_SENT else _live
    after = _die if manner is Manner.SENT_NOT_MARKED else _live
    channels = {name: Around(c, before, after) for name, c in alerting.channels.items()}
    return replace(alerting, channels=channels)


def _live() -> None:
    """Nothing happens."""


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _main(url: str, file: str, manner: str) -> None:
    store = open_store(url)
    teller = Deliverer(
        store, doomed(load_alerting(Path(file)), Manner(manner)), Words({}), EventRecorder()
    )
    is_over = False
    while not is_over:
        is_over = bool(select.select([sys.stdin], [], [], 0)[0])
        teller.deliver()
    store.close()


if __name__ == "__main__":
    _main(*sys.argv[1:])
