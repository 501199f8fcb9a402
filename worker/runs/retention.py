"""Old runs and what they saw go, and problems that are over; a little at a time, with every sweep.

What is old is decided by the database's clock and IPAM_SYNC_KEEP_RUNS, what stays all the same by
``worker.store.repositories.retention``.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from worker.store.unit_of_work import Store
from worker.telemetry.events import EventRecorder

_LEASE: Final = "prune"
#: Rows of a table that go at once: the one writer must not be kept from others for long.
MOST: Final = 1000
#: When nothing more is old, that is looked at again after so long.
_PAUSE: Final = timedelta(hours=1)


def prune(store: Store, keep: timedelta, recorder: EventRecorder, most: int = MOST) -> None:
    """Remove rows that are older, unless all were removed lately."""
    with store.read() as reading:
        if reading.leases.is_held(_LEASE):
            return
    # Small deletions in transactions of their own, so that readings never wait long.
    with store.write() as uow:
        token = uow.leases.acquire(_LEASE, _PAUSE)
        if token is None:
            return
        rows = uow.retention.prune(uow.now() - keep, most)
        if max(rows.values()) >= most:
            uow.leases.release(_LEASE, token)  # there may be more
        uow.commit()
    if any(rows.values()):
        recorder.pruned(rows)
