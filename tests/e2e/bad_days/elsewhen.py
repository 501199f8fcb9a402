"""An ``ipam-sync`` on a machine whose clock is wrong: `python -m tests.e2e.bad_days.elsewhen MINUTES ARGS...`.

MINUTES ahead, or behind if negative.  The monotonic clock is right, as on such a machine.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta

import time_machine

from worker.cli import main

if __name__ == "__main__":
    minutes, *arguments = sys.argv[1:]
    time_machine.travel(datetime.now(UTC) + timedelta(minutes=int(minutes)), tick=True).start()
    datetime.now(UTC)  # it goes from the first look at it on
    sys.argv = ["ipam-sync", *arguments]
    sys.exit(main())
